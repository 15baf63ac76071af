"""Popularity finds what everybody likes, by hand-made counts and in a world that is known."""

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.recommenders.popularity import Popularity
from recsim_env.agents.recommenders.query import Query
from tests.agents.recommenders.asking import fitted


def score(table, **settings):
    """Returns the scores of all items after a fit."""
    model = fitted(Popularity, table, **settings)
    return Popularity.affinity(model, Query.whole_catalogue(np.zeros(1, int)))[0]


def test_score_is_the_smoothed_reward_per_showing(table_of):
    rows = [(5, 1), (5, 1), (5, 0), (9, 0), (9, 0), (9, 1), (9, 0), (9, 0)]
    table = table_of([(0, item, reward) for item, reward in rows], n_items=80)
    found = score(table, prior_showings=2.0)
    mean = 3 / 8
    assert found[5] == pytest.approx((2 + 2 * mean) / 5)
    assert found[9] == pytest.approx((1 + 2 * mean) / 7)
    assert np.delete(found, [5, 9]) == pytest.approx(np.full(78, mean))


def test_a_showing_counts_as_far_as_it_was_looked_at(table_of):
    rows = [(0, 0, 1), (0, 0, 0), (0, 1, 1), (0, 1, 0)]
    found = score(
        table_of(rows, examination_probability=np.array([1, 0.0, 1, 1])), prior_showings=1.0
    )
    mean = 2 / 3
    assert found == pytest.approx([(1 + mean) / 2, (1 + mean) / 3])


def test_count_is_the_number_of_likes_and_new_items_get_the_mean_count(table_of):
    rows = [(5, 1), (5, 1), (5, 1), (9, 1), (9, 0), (4, 0)]
    found = score(table_of([(0, *row) for row in rows], n_items=80), by="count")
    assert found[[5, 9, 4, 0]].tolist() == [3.0, 1.0, 0.0, 4 / 3]


@pytest.mark.parametrize("by", ["reward", "count"])
def test_finds_what_everybody_likes(checkerboard, share_of_matches, by):
    env = checkerboard(is_alike=True)
    agent = Popularity(env, by=by).learn(3_000)
    uniform = make_agent("uniform", env)
    people = checkerboard(500, is_alike=True)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4


def test_cannot_tell_people_apart(checkerboard, share_of_matches):
    agent = Popularity(checkerboard()).learn(3_000)
    assert 0.4 < share_of_matches(agent, checkerboard(500)) < 0.65


def test_says_that_it_needs_item_ids(checkerboard):
    with pytest.raises(UnsuitableScenario, match="Popularity needs item ids.*set n_items"):
        Popularity(checkerboard(n_users=0, n_items=0))


@pytest.mark.parametrize(("setting", "value"), [("by", "stars"), ("prior_showings", 0.0)])
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        Popularity(checkerboard(), **{setting: value})
