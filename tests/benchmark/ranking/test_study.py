"""What is held out, who is ranked among what, and what is kept of it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from recsim_env.agents.recommenders.query import RECENT
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.benchmark.ranking import run as ranking_run
from recsim_env.benchmark.ranking import study as ranking
from recsim_env.benchmark.ranking.protocol import RankingProtocol
from recsim_env.benchmark.ranking.run import ROWS, Random, ranked
from recsim_env.benchmark.ranking.study import default_agents, rank
from recsim_env.benchmark.ranking.task import RankingTask
from recsim_env.data import InteractionLog, read_log
from recsim_env.results.table import ResultTable

ALL = {"negatives": None, "min_user": 1, "min_item": 1, "k": (2,)}


def make_log(user, item, time=None, rating=None, n_features=0, stranger=None):
    """Returns a log whose labels are its ids; a stranger has one item, which may be a new one."""
    if stranger is not None:
        user, item = [*user, max(user) + 1], [*item, stranger]
        time = None if time is None else [*time, 0]
        rating = None if rating is None else [*rating, 1]
    user, item = np.array(user, np.int32), np.array(item, np.int32)
    n_users, n_items = int(user.max()) + 1, int(item.max()) + 1
    features = np.random.default_rng(0).random((n_items, n_features), np.float32)
    return InteractionLog(
        user=user,
        item=item,
        rating=np.ones(len(user)) if rating is None else np.array(rating, np.float64),
        time=None if time is None else np.array(time, np.float64),
        is_explicit=False,
        user_labels=np.arange(n_users).astype(str),
        item_labels=np.arange(n_items).astype(str),
        item_titles=np.arange(n_items).astype(str),
        item_features=features,
        item_feature_names=np.arange(n_features).astype(str),
        user_features=np.zeros((n_users, 0), np.float32),
        user_feature_names=np.array([], dtype=str),
        name="made",
    )


def random_log(n_users=60, n_items=40, n_each=8, n_features=0):
    """Returns a log in which everybody consumed different items at moments of their own."""
    rng = np.random.default_rng(1)
    item = np.concatenate([rng.permutation(n_items)[:n_each] for _ in range(n_users)])
    user = np.repeat(np.arange(n_users), n_each)
    return make_log(user, item, rng.permutation(len(user)), n_features=n_features)


def right_items(task):
    """Returns person to what they should be shown."""
    return {
        int(person): sorted(task.relevant[[row]].indices.tolist())
        for row, person in enumerate(task.people)
    }


def test_the_last_row_that_earned_anything_is_held_out():
    log = make_log(user=[1, 1, 0, 0, 0], item=[2, 3, 0, 2, 1], time=[1, 2, 3, 9, 8])
    task = RankingTask.of(log, RankingProtocol(**ALL))
    assert right_items(task) == {0: [2], 1: [3]}
    assert sorted(zip(task.train.user, task.train.item, strict=True)) == [(0, 0), (0, 1), (1, 2)]
    assert task.about[-1].startswith("0 of 2 held-out rows were drawn by chance")


@pytest.mark.parametrize(("has_times", "items"), [(True, [1, 2]), (False, [0, 1, 2, 3])])
def test_chance_decides_evenly_what_of_one_moment_is_held_out_and_is_counted(has_times, items):
    """2,000 people with four rows, two of them last if there are times; five standard errors."""
    n, n_items = 2_000, 5
    user, item = np.repeat(np.arange(n), 4), np.tile(np.arange(4), n)
    time = np.tile([1.0, 9.0, 9.0, 5.0], n) if has_times else None
    log = make_log(user, item, time, stranger=4)

    def held_out(seed):
        protocol = RankingProtocol(**ALL | {"k": (1,), "split_seed": seed})
        task = RankingTask.of(log, protocol)
        assert f"{n:,} of {n:,} held-out rows were drawn by chance" in task.about[-1]
        assert f"split seed {seed}" in task.about[-1]
        return task.relevant.indices

    first, again, other = held_out(0), held_out(0), held_out(1)
    share = 1 / len(items)
    error = 5 * math.sqrt(n * share * (1 - share))
    counts = np.bincount(first, minlength=n_items)
    assert counts[items] == pytest.approx(n * share, abs=error + 1)
    assert np.array_equal(first, again)
    assert (first == other).sum() == pytest.approx(n * share, abs=error)


def test_whoever_had_everything_is_left_out_and_the_others_are_ranked():
    """Person 0 had all 40 items; person 1 all but eight."""
    log = random_log()
    full = make_log(
        [*log.user, *([60] * 40), *([61] * 32)],
        [*log.item, *range(40), *range(32)],
        np.arange(len(log) + 72),
    )
    for negatives, n_left, said in ((9, 60, "2 people"), (8, 61, "1 people"), (None, 61, "1 peo")):
        protocol = RankingProtocol(**ALL | {"negatives": negatives})
        task = RankingTask.of(full, protocol)
        assert len(task.people) == n_left
        assert task.about[3].startswith(f"Left out too: {said}")
    outcome = rank(full, {}, RankingProtocol(**ALL | {"negatives": 9}), seeds=(0,))
    assert {row["people"] for row in outcome.rows} == {60} and not outcome.failed
    alone = make_log([0] * 40, range(40), range(40))
    for negatives in (None, 9):
        with pytest.raises(ValueError, match="everybody in made had all items but the right ones"):
            RankingTask.of(alone, RankingProtocol(**ALL | {"negatives": negatives}))


def shuffled(log, rng):
    """Returns the same log with rows, people and items in another order."""
    rows = rng.permutation(len(log))
    users, items = rng.permutation(log.n_users), rng.permutation(log.n_items)
    log = replace(
        log,
        user=np.argsort(users)[log.user].astype(np.int32),
        item=np.argsort(items)[log.item].astype(np.int32),
        user_labels=log.user_labels[users],
        user_features=log.user_features[users],
        item_labels=log.item_labels[items],
        item_titles=log.item_titles[items],
        item_features=log.item_features[items],
    )
    return log.select(rows)


def judged(log, agents, protocol, seeds=(0,)):
    """Returns all that a ranking says, but for the time that it took."""
    outcome = rank(log, agents, protocol, seeds=seeds)
    assert not outcome.failed, outcome.rows
    rows = [
        {name: str(value) for name, value in row.items() if name != "wall_seconds"}
        for row in outcome.rows
    ]
    return rows, outcome.about


def random_times(kind, n, rng):
    """Returns times of which none, many or all are different, or None."""
    times = {"none": None, "exact": rng.permutation(n), "dates": rng.integers(4, size=n) * 86_400}
    return times[kind] if kind != "one moment" else np.zeros(n)


@pytest.mark.parametrize("times", ["none", "exact", "dates", "one moment"])
def test_any_order_of_rows_people_and_items_gives_the_same_table(times):
    rng = np.random.default_rng(3)
    log = random_log(n_users=30, n_items=25, n_each=7, n_features=2)
    rating = rng.integers(0, 5, len(log))
    log = make_log(log.user, log.item, random_times(times, len(log), rng), rating, n_features=2)
    agents = {"item_knn": {}, "bpr": {"epochs": 2}}
    protocol = RankingProtocol(**ALL | {"negatives": 9})
    if times == "dates":
        protocol = RankingProtocol(protocol="time", held_out=0.3, **ALL)
    assert judged(shuffled(log, rng), agents, protocol) == judged(log, agents, protocol)


@pytest.mark.slow
def test_any_order_of_rows_in_a_file_gives_the_same_table(tmp_path, capsys):
    """Random logs, written in random orders, and judged by every model of a log."""
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    pytest.importorskip("implicit", reason='needs pip install "recsim-env[agents]"')
    rng = np.random.default_rng(20)
    agents = default_agents() | {
        "two_tower": {"epochs": 1},
        "sequential": {"epochs": 1},
        "sasrec": {"epochs": 1},
        "lightgcn": {"epochs": 2},
        "bpr": {"epochs": 2},
    }
    del agents["content"]
    counts = {"tries": 0, "refused": 0, "worked": 0, "faults": 0}
    for _ in range(40):
        times = str(rng.choice(["none", "exact", "dates", "one moment"]))
        rows = random_rows(times, rng)
        protocol = random_protocol(times, rng)
        chosen = {name: agents[name] for name in rng.permutation(list(agents))[:3]}
        found = []
        for _ in range(2):
            counts["tries"] += 1
            path = tmp_path / "log.csv"
            lines = [",".join(map(str, row)) for row in rng.permutation(np.array(rows, object))]
            header = "user,item,rating" if times == "none" else "user,item,rating,date"
            path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
            try:
                found.append(judged(read_log(path), chosen, protocol))
                counts["worked"] += 1
            except ValueError as error:
                found.append(str(error))
                counts["refused"] += 1
        counts["faults"] += found[0] != found[1]
    with capsys.disabled():
        print(f"\norders of rows: {counts}")
    assert not counts["faults"] and counts["worked"] > counts["refused"]


def random_rows(times, rng):
    """Returns the rows of a small log, (user, item, rating[, time]), in any order."""
    n_users, n_items = int(rng.integers(5, 40)), int(rng.integers(12, 40))
    names = [("u{}", "i{}"), ("{}", "{}"), ("Zoë {}", "Ä{}")][int(rng.integers(3))]
    rows = []
    for user in range(n_users):
        for item in rng.permutation(n_items)[: rng.integers(1, n_items + 1)]:
            row = [names[0].format(user), names[1].format(item), int(rng.integers(0, 6))]
            if times != "none":
                moment = {"exact": len(rows), "dates": int(rng.integers(3)) * 86_400}
                row.append(1_300_000_000 + moment.get(times, 0))
            rows.append(tuple(row))
    return rows


def random_protocol(times, rng):
    """Returns how to judge a small log."""
    if times == "dates" and rng.random() < 0.5:
        return RankingProtocol(protocol="time", held_out=0.4, **ALL | {"k": (5,)})
    negatives = [None, 5, 9][int(rng.integers(3))]
    least = int(rng.integers(1, 4))
    return RankingProtocol(
        negatives=negatives, min_user=least, min_item=least, k=(3,), split_seed=int(rng.integers(3))
    )


def test_what_earned_nothing_is_never_right():
    rating = [1, 1, 0, 1, 1]
    log = make_log([0, 0, 0, 1, 1], [0, 1, 2, 0, 1], [1, 2, 3, 1, 2], rating, stranger=3)
    task = RankingTask.of(log, RankingProtocol(**ALL))
    assert right_items(task) == {0: [1], 1: [1]}


def test_training_rows_in_which_nothing_was_liked_are_refused():
    rating = [0, 1, 0, 1]
    log = make_log([0, 0, 1, 1], [0, 1, 1, 0], [1, 2, 1, 2], rating, stranger=2)
    with pytest.raises(ValueError, match="all likes of made are held out"):
        RankingTask.of(log, RankingProtocol(**ALL))


def test_a_split_by_time_ranks_only_people_it_has_met_and_says_so():
    """Person 2 is new, person 0 meets item 0 again, person 3 does not come back."""
    log = make_log(
        user=[0, 0, 1, 3, 0, 0, 1, 2],
        item=[0, 1, 1, 0, 0, 2, 3, 1],
        time=[1, 2, 3, 4, 7, 8, 9, 9],
    )
    task = RankingTask.of(log, RankingProtocol(protocol="time", held_out=0.5, **ALL))
    assert right_items(task) == {0: [2], 1: [3]}
    assert "1 people without training rows, and 1 right items" in task.about[2]
    with pytest.raises(ValueError, match="made has no times; use the protocol leave-one-out"):
        RankingTask.of(make_log([0, 0], [0, 1]), RankingProtocol(protocol="time", **ALL))


def test_a_split_by_time_says_what_share_it_holds_out():
    protocol = RankingProtocol(protocol="time", held_out=0.5, **ALL)
    log = make_log([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 3], [1, 2, 3, 1, 2, 2])
    assert "1 rows, 16.7% of all, are held out" in RankingTask.of(log, protocol).about[-1]
    log = make_log([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 3], [1, 2, 3, 1, 3, 4])
    assert "of all, are held out" not in RankingTask.of(log, protocol).about[-1]
    log = make_log([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 3], [1, 2, 2, 1, 2, 2])
    with pytest.raises(ValueError, match=r"held_out=0.5 cuts made within .* 66.7% of the rows"):
        RankingTask.of(log, protocol)


def test_recent_is_what_training_rows_of_the_session_tell():
    """Person 0 came twice, hours apart; the last row of the second session is held out."""
    time = [0, 9, 90_000, 90_001, 90_002, 0, 1]
    log = make_log([0] * 5 + [1] * 2, [0, 1, 2, 3, 4, 0, 1], time, stranger=5)
    task = RankingTask.of(log, RankingProtocol(**ALL))
    assert task.recent[:, RECENT - 3 :].tolist() == [[-1, 2, 3], [-1, -1, 0]]


def test_negatives_are_drawn_evenly_from_what_a_person_never_consumed():
    log = random_log()
    task = RankingTask.of(log, RankingProtocol(**ALL))
    drawn = [task.sampled(5, np.random.default_rng(seed)) for seed in range(400)]
    assert np.array_equal(drawn[7], task.sampled(5, np.random.default_rng(7)))
    consumed = log.item[log.user == 3]
    row = np.array([each[3] for each in drawn])
    assert (row[:, 0] == task.relevant[[3]].indices[0]).all()
    assert all(len(set(each)) == 6 for each in row)
    counts = np.bincount(row[:, 1:].ravel(), minlength=40)
    assert not counts[consumed].any()
    expected = 400 * 5 / 32
    open_items = np.setdiff1d(np.arange(40), consumed)
    assert counts[open_items] == pytest.approx(expected, abs=5 * math.sqrt(expected))
    too_many = RankingProtocol(**ALL | {"negatives": 33})
    with pytest.raises(ValueError, match="negatives=33 exceeds the 32 items that anybody never"):
        RankingTask.of(log, too_many)


class Knowing(Recommender):
    """Knows the right answer of `random_log`, for one row of people at a time."""

    right = np.zeros((0, 0))

    @classmethod
    def fit_table(cls, fit):
        return {}

    @classmethod
    def affinity(cls, model, query):
        luck = np.random.default_rng(0).random(cls.right.shape)
        scores = (luck + cls.right)[query.user]
        return scores if query.item is None else np.take_along_axis(scores, query.item, axis=1)


@pytest.mark.parametrize("negatives", [None, 9])
def test_who_knows_is_always_right(negatives, monkeypatch):
    protocol = RankingProtocol(**ALL | {"negatives": negatives, "k": (3,)})
    task = RankingTask.of(random_log(), protocol)
    right = 5.0 * task.relevant.toarray()
    monkeypatch.setattr(Knowing, "right", right)
    lists, is_hit = ranked(task, protocol, Knowing, {}, seed=0)
    assert is_hit[:, 0].all() and not is_hit[:, 1:].any()
    assert (lists[:, 0] == right.argmax(axis=1)).all()


@pytest.mark.parametrize("n_features", [0, 3])
def test_all_items_but_those_of_training_are_ranked_whatever_the_blocks(n_features, monkeypatch):
    protocol = RankingProtocol(**ALL | {"k": (33,)})
    task = RankingTask.of(random_log(n_features=n_features), protocol)
    monkeypatch.setattr(Knowing, "right", np.zeros((60, 40)))
    whole, _ = ranked(task, protocol, Knowing, {}, seed=0)
    for row, had in enumerate(task.known.toarray()):
        assert set(whole[row]) == set(np.flatnonzero(~had))
    monkeypatch.setattr(ranking_run, "_BLOCK_NUMBERS", 7 * 40 * (1 + n_features))
    in_blocks, _ = ranked(task, protocol, Knowing, {}, seed=0)
    assert np.array_equal(whole, in_blocks)


def test_lists_end_where_nothing_is_left():
    protocol = RankingProtocol(**ALL | {"k": (40,)})
    task = RankingTask.of(random_log(), protocol)
    lists, is_hit = ranked(task, protocol, Random, {"n_items": np.array(40)}, seed=0)
    assert ((lists >= 0).sum(axis=1) == 33).all()
    assert (is_hit.sum(axis=1) == 1).all()
    with pytest.raises(ValueError, match="k=41 exceeds the 40 items of the log"):
        RankingTask.of(random_log(), RankingProtocol(**ALL | {"k": (41,)}))


@pytest.mark.parametrize(("negatives", "chance"), [(19, 5 / 20), (None, 5 / 33)])
def test_whoever_thinks_the_same_of_all_items_is_right_by_chance(negatives, chance):
    """4,000 people: five standard errors allow one false alarm in two million."""
    log = random_log(n_users=4_000)
    protocol = RankingProtocol(**ALL | {"negatives": negatives, "k": (5,)})
    rows = rank(log, {}, protocol, seeds=(0,)).rows
    value = {row["metric"]: row["value"] for row in rows}
    assert value["HR"] == pytest.approx(chance, abs=5 * math.sqrt(chance * (1 - chance) / 4_000))


def test_novelty_counts_people_not_rows():
    """Item 0 was had by both people, by one of them three times: no surprise at all."""
    log = make_log([0, 0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 2, 0, 3, 1], range(8))
    task = RankingTask.of(log, RankingProtocol(**ALL | {"k": (1,)}))
    lists = np.zeros((2, 1), np.int64)
    of_people, _ = ranking_run._scores(task, lists, np.zeros((2, 1), bool), None)
    assert of_people["novelty"] == pytest.approx([0.0, 0.0])


def test_what_is_finished_is_kept_and_the_rest_goes_on(tmp_path):
    log, protocol = random_log(), RankingProtocol(**ALL | {"k": (3, 5)})
    rank(log, {"popularity": {}}, protocol, seeds=(0, 1), folder=tmp_path)
    before = ResultTable(tmp_path, ROWS).rows(phase="final")
    outcome = rank(
        log, {"popularity": {}, "content": {}}, protocol, seeds=(0, 1), folder=tmp_path, command="x"
    )
    after = ResultTable(tmp_path, ROWS).rows(phase="final")
    assert after == before, "finished runs were run again"
    assert [(each.agent, each.reason) for each in outcome.left_out] == [
        (
            "content",
            "Content needs item features, and made shows none; describe them by a table, "
            "--items FILE",
        )
    ]
    assert not outcome.foreign
    other = rank(log, {"item_knn": {}}, protocol, seeds=(0,), folder=tmp_path, command="y")
    assert {row["agent"] for row in other.rows} == {"random", "item_knn"}
    assert other.foreign == (
        ("made", "popularity", 0),
        ("made", "popularity", 1),
        ("made", "random", 1),
    )
    page = (tmp_path / "ranking.md").read_text()
    assert "HR@3" in page and "NDCG@5" in page and "coverage@5" in page
    assert "popularity" in page and "item_knn" in page, "earlier results are gone from the page"
    assert "    x\n    y\n" in page


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_results_of_other_settings_are_refused_and_replaced_only_if_asked(tmp_path):
    log, protocol = random_log(), RankingProtocol(**ALL)
    rank(log, {"popularity": {}}, protocol, seeds=(0, 1), folder=tmp_path)
    before = contents(tmp_path)
    few = log.select(np.arange(len(log) - 1))
    for changed, agents, said in (
        (
            (log, protocol),
            {"popularity": {"by": "count"}},
            r'popularity\.by="count", there "reward"',
        ),
        ((log, replace(protocol, k=(3,))), {}, r"k=\[3\], there \[2\]"),
        ((log, replace(protocol, split_seed=1)), {}, "split_seed=1, there 0"),
        ((few, protocol), {}, 'rows="'),
        ((replace(log, name="other"), protocol), {}, "holds rankings of made"),
    ):
        with pytest.raises(ValueError, match=said) as error:
            rank(changed[0], agents, changed[1], seeds=(0,), folder=tmp_path)
        assert "choose another folder" in str(error.value)
        assert contents(tmp_path) == before
    agents = {"popularity": {"by": "count"}}
    outcome = rank(log, agents, protocol, seeds=(0,), folder=tmp_path, overwrite=True)
    assert outcome.foreign == (("made", "random", 1),), "only popularity has changed"
    other = replace(log, name="other")
    with pytest.raises(ValueError, match="choose another folder for other"):
        rank(other, {}, protocol, folder=tmp_path, overwrite=True)


class Broken(Knowing):
    """Has no finite opinion."""

    @classmethod
    def affinity(cls, model, query):
        return np.full((len(query.user), 40), np.nan)


def test_a_failed_agent_is_a_row_with_its_error(tmp_path, monkeypatch):
    original = ranking.agent_class
    monkeypatch.setattr(
        ranking, "agent_class", lambda name: Broken if name == "test:Broken" else original(name)
    )
    agents = {"broken": {"agent": "test:Broken"}}
    outcome = rank(random_log(), agents, RankingProtocol(**ALL), seeds=(0,), folder=tmp_path)
    assert outcome.failed == (("made", "broken", 0),)
    row = next(row for row in outcome.rows if row["phase"] == "failed")
    assert "Broken.affinity returned a number that is not finite" in row["error"]
    assert (tmp_path / "errors" / "made-broken-0.log").exists()


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        ({"linucb": {}}, "agent 'linucb' is no model of a log; use any of popularity, content"),
        ({"popularity": {"by": "luck"}}, "by='luck' is not allowed"),
        ({"popularity": {"colour": 1}}, "agent popularity has no setting colour"),
    ],
)
def test_wrong_agents_are_refused_before_anything_runs(agents, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        rank(random_log(), agents, RankingProtocol(**ALL), folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_seeds_are_refused():
    with pytest.raises(ValueError, match=r"seeds=\(\) is not allowed; give at least one"):
        rank(random_log(), {}, RankingProtocol(**ALL), seeds=())


@pytest.mark.parametrize("seeds", [(0, 0), (-1,), (1.5,), (True,), ("a",)])
def test_seeds_that_are_none_or_repeat_are_refused(seeds):
    with pytest.raises(ValueError, match=r"seeds=.* is not allowed"):
        rank(random_log(), {}, RankingProtocol(**ALL), seeds=seeds)


def test_whoever_liked_nothing_is_counted():
    log = make_log([0, 0, 1, 1], [0, 1, 2, 3], [1, 2, 3, 4], rating=[1, 2, 0, -1])
    told = " ".join(RankingTask.of(log, RankingProtocol(**ALL)).about)
    assert "2 rows with a rating of 0 or less count as not liked; 1 people liked nothing" in told
    with pytest.raises(ValueError, match="liked are ratings above 0"):
        RankingTask.of(log.select(np.array([2, 3])), RankingProtocol(**ALL))


def test_a_page_says_how_many_seeds_each_agent_has(tmp_path):
    for agents, seeds in (({}, (0, 1, 2)), ({"popularity": {}}, (0, 1))):
        rank(random_log(), agents, RankingProtocol(**ALL), seeds=seeds, folder=tmp_path)
    page = (tmp_path / "ranking.md").read_text()
    assert "averaged over 2 to 3 seeds] (of each: random 3, popularity 2)" in page


@pytest.mark.parametrize("jobs", [0, -2])
def test_jobs_that_mean_nothing_are_refused(jobs, tmp_path):
    with pytest.raises(ValueError, match=f"jobs={jobs} is not allowed; use -1, or 1 or more"):
        rank(random_log(), {}, RankingProtocol(**ALL), jobs=jobs, folder=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        {"protocol": "luck"},
        {"protocol": "time", "negatives": 99},
        {"held_out": 1.0},
        {"k": (101,)},
        {"k": ()},
        {"negatives": 0},
        {"min_user": 0},
        {"min_item": 2.5},
        {"k": (5.5,)},
        {"k": 5},
        {"k": (5, 5)},
        {"negatives": 9.5},
        {"held_out": "x", "protocol": "time", "negatives": None},
        {"held_out": 0.3},
        {"split_seed": 1.5},
    ],
)
def test_protocols_out_of_range_are_named(wrong):
    with pytest.raises(ValueError, match="is not allowed; use"):
        RankingProtocol(**wrong)
