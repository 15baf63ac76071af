"""Tianshou: DQN learns which item to show, by the Q-value of each candidate.

Tianshou's vector environments step one person after the other; `TianshouVectorEnv` steps all of a
compiled batch at once. Where slates have several items, `enumerate_slates` makes them one action.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env", "torch", "tianshou"]
# ///

import time

import gymnasium
import torch
from gymnasium.wrappers.vector import TransformReward
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.trainer import OffPolicyTrainerParams

from recsim_env.agents import from_predict, make_agent
from recsim_env.agents.frameworks.slates import scorer
from recsim_env.agents.frameworks.tianshou import CandidateNet, TianshouVectorEnv
from recsim_env.benchmark import evaluate

ID, NUM_ENVS, N_STEPS = "recsim_env:recsim_env/LongTermSatisfaction-v0", 64, 40_960

torch.set_num_threads(1)  # more would only wait for each other
torch.manual_seed(0)
people = gymnasium.make_vec(ID, num_envs=NUM_ENVS, autoreset_mode="Disabled")
model = CandidateNet(people.single_observation_space)
policy = DiscreteQLearningPolicy(
    model=model, action_space=people.single_action_space, eps_training=0.1
)
algorithm = DQN(
    policy=policy, optim=AdamOptimizerFactory(lr=1e-3), gamma=0.95, target_update_freq=100
)
env = TianshouVectorEnv(TransformReward(people, lambda reward: reward / 100))
env.seed(0)
collector = Collector(algorithm, env, VectorReplayBuffer(N_STEPS, NUM_ENVS))
parameters = OffPolicyTrainerParams(
    training_collector=collector,
    max_epochs=1,
    epoch_num_steps=N_STEPS,
    collection_step_num_env_steps=NUM_ENVS,
    update_step_num_gradient_steps_per_sample=1 / 32,
    batch_size=256,
    show_progress=False,
)
start = time.perf_counter()
algorithm.run_training(parameters)
rate = N_STEPS / (time.perf_counter() - start)
agents = from_predict(scorer(model.network), people), make_agent("uniform", people, seed=0)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"Tianshou: learned {learned:,.0f} a session, uniform {uniform:,.0f}, {rate:,.0f} steps/s")
assert learned > 1.2 * uniform, "it did not learn"
