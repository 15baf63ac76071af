"""Parquet files are read whole, or refused by one ValueError that names file and row."""

import datetime
import warnings

import numpy as np
import pytest

from recsim_env.data import LogWarning, read_log

pa = pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
pq = pytest.importorskip("pyarrow.parquet", reason='needs pip install "recsim-env[data]"')


def test_parquet_rows_with_missing_values_are_named(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"user": ["a", "b"], "item": [1, 2], "rating": [3.0, None]}), path)
    with pytest.raises(ValueError, match=r"a\.parquet, row 2: column 'rating' is .*nan"):
        read_log(path)
    pq.write_table(pa.table({"user": ["a", None], "item": [1, 2], "rating": [3.0, 4.0]}), path)
    with pytest.raises(ValueError, match=r"a\.parquet, row 2: column 'user' is empty"):
        read_log(path)
    path.write_text("no parquet")
    with pytest.raises(ValueError, match=r"a\.parquet is not a Parquet file"):
        read_log(path)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[1], [2]], "row 1: column 'user' is .*, a list, which is no id"),
        ([{"a": 1}, None], "row 1: column 'user' is .*, a dict, which is no id"),
        ([True, False], "row 1: column 'user' is True, a bool"),
        ([1.0, 1.5], r"row 2: column 'user' is 1.5, a float"),
        ([1.0, float("nan")], "row 2: column 'user' is empty"),
        ([2.0**53 + 2, 1.0], "row 1: .*a float"),
        ([1, None], "row 2: column 'user' is empty"),
        (["a", "None"], "row 2: column 'user' is 'None', a missing value"),
        (["a", " "], "row 2: column 'user' is empty"),
        ([b"a", b"\xff"], "row 2: .*a bytes, which is no id"),
        ([datetime.date(2011, 3, 14)] * 2, "row 1: .*which is no id"),
    ],
)
def test_values_that_are_no_ids_are_refused_by_row(ids, message, tmp_path):
    pq.write_table(
        pa.table({"user": ids, "item": [1, 2], "rating": [1, 2]}), tmp_path / "a.parquet"
    )
    with pytest.raises(ValueError, match=message):
        read_log(tmp_path / "a.parquet")


def test_odd_tables_are_refused_by_file(tmp_path):
    path = tmp_path / "a.parquet"
    empty = {name: pa.array([], pa.int64()) for name in ("user", "item", "rating")}
    pq.write_table(pa.table(empty), path)
    with pytest.raises(ValueError, match=r"a\.parquet is empty"):
        read_log(path)
    pq.write_table(pa.table([[1], [2], [3]], names=["user", "user", "item"]), path)
    with pytest.raises(ValueError, match=r"a\.parquet .*column name appears twice"):
        read_log(path)
    pq.write_table(pa.table({"user": [1, 2], "item": [1, 2], "rating": [[1], [2]]}), path)
    with pytest.raises(ValueError, match=r"row 1: column 'rating' is \[1\], not a number"):
        read_log(path)


def try_damaged_files(n, folder, seed=0):
    """Returns how many damaged Parquet files were tried, refused, read, and crashed the reader.

    Pages carry checksums, so that what is read has the values that were written.
    """
    rng = np.random.default_rng(seed)
    counts = {"tries": n, "refused": 0, "read": 0, "faults": 0}
    wrong = []
    path = folder / "a.parquet"
    table = pa.table(
        {
            "user": [f"u{k // 20}" for k in range(400)],
            "item": list(range(400)),
            "rating": [1.0 + k % 5 for k in range(400)],
            "genres": [["a", "b"], ["c"]] * 200,
            "kind": pa.array(["x", "y"] * 200).dictionary_encode(),
        }
    )
    options = {"write_page_checksum": True, "compression": "snappy", "row_group_size": 150}
    pq.write_table(table, path, **options)
    whole, right = path.read_bytes(), read_log(path)
    for _ in range(n):
        raw = bytearray(whole)
        if rng.random() < 0.2:
            raw = raw[: rng.integers(len(raw))]
        else:
            for at in rng.integers(len(raw), size=rng.integers(1, 4)):
                raw[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(raw))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LogWarning)  # of damaged names of columns
                log = read_log(path)
        except ValueError as error:
            counts["refused"] += 1
            if str(path) not in str(error):
                counts["faults"] += 1
                wrong.append(repr(error))
        except Exception as error:  # whatever it is, it is none that people can read
            counts["faults"] += 1
            wrong.append(repr(error))
        else:
            counts["read"] += 1
            is_same = len(log) == len(right) and (log.rating == right.rating).all()
            if not is_same and "rating" in log.reading.columns:
                counts["faults"] += 1
                wrong.append("other values")
    return counts, wrong


def test_damaged_files_give_one_error(tmp_path):
    counts, wrong = try_damaged_files(150, tmp_path)
    assert not counts["faults"], wrong[:5]
    assert counts["refused"] > 50


@pytest.mark.slow
def test_many_damaged_files_give_one_error(tmp_path):
    counts, wrong = try_damaged_files(10_000, tmp_path, seed=1)
    print("damaged Parquet files:", counts)
    assert not counts["faults"], wrong[:5]
