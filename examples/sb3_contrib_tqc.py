"""TQC with its own stock policy, which points at where among item features the good ones lie.

`point_at_items` turns a point into a slate of the nearest items. So any algorithm for continuous
actions recommends, and the order in which candidates stand does not matter.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env[agents]", "gymnasium", "sb3-contrib"]
# ///

import time

import gymnasium
import torch
from gymnasium.wrappers.vector import TransformReward
from sb3_contrib import TQC

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.envs.sb3 import VecEnvAdapter
from recsim_env.envs.wrappers import point_at_items

ID, N_STEPS = "recsim_env:recsim_env/LongTermSatisfaction-v0", 12_000

torch.set_num_threads(1)  # more would only wait for each other
people = gymnasium.make_vec(ID, num_envs=16, autoreset_mode="SameStep")
scaled = TransformReward(people, lambda rewards: rewards / 20)  # values near 1 are soon learned
model = TQC(
    "MultiInputPolicy",
    VecEnvAdapter(point_at_items(scaled)),
    learning_rate=3e-3,
    tau=0.05,
    gamma=0.9,
    ent_coef="auto_0.05",
    top_quantiles_to_drop_per_net=0,  # here most of the reward comes from few large ones
    policy_kwargs={"net_arch": [32, 32], "n_critics": 1},
    seed=0,
)
start = time.perf_counter()
model.learn(N_STEPS)
rate = N_STEPS / (time.perf_counter() - start)
agents = model, make_agent("uniform", people)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"TQC: learned {learned:,.0f} a session, uniform {uniform:,.0f}, {rate:,.0f} steps/s")
assert learned > uniform, "it did not learn"
