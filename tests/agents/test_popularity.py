"""Popularity finds what everybody likes, by hand-made counts and in a world that is known."""

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.popularity import Popularity


def fill(agent, rows):
    """Puts rows of (item_id, clicked) into an agent's log."""
    item_id, clicked = np.array(rows).T
    agent.log.restore(
        {
            "user_id": np.zeros(len(rows)),
            "item_id": item_id,
            "clicked": clicked > 0,
            "reward": clicked,
        }
    )
    agent.model = agent.fit()


def test_score_is_the_smoothed_reward_per_showing(checkerboard):
    agent = Popularity(checkerboard(), prior_showings=2.0)
    fill(agent, [(5, 1), (5, 1), (5, 0), (9, 0), (9, 0), (9, 1), (9, 0), (9, 0)])
    mean = 3 / 8
    assert agent.model["score"][5] == pytest.approx((2 + 2 * mean) / 5)
    assert agent.model["score"][9] == pytest.approx((1 + 2 * mean) / 7)
    never_shown = np.delete(agent.model["score"], [5, 9])
    assert never_shown == pytest.approx(np.full(78, mean))


def test_count_is_the_number_of_clicks_and_new_items_get_the_mean_count(checkerboard):
    agent = Popularity(checkerboard(), by="count")
    fill(agent, [(5, 1), (5, 1), (5, 1), (9, 1), (9, 0), (4, 0)])
    assert agent.model["score"][[5, 9, 4, 0]].tolist() == [3.0, 1.0, 0.0, 4 / 3]


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
    with pytest.raises(UnsuitableScenario, match="popularity needs item ids.*set n_items"):
        Popularity(checkerboard(n_users=0, n_items=0))


@pytest.mark.parametrize(("setting", "value"), [("by", "stars"), ("prior_showings", 0)])
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        Popularity(checkerboard(), **{setting: value})
