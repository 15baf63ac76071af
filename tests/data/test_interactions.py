"""The table that recommenders are fitted to: what was liked, looked at, and liked before."""

import itertools

import numpy as np
import pytest

from recsim_env.data import InteractionLog, Interactions


def table(rows, **columns):
    """A table of rows (user, item, reward, session, slate)."""
    user, item, reward, session, slate = (np.array(column) for column in zip(*rows, strict=True))
    given = {
        "n_users": int(user.max()) + 1,
        "n_items": int(item.max()) + 1,
        "examination_probability": np.ones(len(rows)),
        "features": np.zeros((len(rows), 0), np.float32),
        "context": np.zeros((len(rows), 0), np.float32),
        **columns,
    }
    return Interactions(user=user, item=item, reward=reward, session=session, slate=slate, **given)


def log_of(user, item, rating, time):
    """A log of ratings whose items have their number as only feature."""
    n_users, n_items = max(user) + 1, max(item) + 1
    return InteractionLog(
        user=np.array(user, np.int32),
        item=np.array(item, np.int32),
        rating=np.array(rating, float),
        time=np.array(time, float),
        is_explicit=True,
        user_labels=np.arange(n_users).astype(str),
        item_labels=np.arange(n_items).astype(str),
        item_titles=np.arange(n_items).astype(str),
        item_features=np.arange(n_items, dtype=np.float32)[:, None],
        item_feature_names=np.array(["number"]),
        user_features=np.zeros((n_users, 0), np.float32),
        user_feature_names=np.array([], str),
    )


def test_a_real_log_is_read_by_time_whatever_the_order_of_its_rows():
    rows = np.array([(0, 3, 5, 9), (1, 2, 4, 7), (0, 1, 3, 7), (1, 0, 2, 99_999)])
    made = Interactions.of(log_of(*rows.T))
    assert made.item[2:].tolist() == [3, 0] and sorted(made.item[:2]) == [1, 2]
    assert dict(zip(made.item.tolist(), made.user.tolist(), strict=True)) == {
        3: 0,
        2: 1,
        1: 0,
        0: 1,
    }
    assert dict(zip(made.item.tolist(), made.reward.tolist(), strict=True)) == {
        3: 5,
        2: 4,
        1: 3,
        0: 2,
    }
    assert made.features[:, 0].tolist() == made.item.tolist()
    assert (made.n_users, made.n_items, made.context.shape) == (2, 4, (4, 0))
    session = dict(zip(made.item.tolist(), made.session.tolist(), strict=True))
    assert session[1] == session[3] != session[2] != session[0]  # an hour apart ends one
    for order in itertools.permutations(range(4)):
        again = Interactions.of(log_of(*rows[list(order)].T))
        for name in ("user", "item", "reward", "session", "slate", "features"):
            assert np.array_equal(getattr(again, name), getattr(made, name)), (name, order)


def test_liking_is_the_reward_in_units_of_a_typical_one():
    rows = [(0, item, reward, 0, item) for item, reward in enumerate([0.0, 2.0, 4.0, -1.0])]
    assert table(rows).liking.tolist() == [0.0, 2 / 3, 4 / 3, 0.0]


def test_likes_sum_repeated_rows_and_leave_out_what_was_passed_over():
    made = table([(0, 1, 1, 0, 0), (0, 1, 1, 0, 1), (1, 0, 0, 1, 2), (1, 2, 1, 1, 3)])
    assert made.likes().toarray().tolist() == [[0, 2, 0], [0, 0, 1]]
    assert made.likes().nnz == 2


def test_evidence_balances_for_and_against_by_what_was_looked_at():
    attention = np.array([1.0, 1.0, 0.5, 0.0, 1.0])
    made = table(
        [(0, i, r, 0, i) for i, r in enumerate([3, 0, 0, 0, 3])], examination_probability=attention
    )
    weight, against = made.evidence(1.0)
    assert weight.sum() == pytest.approx(0.0)
    assert weight == pytest.approx([1, -against, -against / 2, 0, 1])
    assert against == pytest.approx(2 / 1.5)
    assert made.evidence(0.0)[0].tolist() == [1, 0, 0, 0, 1]


def test_recent_is_what_was_liked_in_earlier_slates_of_the_same_session():
    rows = [
        (0, 5, 1, 0, 0),  # two people's sessions, interleaved
        (0, 6, 1, 0, 0),
        (1, 9, 1, 1, 1),
        (0, 7, 0, 0, 2),
        (0, 8, 1, 0, 2),
        (1, 4, 0, 1, 3),
        (0, 3, 0, 0, 4),
        (0, 2, 1, 2, 5),  # the first comes again
        (0, 1, 0, 2, 6),
    ]
    made = table(rows)
    expected = [[], [], [], [5, 6], [5, 6], [9], [5, 6, 8], [], [2]]
    for length in (2, 3, 5):
        found = made.recent(np.arange(9), length)
        for row, items in zip(found, expected, strict=True):
            assert row.tolist() == [-1] * (length - len(items)) + items[-length:]


def test_recent_agrees_with_a_walk_through_a_long_table():
    rng = np.random.default_rng(0)
    n = 600
    session = rng.integers(0, 40, n // 2).repeat(2)
    rows = [
        (0, int(rng.integers(30)), int(rng.random() < 0.5), int(v), s // 2)
        for s, v in enumerate(session)
    ]
    found = table(rows).recent(np.arange(n), 4)
    for place, (_, _, _, own, slate) in enumerate(rows):
        liked = [item for _, item, r, v, s in rows[:place] if v == own and s < slate and r > 0]
        assert found[place].tolist() == ([-1] * 4 + liked)[-4:]


def test_select_keeps_the_numbers_of_people_and_items():
    made = table([(0, 0, 1, 0, 0), (1, 1, 1, 1, 1), (2, 2, 1, 2, 2)]).select(slice(2))
    assert (len(made), made.n_users, made.n_items) == (2, 3, 3)
    assert made.examination_probability.tolist() == [1, 1]
