"""Columns are read back from files as they were."""

import csv

import numpy as np
import pytest

from recsim_env.formats.columns import write_columns

COLUMNS = {
    "title": np.array(['a "b"', "c,d", "é"]),
    "x": np.array([0.1, np.nan, -3.0]),
    "n": np.array([1, 2, 3]),
    "is_over": np.array([True, False, True]),
}


def test_a_csv_holds_every_value_and_blanks_for_unknown_ones(tmp_path):
    write_columns(tmp_path / "new" / "table.csv", COLUMNS)
    with (tmp_path / "new" / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["title"] for row in rows] == COLUMNS["title"].tolist()
    assert [row["x"] for row in rows] == ["0.1", "", "-3.0"]
    assert [row["n"] for row in rows] == ["1", "2", "3"]


def test_parquet_holds_the_same(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason='needs pip install "recsim-env[data]"')
    write_columns(tmp_path / "table.parquet", COLUMNS)
    found = parquet.read_table(tmp_path / "table.parquet").to_pydict()
    assert found["title"] == COLUMNS["title"].tolist()
    assert found["is_over"] == [True, False, True]


def test_other_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end with \.csv or \.parquet"):
        write_columns(tmp_path / "table.txt", COLUMNS)
