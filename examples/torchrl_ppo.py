"""TorchRL: PPO learns to fill slates of three items, for a compiled batch of people.

`GymWrapper` takes the batch in the autoreset modes Disabled, which is the faster, and SameStep.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env", "torch", "torchrl"]
# ///

import time

import gymnasium
import torch
from torchrl.collectors import Collector
from torchrl.envs import GymWrapper
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

from recsim_env.agents import from_predict, make_agent
from recsim_env.agents.frameworks.slates import scorer
from recsim_env.agents.frameworks.torchrl import CandidateActor, CandidateCritic
from recsim_env.benchmark import evaluate

ID, NUM_ENVS, ROLLOUT, N_STEPS = "recsim_env:recsim_env/InterestEvolution-v0", 64, 32, 40_960

torch.set_num_threads(1)  # more would only wait for each other
torch.manual_seed(0)
people = gymnasium.make_vec(ID, num_envs=NUM_ENVS, autoreset_mode="Disabled")
env = GymWrapper(people, categorical_action_encoding=True)
env.set_seed(0)
actor, critic = CandidateActor(people), CandidateCritic(people)
advantage = GAE(gamma=0.99, lmbda=0.95, value_network=critic, average_gae=True)
loss = ClipPPOLoss(actor, critic, clip_epsilon=0.3, entropy_coeff=0.0, critic_coeff=0.5)
optimizer = torch.optim.Adam(loss.parameters(), lr=2e-3)

start = time.perf_counter()
collector = Collector(
    env,
    actor,
    frames_per_batch=NUM_ENVS * ROLLOUT,
    total_frames=N_STEPS,
    auto_register_policy_transforms=True,
)
for batch in collector:
    batch["next", "reward"] *= 0.1
    with torch.no_grad():
        advantage(batch)
    for _ in range(4):
        for rows in torch.randperm(batch.numel()).split(512):
            parts = loss(batch.reshape(-1)[rows])
            optimizer.zero_grad()
            (parts["loss_objective"] + parts["loss_critic"]).backward()
            torch.nn.utils.clip_grad_norm_(loss.parameters(), 1.0)
            optimizer.step()
rate = N_STEPS / (time.perf_counter() - start)
agents = from_predict(scorer(actor.network), people), make_agent("uniform", people, seed=0)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"TorchRL: learned {learned:,.0f} a session, uniform {uniform:,.0f}, {rate:,.0f} steps/s")
assert learned > 1.2 * uniform, "it did not learn"
