"""Logs as other libraries take them: one row a pair, by a stated rule, and nothing lost."""

import csv
import dataclasses
import typing

import numpy as np
import pytest
from scipy import sparse

from recsim_env.cli import exporting, main
from recsim_env.data import export_log, log_columns, read_log
from recsim_env.data.export import LIBRARIES
from recsim_env.data.log import REPEATS
from recsim_env.data.readers.kept import Repeats


@pytest.fixture
def log(make_log):
    """Person 0 had item 1 three times, last with rating 2; the rows are not in order of time."""
    return make_log(
        [0, 0, 1, 0, 2], [1, 1, 0, 1, 2], [4.0, 2.0, 5.0, 3.0, 1.5], [20.0, 30.5, 5.0, 10.0, 7.0]
    )


@pytest.mark.parametrize(
    ("repeats", "rating", "time"),
    [("first", 3.0, 10.0), ("last", 2.0, 30.5), ("sum", 9.0, 30.5), ("count", 3.0, 30.5)],
)
def test_one_row_stands_for_all_by_the_rule(log, repeats, rating, time):
    once = log.once(repeats)
    rows = list(zip(once.user, once.item, once.rating, once.time, strict=True))
    assert len(rows) == 3 and (0, 1, rating, time) in rows
    others = {(1, 0, 1.0 if repeats == "count" else 5.0, 5.0)}
    assert others < {tuple(map(float, row)) for row in rows}
    assert once.matrix(repeats="error").toarray()[0, 1] == rating
    assert log.matrix(repeats=repeats).toarray().tolist() == once.matrix().toarray().tolist()


def test_without_times_the_place_tells(log):
    timeless = dataclasses.replace(log, time=None)
    assert timeless.once("first").rating.tolist() == [4.0, 5.0, 1.5]
    assert sorted(timeless.once("last").rating.tolist()) == [1.5, 3.0, 5.0]


def test_a_pair_that_repeats_is_named_where_it_is_refused(log):
    with pytest.raises(ValueError, match=r"2 rows of planted repeat .* user 0 and item 1 do; say"):
        log.once("error")
    assert len(log.once("last").once("error")) == 3
    with pytest.raises(ValueError, match="repeats='mean' is not allowed; use one of error, first"):
        log.once("mean")


def test_rules_and_libraries_are_those_of_the_command():
    assert exporting.REPEATS == REPEATS and tuple(LIBRARIES) == exporting.LIBRARIES
    assert set(typing.get_args(Repeats)) - {"keep"} <= set(REPEATS)


def test_columns_have_the_names_and_types_that_libraries_know(log):
    lenskit = log_columns(log, "lenskit", repeats="count")
    assert list(lenskit) == ["user_id", "item_id", "rating", "timestamp"]
    assert lenskit["user_id"].dtype == np.int64  # all labels are numbers
    assert lenskit["rating"].tolist() == [3.0, 1.0, 1.0]
    assert lenskit["timestamp"][0] == np.datetime64("1970-01-01T00:00:30.500")
    assert list(log_columns(log, "cornac")) == ["user", "item", "rating"]
    assert list(log_columns(log, "rectools")) == ["user_id", "item_id", "weight", "datetime"]
    named = dataclasses.replace(log, item_labels=np.array(["a", "2", "03"]))
    assert log_columns(named, "cornac")["item"].tolist() == ["2", "a", "03"]
    with pytest.raises(ValueError, match="rectools needs times, and planted has none"):
        log_columns(dataclasses.replace(log, time=None), "rectools")
    assert "timestamp" not in log_columns(dataclasses.replace(log, time=None), "lenskit")
    with pytest.raises(ValueError, match="library='lightfm' is unknown; known are cornac, lensk"):
        log_columns(log, "lightfm")


def described(log):
    return dataclasses.replace(
        log,
        item_titles=np.array(["The first", "Second: part", 'A "third"']),
        item_features=np.array([[0, 1], [1, 0], [0.5, 0.25]], np.float32),
        item_feature_names=np.array(["Sci-Fi", "big: one"]),
        user_features=np.array([[20], [30], [45]], np.float32),
        user_feature_names=np.array(["age"]),
    )


@pytest.mark.parametrize("name", ["mine", "mine.inter"])
def test_recbole_s_files_are_read_back(log, tmp_path, name):
    log = described(log)
    files = export_log(log, tmp_path / "new" / name, "recbole", repeats="first")
    assert [file.name for file in files] == ["mine.inter", "mine.item", "mine.user"]
    header = files[1].read_text(encoding="utf-8").splitlines()[0]
    assert header == "item_id:token\ttitle:token_seq\tSci-Fi:float\tbig_one:float"
    found, expected = read_log(tmp_path / "new"), log.once("first")
    assert found.canonical().matrix().toarray().tolist() == expected.matrix().toarray().tolist()
    assert sorted(found.time) == sorted(expected.time)
    assert found.item_titles.tolist() == log.item_titles.tolist()
    assert found.item_feature_names.tolist() == ["Sci-Fi", "big_one"]


def test_what_a_file_cannot_hold_is_refused(log, tmp_path):
    titles = np.array(["a\tb", "c", "d"])
    with pytest.raises(ValueError, match="title:token_seq 'a\\\\tb' has a tab or a line break"):
        export_log(dataclasses.replace(log, item_titles=titles), tmp_path / "mine", "recbole")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="its name must end with .csv"):
        export_log(log, tmp_path / "mine.txt", "lenskit")


def test_a_table_is_read_back(log, tmp_path):
    (file,) = export_log(log, tmp_path / "plays.csv", "rectools")
    with file.open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert rows[0] == {
        "user_id": "0",
        "item_id": "1",
        "weight": "2.0",
        "datetime": "1970-01-01T00:00:30.500",
    }


def test_saved_and_packed_logs_are_read(log, tmp_path):
    import gzip

    log.save(tmp_path / "log.npz")
    found = read_log(tmp_path / "log.npz", repeats="last")
    assert sorted(found.rating) == [1.5, 2.0, 5.0]
    assert "2 rows that repeat a user and item" in str(found.reading)
    assert len(read_log(tmp_path / "log.npz", repeats="keep")) == 5
    with pytest.raises(ValueError, match="repeat a user and an item"):
        read_log(tmp_path / "log.npz", repeats="error")
    with pytest.raises(ValueError, match="has no columns to name; leave out user='user_id'"):
        read_log(tmp_path / "log.npz", user="user_id")
    for file in export_log(described(log), tmp_path / "mine", "recbole"):
        packed = file.with_name(file.name + ".gz")
        packed.write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    for path in ("mine.inter.gz", "mine", "."):
        found = read_log(tmp_path / path)
        assert len(found) == 3 and found.name == "mine" and found.item_features.shape == (3, 2)


def test_the_command_keeps_all_rows_until_its_rule(log, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log.save("log.npz")
    command = ["export", "log.npz", "--to", "lenskit", "--out", "lenskit.csv"]
    assert main([*command, "--repeats", "count"]) == 0
    out = capsys.readouterr().out
    assert "3 rows of 3 users and 3 items, of 5 in the log (--repeats count)" in out
    assert "written: lenskit.csv" in out
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--repeats", "error"]) == 2
    assert "say what stands for them by repeats" in capsys.readouterr().err
    assert "3.0" in (tmp_path / "lenskit.csv").read_text(encoding="utf-8")


def test_the_matrix_is_what_implicit_and_scikit_learn_take(log):
    matrix = log.matrix(repeats="count")
    assert isinstance(matrix, sparse.csr_array) and matrix.shape == (3, 3)
