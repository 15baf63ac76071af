"""A plain loop: one person at a time, and a policy of a single number, learned in NumPy.

REINFORCE (Williams 1992) on a softmax over the candidates' features. Here they have one, how much
of a clickbait an item is, and the number says how much that attracts or repels.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["recsim-env", "gymnasium", "numpy"]
# ///

import time

import gymnasium
import numpy as np

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate

ID, N_SESSIONS, LEARNING_RATE = "recsim_env:recsim_env/LongTermSatisfaction-v0", 300, 0.3


class Softmax:
    """Shows a candidate with a probability that grows with weight · features."""

    def __init__(self, n_features):
        self.weight = np.zeros(n_features)

    def probabilities(self, candidates):
        odds = np.exp(candidates @ self.weight)
        return odds / odds.sum(axis=-1, keepdims=True)

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return self.probabilities(observation["candidates"]).argmax(axis=-1), state


env = gymnasium.make(ID)
policy, rng = Softmax(env.observation_space["candidates"].shape[-1]), np.random.default_rng(0)
usual, n_steps, start = 0.0, 0, time.perf_counter()
for session in range(N_SESSIONS):
    observation, _ = env.reset(seed=None if session else 0)
    slopes, rewards, is_over = [], [], False
    while not is_over:
        candidates = observation["candidates"]
        probabilities = policy.probabilities(candidates)
        shown = rng.choice(len(candidates), p=probabilities)
        slopes.append(candidates[shown] - probabilities @ candidates)  # of the log-probability
        observation, reward, terminated, truncated, _ = env.step(shown)
        is_over = terminated or truncated
        rewards.append(reward / 1_000)
    to_come = np.cumsum(rewards[::-1])[::-1]
    policy.weight += LEARNING_RATE * (to_come - usual) @ np.array(slopes)
    usual = 0.9 * usual + 0.1 * to_come
    n_steps += len(rewards)
rate = n_steps / (time.perf_counter() - start)
agents = policy, make_agent("uniform", env, seed=0)
learned, uniform = (evaluate(each, ID, n_episodes=500, seed=9_000).return_mean for each in agents)
print(f"Gymnasium: learned {learned:,.0f} a session, uniform {uniform:,.0f}, {rate:,.0f} steps/s")
assert learned > uniform, "it did not learn"
