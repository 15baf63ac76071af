"""PPO in one file, in CleanRL's style, with a network that judges all candidates alike.

The step after an end only begins the next session (NEXT_STEP), and is left out of the loss.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env[agents]", "gymnasium", "torch"]
# ///

import time

import gymnasium
import torch
from torch.distributions import Categorical

from recsim_env.agents import make_agent
from recsim_env.agents.networks.encoder import CandidateScores, split
from recsim_env.benchmark import evaluate

ID, N_ENVS, N_STEPS, N_ROLLOUTS = "recsim_env:recsim_env/LongTermSatisfaction-v0", 64, 32, 20
torch.set_num_threads(1)  # more would only wait for each other
torch.manual_seed(0)
envs, people = gymnasium.make_vec(ID, num_envs=N_ENVS, flat=True), gymnasium.make_vec(ID)
space = people.single_observation_space  # of the same vectors, with fields, for `split`
network = CandidateScores(space, width=32)
optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
obs, done, start = torch.tensor(envs.reset(seed=0)[0]), torch.zeros(N_ENVS), time.perf_counter()
for _ in range(N_ROLLOUTS):
    steps = []
    for _ in range(N_STEPS):
        with torch.no_grad():
            logits, values = network(split(obs, space))
        action = (policy := Categorical(logits=logits)).sample()
        after, reward, terminated, truncated, _ = envs.step(action.numpy())
        reward = torch.tensor(reward).float() / 100
        steps.append((obs, action, policy.log_prob(action), values[:, 0], reward, done))
        obs, done = torch.tensor(after), torch.tensor(terminated | truncated).float()
    value, goes_on, gain = network.values(split(obs, space))[:, 0].detach(), 1 - done, 0.0
    for t, (*_, values, reward, is_begin) in reversed(list(enumerate(steps))):
        gain = reward + 0.95 * goes_on * (value + 0.9 * gain) - values  # generalized advantage
        steps[t], value, goes_on = (*steps[t], gain), values, 1 - is_begin
    columns = [torch.cat(column) for column in zip(*steps, strict=True)]
    data = [column[columns[5] == 0] for column in columns]
    for rows in [rows for _ in range(4) for rows in torch.randperm(len(data[0])).split(512)]:
        seen, shown, log_prob, values, _, _, gains = (column[rows] for column in data)
        logits, value = network(split(seen, space))
        ratio = (Categorical(logits=logits).log_prob(shown) - log_prob).exp()
        gained = torch.min(ratio * gains, ratio.clamp(0.8, 1.2) * gains).mean()
        optimizer.zero_grad()
        (((value[:, 0] - values - gains) ** 2).mean() - gained / gains.std()).backward()
        optimizer.step()
rate = N_ENVS * N_STEPS * N_ROLLOUTS / (time.perf_counter() - start)
agents = (
    lambda seen: network.scores({k: torch.tensor(v) for k, v in seen.items()}).argmax(1).numpy(),
    make_agent("uniform", people),
)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"CleanRL PPO: learned {learned:,.0f} a session, uniform {uniform:,.0f}, {rate:,.0f} steps/s")
assert learned > uniform, "it did not learn"
