"""Stable-Baselines3's PPO recommends slates, with a policy that scores all candidates alike.

`CandidatePolicy` stands where "MultiInputPolicy" would, whose network has weights of its own for
each place among the candidates, and stays at chance.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env[agents]", "gymnasium", "stable-baselines3"]
# ///

import time

import gymnasium
import torch
from stable_baselines3 import PPO

from recsim_env.agents import make_agent
from recsim_env.agents.frameworks.sb3 import CandidatePolicy
from recsim_env.benchmark import evaluate
from recsim_env.envs.sb3 import VecEnvAdapter

ID, N_STEPS = "recsim_env:recsim_env/InterestEvolution-v0", 10_240

torch.set_num_threads(1)  # more would only wait for each other
people = gymnasium.make_vec(ID, num_envs=64, autoreset_mode="SameStep")
model = PPO(
    CandidatePolicy,
    VecEnvAdapter(people),
    n_steps=32,
    batch_size=512,
    n_epochs=4,
    learning_rate=1e-3,
    seed=0,
)
seconds = 0.0
for _ in range(5):
    start = time.perf_counter()
    model.learn(N_STEPS // 5, reset_num_timesteps=False)
    seconds += time.perf_counter() - start
    reached = evaluate(model, ID, n_episodes=100, seed=9_000).return_mean
    print(f"after {model.num_timesteps:,} steps: {reached:,.0f} a session")  # the learning curve
model.save("sb3_ppo")  # for PPO.load, and `recsim-env run InterestEvolution sb3_ppo.zip`

agents = model, make_agent("uniform", people)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
rate = N_STEPS / seconds
print(f"PPO: learned {learned:,.0f} a session, uniform {uniform:,.0f}, {rate:,.0f} steps/s")
assert learned > uniform, "it did not learn"
