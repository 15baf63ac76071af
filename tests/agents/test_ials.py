"""Implicit ALS finds the colours that nobody shows, and has an answer for whoever is new."""

import sys

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.ials import ImplicitALS, _taste

pytest.importorskip("implicit", reason="the agents extra is not installed")


def test_finds_the_hidden_colours(checkerboard, share_of_matches):
    """4,000 slates of two items over 60 people and 80 items; the checkerboard has rank two."""
    agent = ImplicitALS(checkerboard(is_seen=False), seed=1, factors=4).learn(4_000)
    uniform = make_agent("uniform", checkerboard(is_seen=False))
    people = checkerboard(500, is_seen=False)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4


def test_defaults_beat_uniform_at_few_and_many_interactions(checkerboard, share_of_matches):
    people = checkerboard(500, is_seen=False)
    uniform = share_of_matches(make_agent("uniform", checkerboard(is_seen=False)), people)
    for steps, margin in ((2_000, 0.2), (20_000, 0.45)):
        agent = ImplicitALS(checkerboard(128, is_seen=False), refit_every=10_000).learn(steps)
        assert share_of_matches(agent, people) > uniform + margin


def test_unseen_people_get_what_is_popular(checkerboard, share_of_matches):
    """Of a million people who all like one colour, those who come now were never seen."""
    world = {"n_users": 1_000_000, "is_alike": True, "is_seen": False}
    agent = ImplicitALS(checkerboard(**world), seed=1).learn(3_000)
    people = checkerboard(300, **world)
    observation, _ = people.reset(seed=10_000)
    assert np.isin(observation["user_id"], agent.model["user_id"]).mean() < 0.05
    assert share_of_matches(agent, people) > 0.9


def test_unseen_items_are_average_ones(checkerboard):
    """Better than the worst that a person could be shown, worse than the best; never zero."""
    env = checkerboard(200, is_seen=False, is_alike=True)
    agent = ImplicitALS(env, seed=1).learn(3_000)
    known = agent.model["item_id"]
    agent.model["item_id"], unseen = known[1:], known[0]
    for name in ("item_factors", "outcome"):
        agent.model[name] = agent.model[name][1:]
    observation, _ = env.reset(seed=3)
    rows = np.flatnonzero((observation["item_id"] == unseen).any(axis=1))
    assert len(rows) > 5
    scores = agent.scores(observation, None, deterministic=True)[rows]
    of_unseen = scores[observation["item_id"][rows] == unseen]
    assert (of_unseen > scores.min(axis=1)).all() and (of_unseen < scores.max(axis=1)).all()
    assert (of_unseen != 0).all()


def test_what_was_passed_over_counts_against_an_item(checkerboard):
    """Six people like items 1, 2, 3; the seventh likes 1 and 3 and passed 2 over three times.

    Never having seen item 2 and having passed it over differ only where passes count.
    """
    rows = [(person, item, 1) for person in range(6) for item in (1, 2, 3)]
    rows += [(6, 1, 1), (6, 3, 1), (6, 2, 0), (6, 2, 0), (6, 2, 0)]
    user, item, clicked = np.array(rows).T
    log = {"user_id": user, "item_id": item, "clicked": clicked > 0, "reward": clicked}
    loss = []
    for skip_weight in (0.0, 1.0):
        agent = ImplicitALS(checkerboard(), skip_weight=skip_weight)
        agent.log.restore(log)
        taste = _taste(agent.fit(), np.array([6]), np.array([1, 2, 3]))
        loss.append(taste[[0, 2]].mean() - taste[1])
    assert abs(loss[0]) < 0.02
    assert loss[1] > 0.1


def test_same_log_and_seed_give_the_same_factors(checkerboard):
    agent = ImplicitALS(checkerboard(is_seen=False), seed=1).learn(1_000)
    again = agent.fit()
    for name in ("taste", "item_factors", "outcome"):
        assert np.array_equal(again[name], agent.model[name])


def test_says_which_ids_it_needs(checkerboard):
    with pytest.raises(UnsuitableScenario, match="set n_users and n_items$"):
        ImplicitALS(checkerboard(n_users=0, n_items=0))


def test_missing_library_is_one_sentence_with_the_remedy(checkerboard, monkeypatch):
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    with pytest.raises(ImportError, match=r'pip install "recsim-env\[agents\]"$'):
        ImplicitALS(checkerboard(is_seen=False))


@pytest.mark.parametrize(("setting", "value"), [("factors", 0), ("alpha", 0), ("skip_weight", -1)])
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        ImplicitALS(checkerboard(is_seen=False), **{setting: value})


def test_taste_is_believed_as_far_as_it_predicts(checkerboard):
    """Where all are alike, what taste adds is noise and gets little weight; else it gets much."""
    weights = [
        float(
            ImplicitALS(checkerboard(is_seen=False, is_alike=alike), seed=1)
            .learn(8_000)
            .model["weight"]
        )
        for alike in (True, False)
    ]
    assert weights[0] < 0.5 * weights[1]
