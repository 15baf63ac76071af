"""Measuring changes nothing, and counts what the evaluation counts."""

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario


def played(name: str, **arguments):
    scenario = resolve_scenario(name)
    agent = make_agent("uniform", RecommendationVectorEnv(scenario, num_envs=1))
    return evaluate(agent, scenario, n_episodes=40, num_envs=20, seed=3, **arguments)


@pytest.mark.parametrize("name", ["InterestEvolution", "NewsFeed"])
def test_measuring_changes_no_episode_and_counts_every_slate(name):
    plain, measured = played(name), played(name, measure=True)
    for column in ("returns", "lengths", "clicks"):
        np.testing.assert_array_equal(getattr(plain, column), getattr(measured, column))
    assert plain.measured is None
    whole, *parts = measured.measured.n_slates
    assert whole == sum(parts) == measured.lengths.sum()
