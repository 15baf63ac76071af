"""Epsilon-greedy: how much it explores, and what it shows otherwise."""

import numpy as np
import pytest

from recsim_env.agents import load_agent
from recsim_env.agents.bandits.epsilon_greedy import EpsilonGreedy
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_a_share_epsilon_of_the_slates_is_uniform(epsilon):
    n = 20_000
    env = RecommendationVectorEnv(BernoulliBandit(), num_envs=n)
    agent = EpsilonGreedy(env, epsilon=epsilon)
    agent.tally.add(np.array([[4]]), np.ones((1, 1)), np.ones((1, 1)), discount=1.0)
    agent.tally.add(np.array([[2]]), np.ones((1, 1)), np.zeros((1, 1)), discount=1.0)
    observation, _ = env.reset(seed=0)
    shares = np.bincount(agent.predict(observation)[0], minlength=10) / n
    expected = np.full(10, epsilon / 10) + (1 - epsilon) * (np.arange(10) == 4)
    assert shares == pytest.approx(expected, abs=5 * 0.5 / np.sqrt(n))
    served, _ = agent.predict(observation, deterministic=True)
    assert (served == 4).all()


@pytest.mark.parametrize("num_envs", [1, 8])
def test_annealing_explores_min_of_1_and_c_over_t(num_envs, tmp_path):
    env = RecommendationVectorEnv(BernoulliBandit(horizon=0), num_envs=num_envs)
    agent, seen = EpsilonGreedy(env, anneal=20.0), []
    assert agent.exploration == 1.0
    agent.learn(80, callback=lambda agent: seen.append(agent.exploration))
    steps = np.arange(num_envs, 81, num_envs)
    assert seen == pytest.approx(np.minimum(1.0, 20.0 / (steps + 1)))
    agent.save(tmp_path / "agent.npz")
    assert load_agent(tmp_path / "agent.npz", env).exploration == agent.exploration


@pytest.mark.parametrize(("setting", "value"), [("epsilon", 1.1), ("anneal", -1.0)])
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        EpsilonGreedy(RecommendationVectorEnv(BernoulliBandit), **{setting: value})
