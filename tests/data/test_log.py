"""Splits, sessions and storage of a log."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim_env.data import Impressions, InteractionLog, read_log
from recsim_env.data.log import n_by_chance


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


@pytest.mark.parametrize("times", ["none", "one moment", "dates", "exact"])
def test_splits_and_orders_do_not_depend_on_where_rows_are_stored(times, make_log):
    rng = np.random.default_rng(2)
    user, item = rng.integers(6, size=200), rng.integers(9, size=200)  # many repeat
    rating = rng.integers(1, 4, 200).astype(float)
    time = {"dates": rng.integers(3, size=200), "exact": rng.permutation(200)}.get(times)
    if times == "one moment":
        time = np.zeros(200)
    log = make_log(user, item, rating, time, n_items=9)
    other = log.select(rng.permutation(200))

    def rows(log):
        time = np.zeros(len(log)) if log.time is None else log.time
        return list(zip(log.user, log.item, log.rating, time, strict=True))

    for seed in (0, 1):
        assert rows(log.select(log.by_time(seed=seed))) == rows(
            other.select(other.by_time(seed=seed))
        )
        for split in ("hold_out_last", "hold_out_random"):
            both = [getattr(each, split)(0.2, seed=seed) for each in (log, other)]
            assert sorted(rows(both[0][0])) == sorted(rows(both[1][0]))
            assert sorted(rows(both[0][1])) == sorted(rows(both[1][1]))
    first, second = (sorted(rows(log.hold_out_random(0.2, seed=seed)[1])) for seed in (0, 1))
    assert first != second


def test_repeated_rows_are_drawn_apart(make_log):
    """Somebody who had one item 1,000 times and another as often; five standard errors."""
    item = np.tile([0, 1], 1_000)
    log = make_log(np.zeros(2_000), item, np.ones(2_000), np.arange(2_000) % 7)
    _, held_out = log.hold_out_random(0.2)
    assert (held_out.item == 0).sum() == pytest.approx(200, abs=5 * np.sqrt(400 * 0.25))


def test_held_out_rows_that_chance_chose_are_counted(make_log):
    """The last two of person 0 are two of three of one moment; person 1's are the last."""
    time = [1, 2, 9, 9, 9, 1, 2, 3, 4, 5]
    log = make_log(np.repeat([0, 1], 5), np.tile(np.arange(5), 2), np.ones(10), time)
    assert n_by_chance(*log.hold_out_last(0.4)) == 2
    timeless = make_log(log.user, log.item, log.rating)
    assert n_by_chance(*timeless.hold_out_last(0.4)) == 4


def test_canonical_logs_are_numbered_by_their_labels(make_log):
    """As numbers where all labels are, else as text, whatever numbers people and items had."""
    log = make_log([0, 1, 2], [2, 1, 0], [1.0, 2.0, 3.0], [3, 1, 2])
    log = dataclasses.replace(
        log,
        user_labels=np.array(["10", "9", "100"]),
        item_labels=np.array(["b", "10", "9"]),
        item_titles=np.array(["B", "Ten", "Nine"]),
        item_features=np.array([[1.0], [2.0], [3.0]], np.float32),
        item_feature_names=np.array(["x"]),
    )
    made = log.canonical()
    assert made.user_labels.tolist() == ["9", "10", "100"]
    assert made.item_labels.tolist() == ["10", "9", "b"]
    assert made.item_titles.tolist() == ["Ten", "Nine", "B"]
    assert made.item_features[:, 0].tolist() == [2, 3, 1]
    assert made.time.tolist() == [1, 2, 3]
    assert made.rating.tolist() == [2, 3, 1]
    assert made.user_labels[made.user].tolist() == ["9", "100", "10"]
    assert made.item_labels[made.item].tolist() == ["10", "b", "9"]


def test_split_by_time_cuts_at_one_moment(make_log):
    log = make_log(np.zeros(20), np.arange(20), np.arange(20), np.arange(20)[::-1])
    before, after = log.split_by_time(0.25)
    assert before.time.max() < after.time.min()
    assert len(after) == 5
    with pytest.raises(ValueError, match="no times"):
        make_log([0, 0], [0, 1], [1, 2]).split_by_time()


@settings(max_examples=30)
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
@settings(max_examples=60)
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


def test_saved_log_keeps_how_it_was_read(tmp_path):
    (tmp_path / "log.csv").write_text("user,item,rating,note\n1,1,3,x\n1,2,4,y\n1,1,5,z\n")
    log = read_log(tmp_path / "log.csv", repeats="first")
    log.save(tmp_path / "log.npz")
    loaded = InteractionLog.load(tmp_path / "log.npz")
    assert loaded.reading == log.reading
    assert loaded.reading.n_rows == 3 and "1 rows that repeat" in str(loaded.reading)


def test_impossible_logs_are_refused(make_log):
    with pytest.raises(ValueError, match="empty"):
        make_log([], [], [], n_users=1, n_items=1)
    with pytest.raises(ValueError, match=r"user ids reach 5, but there are 2 users"):
        make_log([0, 5], [0, 1], [1, 2], n_users=2)
    with pytest.raises(ValueError, match="differ in length"):
        make_log([0, 1], [0, 1], [1, 2, 3])
    with pytest.raises(ValueError, match="rating holds NaN"):
        make_log([0, 1], [0, 1], [1, np.nan])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("user", np.array([0.0, 1.0]), r"user has shape \(2,\), float64; give \(n,\) whole"),
        ("item", np.array([[0], [1]]), r"item has shape \(2, 1\), int64; give"),
        ("item_features", np.ones((3, 1)), r"item_features has shape \(3, 1\); for 2 items and 0"),
        ("user_feature_names", np.array(["age"]), r"user_features .* must have \(2, 1\)"),
        ("item_titles", np.array(["x"]), "there are 1 titles of 2 items"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(name, value, message, make_log, tmp_path):
    log = make_log([0, 1], [0, 1], [1, 2])
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(log, **{name: value})
    object.__setattr__(log, name, value)
    log.save(tmp_path / "log.npz")
    with pytest.raises(ValueError, match=message):
        InteractionLog.load(tmp_path / "log.npz")


def test_sessions_need_a_gap(make_log):
    for gap in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="gap_seconds=.* must be positive"):
            make_log([0], [0], [1], [5]).sessions(gap)


def test_summary_counts_the_log(make_log):
    summary = make_log([0, 0, 1], [0, 1, 1], [1, 5, 5], [3, 2, 9], n_items=4).summary()
    assert (summary["n_interactions"], summary["n_users"], summary["n_items"]) == (3, 2, 4)
    assert summary["rating_counts"] == {"1": 1, "5": 2}
    assert (summary["first_time"], summary["last_time"]) == (2.0, 9.0)


def shown_log():
    """Returns clicks of three people with a device each, and what they were shown."""
    log = InteractionLog(
        user=np.array([0, 2, 1], np.int32),
        item=np.array([0, 0, 1], np.int32),
        rating=np.ones(3),
        time=np.array([5.0, 7.0, 9.0]),
        is_explicit=False,
        user_labels=np.array(["c", "b", "a"]),
        item_labels=np.array(["x", "y", "z"]),
        item_titles=np.array(["x", "y", "z"]),
        item_features=np.zeros((3, 0), np.float32),
        item_feature_names=np.empty(0, str),
        user_features=np.zeros((3, 0), np.float32),
        user_feature_names=np.empty(0, str),
        context=np.array([[0], [1], [1]], np.int32),
        context_labels={"device": ["phone", "desk"]},
        impressions=Impressions(
            user=np.array([0, 0, 2, 1, 1], np.int32),
            item=np.array([1, 0, 0, 2, 1], np.int32),
            row=np.array([-1, 0, 1, -1, 2]),
            time=None,
            slate=np.array([0, 0, 1, 2, 2]),
            place=None,
            context=np.array([[0], [0], [1], [1], [1]], np.int32),
        ),
    )
    return log


def shown_pairs(log):
    shown = log.impressions
    pairs = zip(log.user_labels[shown.user], log.item_labels[shown.item], strict=True)
    return {
        (*map(str, pair), bool(click)) for pair, click in zip(pairs, shown.is_clicked, strict=True)
    }


def test_contexts_and_impressions_go_with_their_rows(tmp_path):
    log = shown_log()
    everything = {("c", "y", False), ("c", "x", True), ("b", "z", False), ("b", "y", True)}
    everything |= {("a", "x", True)}
    log.save(tmp_path / "log.npz")
    for same in (log, log.canonical(), InteractionLog.load(tmp_path / "log.npz")):
        assert shown_pairs(same) == everything
        devices = [same.context_labels["device"][k] for k in same.context[:, 0]]
        users = same.user_labels[same.user].tolist()
        assert dict(zip(users, devices, strict=True)) == {"c": "phone", "a": "desk", "b": "desk"}
        clicked = same.impressions.row[same.impressions.is_clicked]
        assert (same.item[clicked] == same.impressions.item[same.impressions.is_clicked]).all()
    assert shown_pairs(log.select(np.array([2, 0]))) == everything - {("a", "x", True)}
    assert shown_pairs(log.core(min_item=2)) == {("c", "x", True), ("a", "x", True)}


def test_contexts_that_do_not_fit_are_refused():
    log = shown_log()
    with pytest.raises(ValueError, match="'device' reaches 1, but there are 1 labels"):
        dataclasses.replace(log, context_labels={"device": ["phone"]})
    with pytest.raises(ValueError, match="context has 0 columns, and context_labels 1"):
        dataclasses.replace(log, context=None)


def test_thresholds_that_leave_nothing_say_what_would_be_left(make_log):
    user, item = np.repeat(np.arange(6), 5), np.tile(np.arange(5), 6)
    log = make_log(user, item, np.ones(30))
    with pytest.raises(ValueError, match=r"min_user=5 .*--min-user 5. leaves 6 people and 5 items"):
        log.core(min_user=20, min_item=5)
    with pytest.raises(ValueError, match=r"min_item=6 .*--min-item 6. leaves 6 people and 5 items"):
        log.core(min_user=5, min_item=20)
    with pytest.raises(ValueError, match=r"--min-user 5. and .*--min-item 5. leave 6 people"):
        log.core(min_user=20, min_item=20)
