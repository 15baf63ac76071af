"""BPR climbs its own objective, and finds what nobody shows."""

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.recommenders.bpr import BPR, _ascend
from recsim_env.agents.recommenders.query import Query, nothing_recent
from tests.agents.recommenders.asking import asked, fitted


def test_a_step_follows_the_slope_of_the_objective():
    """By central differences of ln sigma(lead) - decay |factors|^2 / 2, one number at a time."""
    rng = np.random.default_rng(0)
    factors = [rng.normal(size=shape) for shape in ((3, 4), (5, 4), (5,))]
    user, item, other, rate, decay = 1, 2, 4, 1e-3, 0.3

    def objective(people, items, bias):
        lead = people[user] @ (items[item] - items[other]) + bias[item] - bias[other]
        used = [people[user], items[[item, other]], bias[[item, other]]]
        return -np.log1p(np.exp(-lead)) - decay / 2 * sum((part**2).sum() for part in used)

    expected = []
    for which, part in enumerate(factors):
        slope = np.zeros(part.shape)
        for place in np.ndindex(part.shape):
            sides = []
            for shift in (1e-5, -1e-5):
                moved = [each.copy() for each in factors]
                moved[which][place] += shift
                sides.append(objective(*moved))
            slope[place] = (sides[0] - sides[1]) / 2e-5
        expected.append(part + rate * slope)
    pair = tuple(np.array([each]) for each in (user, item, other))
    _ascend(tuple(factors), pair, rate, decay)
    for found, wanted in zip(factors, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)


def test_finds_the_hidden_colours(checkerboard, share_of_matches):
    """8,000 slates of two items over 60 people and 80 items."""
    agent = BPR(checkerboard(is_seen=False), seed=1).learn(8_000)
    uniform = make_agent("uniform", checkerboard(is_seen=False))
    people = checkerboard(500, is_seen=False)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4


def test_strangers_are_like_those_who_like_what_they_like(table_of):
    """People of even and of odd number like the items of their parity."""
    rows = [(user, item, 1) for user in range(20) for item in range(20) if (user + item) % 2 == 0]
    model = fitted(BPR, table_of(rows))
    found = BPR.affinity(model, asked(-1, recent=(3, 5)))[0]
    assert found[1::2].min() > found[0::2].max() + 1.0
    assert np.array_equal(BPR.affinity(model, asked(-1))[0], model["bias"])


def test_people_who_liked_nothing_are_strangers(table_of):
    model = fitted(BPR, table_of([(0, 0, 1), (0, 1, 0), (1, 1, 0)], n_users=3, n_items=4))
    found = BPR.affinity(model, Query.whole_catalogue(np.array([1, 2])))
    assert (found == model["bias"]).all()


def test_all_of_the_catalogue_is_each_item_of_it(table_of):
    rng = np.random.default_rng(0)
    model = fitted(
        BPR, table_of([(*pair, 1) for pair in rng.integers(0, 30, (200, 2))], n_items=30)
    )
    user, item = np.arange(-1, 29), rng.integers(0, 30, (30, 7))
    every = BPR.affinity(model, Query.whole_catalogue(user))
    some = BPR.affinity(model, Query(user=user, item=item, recent=nothing_recent(30)))
    np.testing.assert_allclose(some, np.take_along_axis(every, item, axis=1), atol=1e-5)


def test_same_table_and_seed_give_the_same_bytes(table_of):
    rng = np.random.default_rng(0)
    table = table_of([(*pair, 1) for pair in rng.integers(0, 30, (200, 2))])
    one, other = fitted(BPR, table), fitted(BPR, table)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_rewards_of_any_size_leave_all_numbers_finite(table_of):
    rows = [(0, 0, 1e-9), (0, 1, 1e12), (1, 0, 3.0), (1, 2, 0.0), (2, 2, -5.0)]
    model = fitted(BPR, table_of(rows))
    assert all(np.isfinite(value).all() for value in model.values())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("factors", 0),
        ("epochs", 0),
        ("learning_rate", 0.0),
        ("regularization", -1.0),
        ("passed_share", 1.5),
    ],
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        BPR(checkerboard(is_seen=False), **{setting: value})
