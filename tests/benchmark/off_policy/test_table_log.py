"""Tables of one's own are logs: of choices, of sessions and of slates, or one clear error."""

import numpy as np
import pytest

from recsim_env.benchmark.off_policy import chances_of, judge, read_log, uniform_chances
from recsim_env.benchmark.off_policy.exchange import export_steps
from recsim_env.benchmark.off_policy.features import SlateFeatures

CHOICES = """\
user,device,hour,item,click,propensity
ann,phone,9,x,1,0.5
ann,phone,23,y,0,0.25
bob,web,9,z,1,0.25
bob,phone,9,x,0,0.5
"""
SESSIONS = """\
visit,at,item,reward,pscore
b,30,9,2.5,0.5
a,12,10,1,0.25
b,10,9,0,0.5
a,11,9,3,0.75
"""
SLATES = """\
slate,place,item,reward,propensity,place_propensity,prefix_propensity
s2,2,x,0,0.1,0.4,0.1
s2,1,y,2,0.1,0.2,0.2
s1,1,x,1,0.3,0.6,0.6
s1,2,z,0,0.3,0.5,0.3
"""
VISITS = {"session": "visit", "step": "at"}


@pytest.fixture
def read(tmp_path):
    def reading(text, columns=None, **more):
        path = tmp_path / "log.csv"
        path.write_text(text, encoding="utf-8")
        return read_log(path, columns=columns, **more)

    return reading


def test_each_row_of_choices_is_a_session_of_its_user(read):
    log = read(CHOICES, {"context": "device,hour"})
    assert log.about["actions"] == ["x", "y", "z"]
    assert log["slate"].tolist() == [[0], [1], [2], [0]]
    assert log["propensity"].tolist() == [0.5, 0.25, 0.25, 0.5]
    assert (len(log.starts), log.people.tolist()) == (4, [0, 0, 1, 1])
    assert log["seen_device"].shape == (4, 2)
    assert log["seen_hour"].ravel().tolist() == [0, 1, 0, 0]
    found = {e.estimator: e for e in judge("uniform", log, uniform_chances(log))}
    assert found["ips"].estimate.mean == pytest.approx((1 / 0.5 + 1 / 0.25) / 3 / 4)
    said = log.about["reading"]
    assert "action from 'item'; reward from 'click'; propensity from 'propensity'" in said
    assert "CHECK" not in said
    twice = read(CHOICES + CHOICES.splitlines()[-1] + "\n").about["reading"]
    assert "not read: 'device', 'hour'" in twice
    assert "CHECK: 1 rows repeat another in every column" in twice


def test_steps_of_sessions_find_their_order_and_keep_that_of_the_file(read):
    log = read(SESSIONS, VISITS)
    assert log.about["actions"] == ["9", "10"]  # numbers stand in their order
    assert log["session_number"].tolist() == [0, 0, 1, 1]
    assert log["reward"].tolist() == [3, 1, 0, 2.5]
    assert log["is_over"].tolist() == [False, True, False, True]
    assert log.file_order.tolist() == [3, 1, 2, 0]
    assert log.select(np.array([2, 3])).file_order.tolist() == [2, 0]
    found = {e.estimator: e for e in judge("uniform", log, uniform_chances(log))}
    assert found["tis"].estimate.mean == pytest.approx((4 * (0.5 / 0.75) * 2 + 2.5) / 2)


def test_places_of_slates_keep_what_each_earned(read):
    log = read(SLATES)
    assert log["slate"].tolist() == [[1, 0], [0, 2]]  # s2, whose rows come first, then s1
    assert log.place_rewards.tolist() == [[2, 0], [1, 0]]
    assert log["propensity"].tolist() == [0.1, 0.3]
    assert log.places("place").tolist() == [[0.2, 0.4], [0.6, 0.5]]
    found = {e.estimator: e for e in judge("uniform", log, uniform_chances(log))}
    assert found["iips"].estimate.mean == pytest.approx((2 / 3 / 0.2 + 1 / 3 / 0.6) / 2)


def test_probabilities_in_another_order_than_the_file_are_of_other_rows(read):
    log = read(SESSIONS, VISITS)
    in_file = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    chances = chances_of(in_file[log.file_order], log)
    assert chances.slate.tolist() == [0.4, 0.8, 0.3, 0.1]


@pytest.mark.parametrize(
    ("table", "change", "columns", "said"),
    [
        (CHOICES, ("0.5\nann", "0\nann"), None, "line 2: .*'0', not in .0, 1.: what was shown"),
        (CHOICES, ("0.25\nbob", "1.5\nbob"), None, "line 3: .*'1.5', not in .0, 1."),
        (CHOICES, ("0.5\nann", "\nann"), None, "line 2: column 'propensity' is .*not a number"),
        (CHOICES, ("propensity", "odds"), None, "no column that is known to hold propensities.*"),
        (CHOICES, ("item", "thing"), None, "known to be the action; .*--columns action=COLUMN"),
        (CHOICES, ("click", "bought"), None, "known to be the reward"),
        (CHOICES, ("x,1", ",1"), None, "column 'item' is empty"),
        (CHOICES, ("web", "NaN"), {"context": "device"}, "line 4: .*'NaN', a missing value; fill"),
        (CHOICES, ("", ""), {"context": "colour"}, "has no column 'colour'; its columns are"),
        (CHOICES, ("", ""), {"colour": "device"}, "has no setting colour; known are action"),
        (CHOICES, ("", ""), {"place_propensity": "hour"}, "is of slates; name their column too"),
        (CHOICES, ("", ""), {"action": "click", "reward": "click"}, "a column has one role only"),
        (CHOICES, ("hour", "step"), None, "has steps .'step'., but no session; name its column"),
        (CHOICES.partition("\n")[0], ("", ""), None, "is empty; it needs at least one row"),
        (SESSIONS, ("10,9,0", "30,9,0"), VISITS, "line 4: .*'30', a step that its session has tw"),
        (SLATES, ("s2,2", "s3,2"), None, "line .: column 'slate' is .*a slate of other than"),
        (SLATES, ("s2,2", "s2,1"), None, "column 'place' is '1', a place that its slate has twice"),
        (SLATES, ("2,0.1", "2,0.2"), None, "'propensity' is .*another place of this slate has"),
        (
            SLATES,
            ("0.1\ns2", "0.3\ns2"),
            None,
            "prefix_propensity of row 0 is .*and propensity 0.1",
        ),
        (SLATES, (",place,", ",at,"), None, "has slates; name the place"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(read, table, change, columns, said):
    with pytest.raises(ValueError, match=said):
        read(table.replace(*change, 1), columns)


def test_choices_are_written_for_open_bandit_pipeline(read, tmp_path):
    log = read(CHOICES, {"context": "hour"})
    export_steps(log, "obp", str(tmp_path / "feedback.npz"))
    back = read_log(tmp_path / "feedback.npz", "obp")
    for name in ("slate", "reward", "propensity"):
        assert np.array_equal(back[name], log[name])
    assert np.array_equal(back["seen"], log["seen_hour"])


def test_candidates_that_would_not_fit_into_memory_are_refused(read):
    log = read(CHOICES)
    many = SlateFeatures(log)
    many._items = np.broadcast_to(0.0, (10**6, 500, 500))
    with pytest.raises(ValueError, match=r"500 candidates in each of 1,000,000 rows .* take fewer"):
        many.of_candidates()


def test_a_table_without_propensities_is_read_where_they_will_be_estimated(read):
    log = read(CHOICES.replace("propensity", "p"), needs_propensities=False)
    assert "propensity" not in log.columns
    with pytest.raises(ValueError, match="is no table of one's own; leave out the names"):
        read(CHOICES, {"action": "item"}, library="obp")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_tables_in_other_encodings_are_read_or_refused_with_a_remedy(tmp_path, encoding):
    path = tmp_path / "log.csv"
    path.write_text("item,click,propensity\ncaf\u00e9,1,.5\ntea,0,.5\n", encoding=encoding)
    if encoding == "latin-1":
        with pytest.raises(ValueError, match=r"line 2: not utf-8 text .*--encoding latin-1"):
            read_log(path)
    log = read_log(path, encoding=encoding if encoding == "latin-1" else None)
    assert log.about["actions"] == ["caf\u00e9", "tea"]


def test_remedies_are_those_that_there_are(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("item,click,propensity\na,1,.5\n,0,.5\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3: column 'item' is empty; leave out the row$"):
        read_log(path)
    path.write_text("item,click,propensity\na,1,.5\nb,,.5\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3: .* not a number; leave out the row$"):
        read_log(path)
    np.savez(tmp_path / "log.npz", reward=np.ones(3))
    with pytest.raises(ValueError, match="no table of one's own; leave out encoding='latin-1'"):
        read_log(tmp_path / "log.npz", encoding="latin-1")
