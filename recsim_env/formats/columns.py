"""Tables of columns as .csv or .parquet files."""

from __future__ import annotations

import csv
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from recsim_env.formats.files import replacing

SUFFIXES = (".csv", ".parquet")

_BLOCK_ROWS = 100_000


def checked_path(path: str | os.PathLike[str], suffixes: Sequence[str] = SUFFIXES) -> Path:
    """Returns where a table can be written.

    Raises:
      ValueError: another suffix than one of `suffixes`.
      ImportError: a Parquet file without pyarrow.
    """
    path = Path(path)
    if path.suffix not in suffixes:
        raise ValueError(f"cannot write {path}: its name must end with {' or '.join(suffixes)}")
    if path.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ImportError('writing Parquet needs pyarrow: pip install "recsim-env[data]"')
    return path


def write_columns(path: str | os.PathLike[str], columns: Mapping[str, np.ndarray]) -> None:
    """Writes columns of equal length, by the suffix; in CSV, what is not a number is blank.

    The file is complete or absent; an old one is replaced. The folder is made.

    Raises:
      ValueError, ImportError: as of `checked_path`.
    """
    path = checked_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        if path.suffix == ".csv":
            _write_csv(draft, columns)
        else:
            _write_parquet(draft, columns)


def _write_csv(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    n_rows = len(next(iter(columns.values())))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for first in range(0, n_rows, _BLOCK_ROWS):
            block = slice(first, first + _BLOCK_ROWS)
            texts = [_texts(values[block]) for values in columns.values()]
            writer.writerows(zip(*texts, strict=True))


def _texts(values: np.ndarray) -> np.ndarray:
    texts = values.astype(str)
    return np.where(np.isnan(values), "", texts) if values.dtype.kind == "f" else texts


def _write_parquet(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    import pyarrow
    from pyarrow import parquet

    # With checksums, damage is found where it is read.
    parquet.write_table(pyarrow.table(dict(columns)), path, write_page_checksum=True)
