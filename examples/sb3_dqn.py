"""Stable-Baselines3's DQN, with a network that gives every candidate its value.

Items of the majority look better here than those that a minority loves, until it is tried out.
Slates of several items are numbered by `enumerate_slates`, and have values likewise.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env[agents]", "gymnasium", "stable-baselines3"]
# ///

import time

import gymnasium
import torch
from stable_baselines3 import DQN

from recsim_env.agents import make_agent
from recsim_env.agents.frameworks.sb3 import CandidateQPolicy
from recsim_env.benchmark import evaluate
from recsim_env.envs.sb3 import VecEnvAdapter

ID, N_STEPS = "recsim_env:recsim_env/InterestExploration-v0", 16_000

torch.set_num_threads(1)  # more would only wait for each other
people = gymnasium.make_vec(ID, num_envs=32, autoreset_mode="SameStep")
model = DQN(
    CandidateQPolicy,
    VecEnvAdapter(people),
    learning_rate=1e-3,
    gamma=0.5,
    batch_size=256,
    train_freq=1,
    target_update_interval=1_600,
    exploration_fraction=0.3,
    policy_kwargs={"width": 32},
    seed=0,
)
start = time.perf_counter()
model.learn(N_STEPS)
rate = N_STEPS / (time.perf_counter() - start)

agents = model, make_agent("uniform", people)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"DQN: learned {learned:,.1f} a session, uniform {uniform:,.1f}, {rate:,.0f} steps/s")
assert learned > uniform, "it did not learn"
