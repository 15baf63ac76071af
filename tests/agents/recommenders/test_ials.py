"""Implicit ALS finds the colours that nobody shows, and has an answer for whoever is new."""

import sys

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.recommenders.ials import ImplicitALS
from tests.agents.recommenders.asking import asked, fitted

pytest.importorskip("implicit", reason='needs pip install "recsim-env[agents]"')


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
    assert np.isin(observation["user_id"], agent.model["user_ids"]).mean() < 0.05
    assert share_of_matches(agent, people) > 0.9


def test_unseen_items_are_average_ones(checkerboard):
    """Better than the worst that a person could be shown, worse than the best; never zero."""
    env = checkerboard(200, is_seen=False, is_alike=True, n_items=4_000)
    agent = ImplicitALS(env, seed=1).learn(1_000)
    observation, _ = env.reset(seed=3)
    is_new = ~np.isin(observation["item_id"], agent.log["item_id"])
    state = agent.begin_state(200)
    scores = agent.scores(observation, state, deterministic=True)
    assert is_new.sum() > 500
    assert np.ptp(scores[is_new]) == 0.0
    new = scores[is_new][0]
    assert new != 0.0
    assert scores.min() < new < scores.max()


def affinity(table, user, item, recent=(), **settings):
    """Returns how items suit one person after a fit."""
    model = fitted(ImplicitALS, table, **settings)
    return ImplicitALS.affinity(model, asked(user, item, recent))[0]


def test_what_was_passed_over_counts_against_an_item(table_of):
    """Six people like items 1, 2, 3; the seventh likes 1 and 3 and passed 2 over three times.

    Never having seen item 2 and having passed it over differ only where passes count.
    """
    rows = [(person, item, 1) for person in range(6) for item in (1, 2, 3)]
    rows += [(6, 1, 1), (6, 3, 1), (6, 2, 0), (6, 2, 0), (6, 2, 0)]
    loss = []
    for skip_weight in (0.0, 1.0):
        liking = affinity(table_of(rows), 6, [1, 2, 3], skip_weight=skip_weight)
        loss.append(liking[[0, 2]].mean() - liking[1])
    assert abs(loss[0]) < 0.04
    assert loss[1] > 0.1


@pytest.mark.parametrize("confidence", ["linear", "log"])
def test_strangers_are_known_by_what_they_like_in_their_session(table_of, confidence):
    """People of even and of odd number like the items of their parity."""
    rows = [(user, item, 1) for user in range(20) for item in range(20) if (user + item) % 2 == 0]
    found = affinity(table_of(rows), -1, range(20), recent=(3, 5), confidence=confidence)
    assert found[1::2].min() > found[0::2].max() + 0.3
    nobody = affinity(table_of(rows), -1, range(20), confidence=confidence)
    assert np.isfinite(nobody).all()


@pytest.mark.parametrize(("confidence", "added"), [("linear", 3.0), ("log", 3.0 * np.log(2.0))])
def test_a_like_of_the_session_counts_as_a_typical_one_of_the_log(table_of, confidence, added):
    """Least squares over all items: (Y'CY + l I) x = Y'C p, with C 1 but for what was liked."""
    rows = [(user, item, 1) for user in range(20) for item in range(20) if (user + item) % 2 == 0]
    settings = {"confidence": confidence, "alpha": 3.0, "factors": 4, "regularization": 1.0}
    model = fitted(ImplicitALS, table_of(rows), **settings)
    items, c, p = model["items"].astype(float), np.ones(20), np.zeros(20)
    c[[3, 5]], p[[3, 5]] = 1.0 + added, 1.0
    expected = items @ np.linalg.solve((items.T * c) @ items + np.eye(4), (items.T * c) @ p)
    found = ImplicitALS.affinity(model, asked(-1, recent=(3, 5)))[0]
    assert found == pytest.approx(expected, rel=1e-3)


def test_same_log_and_seed_give_the_same_factors(table_of):
    rng = np.random.default_rng(0)
    rows = [(*pair, 1) for pair in rng.integers(0, 30, (200, 2))]
    models = [fitted(ImplicitALS, table_of(rows)) for _ in range(2)]
    for name in ("people", "items"):
        assert np.array_equal(models[0][name], models[1][name])


def test_says_which_ids_it_needs(checkerboard):
    with pytest.raises(UnsuitableScenario, match="set n_items and n_users$"):
        ImplicitALS(checkerboard(n_users=0, n_items=0))


def test_missing_library_is_one_sentence_with_the_remedy(checkerboard, monkeypatch):
    monkeypatch.setitem(sys.modules, "implicit", None)
    with pytest.raises(ImportError, match=r'pip install "recsim-env\[agents\]"$'):
        ImplicitALS(checkerboard(is_seen=False))


@pytest.mark.parametrize(
    ("setting", "value"), [("factors", 0), ("alpha", 0.0), ("skip_weight", -1.0)]
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        ImplicitALS(checkerboard(is_seen=False), **{setting: value})


def test_taste_is_believed_as_far_as_it_predicts(checkerboard):
    """Where all are alike, what taste adds is noise and gets little weight; else it gets much."""
    weights = [
        float(
            ImplicitALS(checkerboard(is_seen=False, is_alike=alike), seed=1)
            .learn(8_000)
            .model["served_weight"]
        )
        for alike in (True, False)
    ]
    assert weights[0] < 0.5 * weights[1]
