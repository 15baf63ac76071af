"""RLlib: PPO learns to fill slates of three items, on the new API stack.

The id names the package, so that RLlib's workers find it, and with `vector_entry_point` each steps
one compiled batch of people.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env", "torch", "ray[rllib]"]
# ///

import time

import gymnasium
import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module import RLModuleSpec

from recsim_env.agents import from_predict, make_agent
from recsim_env.agents.frameworks.rllib import CandidateModule
from recsim_env.agents.frameworks.slates import scorer
from recsim_env.benchmark import evaluate

ID, NUM_ENVS, ROLLOUT, N_STEPS = "recsim_env:recsim_env/InterestEvolution-v0", 64, 32, 40_960

torch.set_num_threads(1)  # more would only wait for each other
ray.init(address="local", num_cpus=1, include_dashboard=False)
config = (
    PPOConfig()
    .environment(ID)
    .env_runners(
        num_env_runners=0,
        num_envs_per_env_runner=NUM_ENVS,
        gym_env_vectorize_mode="vector_entry_point",
    )
    .rl_module(rl_module_spec=RLModuleSpec(CandidateModule, model_config={"width": 64}))
    .training(
        train_batch_size_per_learner=NUM_ENVS * ROLLOUT,
        minibatch_size=512,
        num_epochs=4,
        lr=2e-3,
        lambda_=0.95,
        vf_loss_coeff=0.01,  # returns are near 100
        vf_clip_param=float("inf"),
    )
    .debugging(seed=0)
)
algorithm = config.build_algo()
start = time.perf_counter()
while algorithm.env_runner.num_env_steps_sampled_lifetime < N_STEPS:
    algorithm.train()
rate = N_STEPS / (time.perf_counter() - start)
people, module = gymnasium.make_vec(ID), algorithm.get_module()
agents = from_predict(scorer(module.network), people), make_agent("uniform", people, seed=0)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"RLlib: learned {learned:,.0f} a session, uniform {uniform:,.0f}, {rate:,.0f} steps/s")
assert learned > 1.2 * uniform, "it did not learn"
