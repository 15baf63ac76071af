"""Upper confidence bounds against their definitions, one arm at a time."""

import numpy as np
import pytest
from scipy.optimize import brentq

from recsim_env.agents.bandits.arms import Tally
from recsim_env.agents.bandits.ucb import UCB, kl_bound
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit


def kl(p, q):
    """Returns kl(p, q), q inside (0, 1)."""
    first = p * np.log(p / q) if p > 0 else 0.0
    return first + ((1 - p) * np.log((1 - p) / (1 - q)) if p < 1 else 0.0)


def root(p, evidence):
    """Returns the largest q with kl(p, q) <= evidence."""
    low, high = max(p, 1e-15), 1 - 1e-15
    if kl(p, high) <= evidence:
        return 1.0
    return brentq(lambda q: kl(p, q) - evidence, low, high, xtol=1e-13)


def test_the_kl_bound_is_the_root_of_its_equation():
    mean, evidence = np.meshgrid([0.0, 0.01, 0.3, 0.5, 0.99, 1.0], [1e-6, 0.01, 0.2, 1.0, 5.0])
    expected = np.vectorize(root)(mean, evidence)
    assert kl_bound(mean, evidence) == pytest.approx(expected, abs=2e-10)
    # Near its root of two, kl is flat: its rounding of 1e-16 is 1e-8 of the bound.
    assert kl_bound(np.array([0.0, 0.4]), np.zeros(2)) == pytest.approx([0.0, 0.4], abs=1e-7)


@pytest.mark.parametrize("index", ["ucb1", "kl"])
def test_the_index_is_that_of_the_paper(index):
    env = RecommendationVectorEnv(BernoulliBandit(), num_envs=3)
    agent = UCB(env, index=index)
    rng = np.random.default_rng(0)
    agent.tally = Tally(np.floor(rng.random((1, 10)) * 5), np.zeros((1, 10)), np.array([[50.0]]))
    agent.tally.earned[:] = np.floor(rng.random((1, 10)) * (agent.tally.looks + 1))
    observation, _ = env.reset(seed=0)
    scores = agent.scores(observation, None, deterministic=False)
    is_known = agent.tally.looks[0] > 0
    assert 0 < is_known.sum() < 10
    assert np.isinf(scores[:, ~is_known]).all()
    for arm in np.flatnonzero(is_known):
        n, p = agent.tally.looks[0, arm], agent.tally.mean[0, arm]
        hoeffding = p + np.sqrt(2 * np.log(50) / n)
        expected = hoeffding if index == "ucb1" else root(p, np.log(50) / n)
        assert scores[:, arm] == pytest.approx(expected, abs=2e-10)


def test_the_kl_bound_is_never_looser_than_hoeffdings():
    mean, evidence = np.meshgrid(np.linspace(0, 1, 21), np.linspace(0.01, 3, 20))
    assert (kl_bound(mean, evidence) <= mean + np.sqrt(evidence / 2) + 1e-9).all()


@pytest.mark.parametrize("index", ["ucb1", "kl"])
def test_an_arm_that_is_all_but_forgotten_comes_first_like_an_unknown_one(index):
    env = RecommendationVectorEnv(BernoulliBandit(), num_envs=1)
    agent = UCB(env, index=index, discount=0.5)
    agent.tally = Tally(np.full((1, 10), 20.0), np.full((1, 10), 8.0), np.array([[50.0]]))
    agent.tally.looks[0, 3] = agent.tally.earned[0, 3] = 1e-310
    observation, _ = env.reset(seed=0)
    scores = agent.scores(observation, None, deterministic=False)
    assert np.isposinf(scores[0]).tolist() == [arm == 3 for arm in range(10)]


@pytest.mark.parametrize(("setting", "value"), [("index", "klucb"), ("alpha", -1.0)])
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        UCB(RecommendationVectorEnv(BernoulliBandit), **{setting: value})
