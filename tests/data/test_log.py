"""Splits, sessions and storage of a log."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim_env.data import InteractionLog


def test_sessions_end_after_a_pause_and_with_the_user(make_log):
    log = make_log([1, 0, 0, 1, 0], [0, 0, 1, 1, 2], [1, 2, 3, 4, 5], [50, 0, 100, 60, 201])
    assert log.sessions(100).tolist() == [2, 0, 0, 2, 1]
    assert log.sessions(200).tolist() == [1, 0, 0, 1, 0]
    with pytest.raises(ValueError, match="gap_seconds=0"):
        log.sessions(0)


def test_without_times_a_user_has_one_session(make_log):
    log = make_log([1, 0, 1], [0, 0, 1], [1, 2, 3])
    assert log.sessions().tolist() == [1, 0, 1]


def test_last_rows_of_each_user_are_held_out(make_log):
    user, item = (
        np.repeat([0, 1, 2], [10, 25, 4]),
        np.concatenate([np.arange(n) for n in (10, 25, 4)]),
    )
    time = 100.0 - item
    train, held_out = make_log(user, item, np.arange(39.0), time).hold_out_last(0.1)
    held = sorted(zip(held_out.user.tolist(), held_out.item.tolist(), strict=True))
    assert held == [(0, 0), (1, 0), (1, 1)]
    assert len(train) == 36


def test_split_by_time_cuts_at_one_moment(make_log):
    log = make_log(np.zeros(20), np.arange(20), np.arange(20), np.arange(20)[::-1])
    before, after = log.split_by_time(0.25)
    assert before.time.max() < after.time.min()
    assert len(after) == 5
    with pytest.raises(ValueError, match="no times"):
        make_log([0, 0], [0, 1], [1, 2]).split_by_time()


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=8), share=st.floats(0.05, 0.9))
def test_splits_part_the_log_without_loss(counts, share, make_log):
    user = np.repeat(np.arange(len(counts)), counts)
    log = make_log(user, np.arange(len(user)), np.arange(len(user)), np.arange(len(user)))
    for split in (log.hold_out_last, log.hold_out_random):
        try:
            kept, held_out = split(share)
        except ValueError as error:
            assert "nothing can be held out" in str(error)
            assert max(counts) * share < 1
            continue
        assert sorted([*kept.item, *held_out.item]) == list(range(len(user)))
        expected = np.floor(np.array(counts) * share + 1e-9)
        held_counts = np.bincount(held_out.user, minlength=len(counts))
        np.testing.assert_array_equal(held_counts, expected)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_core_is_the_largest_log_in_which_all_have_enough(make_log, data):
    """Found again by taking out one row after the other, in any order."""
    pairs = data.draw(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
    rows = data.draw(st.permutations(sorted(pairs)))
    least = {"min_user": data.draw(st.integers(1, 3)), "min_item": data.draw(st.integers(1, 3))}
    log = make_log(*zip(*rows, strict=True), [1.0] * len(rows), n_users=6, n_items=6)
    left = list(rows)
    while poor := [
        (user, item)
        for user, item in left
        if sum(u == user for u, _ in left) < least["min_user"]
        or sum(i == item for _, i in left) < least["min_item"]
    ]:
        left.remove(poor[0])
    if not left:
        with pytest.raises(ValueError, match="are left of planted; ask for fewer"):
            log.core(**least)
        return
    core = log.core(**least)
    labels = zip(core.user_labels[core.user], core.item_labels[core.item], strict=True)
    assert [(int(user), int(item)) for user, item in labels] == left
    assert sorted(set(core.user)) == list(range(core.n_users))
    assert core.item_features.shape[0] == core.n_items


@pytest.mark.parametrize("time", [None, [1.0, 2.0]])
def test_saved_log_loads_unchanged(time, make_log, tmp_path):
    log = make_log([0, 1], [1, 0], [2.5, 3.5], time)
    log.save(tmp_path / "log.npz")
    loaded = InteractionLog.load(tmp_path / "log.npz")
    for entry in dataclasses.fields(InteractionLog):
        before, after = getattr(log, entry.name), getattr(loaded, entry.name)
        np.testing.assert_array_equal(before, after)
    (tmp_path / "no.npz").write_text("x")
    with pytest.raises(ValueError, match=r"no\.npz holds no interaction log"):
        InteractionLog.load(tmp_path / "no.npz")


def test_impossible_logs_are_refused(make_log):
    with pytest.raises(ValueError, match="empty"):
        make_log([], [], [], n_users=1, n_items=1)
    with pytest.raises(ValueError, match=r"user ids reach 5, but there are 2 users"):
        make_log([0, 5], [0, 1], [1, 2], n_users=2)
    with pytest.raises(ValueError, match="differ in length"):
        make_log([0, 1], [0, 1], [1, 2, 3])
    with pytest.raises(ValueError, match="rating holds NaN"):
        make_log([0, 1], [0, 1], [1, np.nan])


def test_summary_counts_the_log(make_log):
    summary = make_log([0, 0, 1], [0, 1, 1], [1, 5, 5], [3, 2, 9], n_items=4).summary()
    assert (summary["n_interactions"], summary["n_users"], summary["n_items"]) == (3, 2, 4)
    assert summary["rating_counts"] == {"1": 1, "5": 2}
    assert (summary["first_time"], summary["last_time"]) == (2.0, 9.0)
