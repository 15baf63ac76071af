"""The oracles rank by the truth, by the truth without a state group, and by slates that crowd."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from recsim_env.agents.references.oracle import Oracle
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.interest_exploration import InterestExploration
from recsim_env.testing import check_scenario


def same_topic(config, user, item, other):
    """Returns the loss of two items of one topic."""
    return 0.3 if item.topic == other.topic else 0.0


@dataclass(frozen=True, kw_only=True)
class Crowded(InterestEvolution):
    """Items of one topic take from each other."""

    n_topics: int = 4
    redundancy: ClassVar[Any] = staticmethod(same_topic)
    long_term_redundancy: ClassVar[Any] = staticmethod(lambda config, user, item, other: 0.0)


@pytest.mark.parametrize("compiled", [True, False])
def test_slates_are_filled_one_by_one_and_each_item_takes_from_the_next(compiled):
    crowded = RecommendationVectorEnv(Crowded, num_envs=20, compiled=compiled)
    alone = RecommendationVectorEnv(InterestEvolution, n_topics=4, num_envs=20, compiled=compiled)
    for env in (crowded, alone):
        env.reset(seed=0)
    assert np.array_equal(crowded.long_term_value(), alone.long_term_value())
    given, values, topic = crowded.expected_reward(), alone.expected_reward(), alone.items["topic"]
    assert np.array_equal(Oracle(crowded, redundancy=False).candidate_values(), values)
    for row in range(20):
        left, free = values[row].copy(), np.ones(10, bool)
        for _ in range(3):
            best = np.flatnonzero(free)[np.argmax(left[free])]
            free[best] = False
            assert given[row, best] == pytest.approx(left[best])
            left[free & (topic[row] == topic[row, best])] -= 0.3
        assert given[row] == pytest.approx(left)
        assert given[row, free].max() <= given[row, ~free].min() + 1e-12


def test_a_crowding_scenario_keeps_the_contract():
    check_scenario(Crowded)


def test_without_taste_the_oracle_ranks_by_what_a_crowd_likes():
    env = RecommendationVectorEnv(InterestExploration, num_envs=3)
    oracle = Oracle(env, ablate="taste", n_marginal_samples=12)
    env.reset(seed=0)
    users, expected = env.users, np.zeros((3, 10))
    assert len(oracle.others) == 12
    for member in oracle.others:
        users["affinity"] = member["affinity"]
        expected += env.expected_reward(users) / 12
    assert oracle.candidate_values() == pytest.approx(expected)
    assert (
        np.ptp(oracle.candidate_values() - env.expected_reward()) > 0
    )  # and not by what they truly like


def test_knowing_less_never_earns_more():
    returns = {}
    for without in ("", "taste", "person"):
        env = RecommendationVectorEnv(InterestExploration, num_envs=100)
        agent = Oracle(env, ablate=without)
        returns[without] = evaluate(agent, env.scenario, n_episodes=500, seed=1).return_mean
    assert returns[""] > 1.2 * returns["taste"]
    assert returns["taste"] == pytest.approx(returns["person"], rel=0.02)


def test_an_unknown_facet_lists_the_known_ones():
    env = RecommendationVectorEnv(InterestExploration, num_envs=2)
    with pytest.raises(ValueError, match="'mood' is no state group .*use one of person, taste"):
        Oracle(env, ablate="mood")
