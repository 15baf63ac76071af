"""sb3-contrib's MaskablePPO, which never shows what a person has already consumed.

All 40 items are candidates here, and one consumed before in the session leaves its place empty.
`VecEnvAdapter` hands the environment's `action_masks` on, and the policy keeps to them.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env[agents]", "gymnasium", "sb3-contrib"]
# ///

import time

import gymnasium
import torch
from sb3_contrib import MaskablePPO

from recsim_env.agents import make_agent
from recsim_env.agents.frameworks.sb3 import MaskableCandidatePolicy
from recsim_env.benchmark import evaluate
from recsim_env.envs.sb3 import VecEnvAdapter

ID, N_STEPS = "recsim_env:recsim_env/RatedCatalogue-v0", 20_480

torch.set_num_threads(1)  # more would only wait for each other
whole = {"n_items": 40, "n_candidates": 0}
people = gymnasium.make_vec(ID, num_envs=64, autoreset_mode="SameStep", **whole)
model = MaskablePPO(
    MaskableCandidatePolicy,
    VecEnvAdapter(people),
    n_steps=32,
    batch_size=512,
    n_epochs=4,
    learning_rate=2e-3,
    gamma=0.5,  # what is liked now does not change what is liked later
    seed=0,
)
start = time.perf_counter()
model.learn(N_STEPS)
rate = N_STEPS / (time.perf_counter() - start)

agents, world = (model, make_agent("uniform", people)), people.scenario
learned, uniform = (
    evaluate(each, world, n_episodes=500, seed=9_000).return_mean for each in agents
)
print(f"MaskablePPO: learned {learned:,.2f} a session, uniform {uniform:,.2f}, {rate:,.0f} steps/s")
assert learned > uniform, "it did not learn"
