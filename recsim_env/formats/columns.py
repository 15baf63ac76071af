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

    A column of several axes is one of lists in Parquet, and in CSV one for each number, as in
    `taste_0`.

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
    flat = {name: part for each in columns.items() for name, part in _flattened(*each)}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(flat)
        for first in range(0, n_rows, _BLOCK_ROWS):
            block = slice(first, first + _BLOCK_ROWS)
            texts = [_texts(values[block]) for values in flat.values()]
            writer.writerows(zip(*texts, strict=True))


def _flattened(name: str, values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Returns a column, or one for each number of its rows, with the number's place in the name."""
    if values.ndim == 1:
        return [(name, values)]
    places = np.ndindex(values.shape[1:])
    return [("_".join([name, *map(str, at)]), values[(slice(None), *at)]) for at in places]


def _texts(values: np.ndarray) -> np.ndarray:
    texts = values.astype(str)
    return np.where(np.isnan(values), "", texts) if values.dtype.kind == "f" else texts


def _write_parquet(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    import pyarrow
    from pyarrow import parquet

    def nested(values: np.ndarray) -> pyarrow.Array:
        found = pyarrow.array(values.ravel())
        for size in reversed(values.shape[1:]):
            found = pyarrow.FixedSizeListArray.from_arrays(found, size)
        return found

    table = pyarrow.table({name: nested(values) for name, values in columns.items()})
    # With checksums, damage is found where it is read.
    parquet.write_table(table, path, write_page_checksum=True)


def read_parquet(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Returns the columns that `write_columns` wrote to a Parquet file, lists as further axes.

    Raises:
      ImportError: without pyarrow.
      ValueError: the file cannot be read.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            'reading Parquet needs pyarrow: pip install "recsim-env[data]"'
        ) from error

    def flat(column: pyarrow.Array) -> np.ndarray:
        shape = [len(column)]
        while pyarrow.types.is_fixed_size_list(column.type):
            shape.append(column.type.list_size)
            column = column.flatten()
        return column.to_numpy(zero_copy_only=False).reshape(shape)

    try:
        table = parquet.read_table(path, page_checksum_verification=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"cannot read {path}: {' '.join(str(error).split())[:200]}") from error
    return {name: flat(table[name].combine_chunks()) for name in table.column_names}
