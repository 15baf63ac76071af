"""Minari and d3rlpy: a log of uniform recommendations becomes a dataset, and that a better policy.

An action is a point, the features of the item shown; the policy then shows what is nearest to its
own. TD3+BC is told what ten steps brought: clickbait today costs clicks tomorrow.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env", "torch", "d3rlpy==2.8.0", "minari", "h5py", "pillow"]
# ///

import os
import tempfile
import time

import d3rlpy
import gymnasium
import numpy as np
from gymnasium.spaces import Box
from minari import create_dataset_from_buffers
from minari.data_collector import EpisodeBuffer

from recsim_env.agents import from_predict, make_agent
from recsim_env.benchmark import evaluate

ID, NUM_ENVS = "recsim_env:recsim_env/LongTermSatisfaction-v0", 500
os.environ["MINARI_DATASETS_PATH"] = tempfile.mkdtemp()  # instead of ~/.minari
start = time.perf_counter()
people = gymnasium.make_vec(ID, num_envs=NUM_ENVS)
uniform = make_agent("uniform", people, seed=0)
observation, _ = people.reset(seed=0)
seen, points, steps = [np.log1p(observation["response"][:, 0])], [], []
while not steps or not steps[-1][1].all():  # all sessions are as long
    shown, _ = uniform.predict(observation)
    points.append(observation["candidates"][np.arange(NUM_ENVS), shown])
    observation, reward, terminated, truncated, _ = people.step(shown)
    seen.append(np.log1p(observation["response"][:, 0]))
    steps.append((reward / 10, terminated, truncated))
columns = [np.stack(each, axis=1) for each in (seen, points, *zip(*steps, strict=True))]
sessions = list(map(EpisodeBuffer, *[[None] * NUM_ENVS] * 3, *columns))  # no id, seed, options
spaces = {"observation_space": Box(0, 10, (2,)), "action_space": Box(0, 1, (1,))}
log = create_dataset_from_buffers("recsim-env/uniform-v0", sessions, **spaces)
rows = [(e.observations[:-1], e.actions, e.rewards, e.terminations, e.truncations) for e in log]
picker = d3rlpy.dataset.MultiStepTransitionPicker(n_steps=10, gamma=0.95)
data = d3rlpy.dataset.MDPDataset(*map(np.concatenate, zip(*rows, strict=True)), picker)
layers = d3rlpy.models.VectorEncoderFactory([32, 32])
settings = {"actor_encoder_factory": layers, "critic_encoder_factory": layers, "gamma": 0.95}
rates = {"actor_learning_rate": 3e-3, "critic_learning_rate": 3e-3, "tau": 0.02, "alpha": 20.0}
d3rlpy.seed(0)
policy = d3rlpy.algos.TD3PlusBCConfig(**settings, **rates).create()
quiet = {"show_progress": False, "logger_adapter": d3rlpy.logging.NoopAdapterFactory()}
policy.fit(data, n_steps=1_000, n_steps_per_epoch=1_000, **quiet)
rate = len(rows) * columns[2].shape[1] / (time.perf_counter() - start)
nearest = from_predict(  # the best scores are those of the items nearest to the policy's points
    lambda o: -abs(o["candidates"][:, :, 0] - policy.predict(np.log1p(o["response"][:, 0]))), people
)
agents = nearest, uniform
learned, usual = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"d3rlpy: learned {learned:,.0f} a session, uniform {usual:,.0f}, {rate:,.0f} steps/s")
assert learned > 1.2 * usual, "it did not learn"
