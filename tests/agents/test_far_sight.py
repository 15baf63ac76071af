"""Agents that value whole visits beat the best that looks no further than the next reward.

The myopic oracle sees what is hidden from them, and serves what pleases most now.
"""

import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')


def returns_of(kind: str, scenario, *, seed: int, num_envs: int = 64, steps: int = 0, **settings):
    """Returns what each of 500 people brings, the same for every agent, after learning."""
    env = RecommendationVectorEnv(scenario, num_envs=num_envs)
    agent = make_agent(kind, env, seed=seed, **settings)
    if steps:
        agent.learn(steps)
    return evaluate(agent, scenario, n_episodes=500, seed=10**6).returns


def test_kale_is_served_for_tomorrow_and_chocolate_without_an_eye_for_it():
    """Kale satisfies and chocolate engages: for those in sight of the next reward alone, always."""
    scenario = LongTermSatisfaction()
    oracle = returns_of("oracle", scenario, seed=0)
    far_sighted = returns_of("far_sighted", scenario, seed=0)
    learned = returns_of("ppo", scenario, seed=0, steps=10_000)
    myopic = returns_of("ppo", scenario, seed=0, steps=10_000, gamma=0.0)
    assert learned.mean() > 0.97 * far_sighted.mean()
    assert (learned > oracle).mean() > 0.95
    assert myopic.mean() == pytest.approx(oracle.mean(), rel=0.03)
