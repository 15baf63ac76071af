"""The contexts of rows: columns of the log, or hour and weekday of its times."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.readers.labels import dense_ids
from recsim_env.data.readers.tables import MISSING, Table
from recsim_env.data.reading import Notes

#: A context of more labels is none that people come in again.
MOST_LABELS = 1_000

UNKNOWN = "unknown"
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
#: Contexts that times tell, where no column has such a name.
OF_TIMES = ("hour", "weekday")


def read_contexts(
    table: Table, names: tuple[str, ...], time: NDArray[np.float64] | None, notes: Notes
) -> tuple[NDArray[np.int32] | None, dict[str, list[str]]]:
    """Returns the context of every row, (n, C), as places in labels, and these labels by name.

    Raises:
      ValueError: a column that is not there, or has too many values.
    """
    codes, labels = [], {}
    for name in names:
        if name in OF_TIMES and name not in table.columns:
            code, labels[name] = _of_time(name, time, table)
            notes.values[f"context {name}"] = "of the time, UTC"
        else:
            code, labels[name] = _of_column(table, name)
            notes.values[f"context {name}"] = f"{len(labels[name]):,} different"
        codes.append(code)
    return (np.stack(codes, axis=1) if codes else None), labels


def _of_column(table: Table, name: str) -> tuple[NDArray[np.int32], list[str]]:
    """Returns places in the labels of a column, one of which stands for all missing values."""
    column = table[name]
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        column = whole if ((column == whole) | column.is_null()).all() else column
    text = column.cast(pl.String, strict=False).str.strip_chars().fill_null(UNKNOWN)
    text = text.replace(dict.fromkeys(["", *MISSING], UNKNOWN))
    different = text.unique()
    if len(different) > MOST_LABELS:
        raise ValueError(
            f"{table.path}: column {name!r} has {len(different):,} different values; a context has"
            f" at most {MOST_LABELS:,}, so sum them up in fewer"
        )
    return dense_ids(text, different)


def _of_time(
    name: str, time: NDArray[np.float64] | None, table: Table
) -> tuple[NDArray[np.int32], list[str]]:
    """Returns the hour or weekday, in UTC, and how these are called."""
    if time is None:
        raise ValueError(
            f"context {name!r} is no column of {table.path}, and no times tell it; its columns are"
            f" {', '.join(map(repr, table.columns))}"
        )
    if name == "hour":
        return (time // 3600 % 24).astype(np.int32), [str(hour) for hour in range(24)]
    return ((time // 86_400 + 3) % 7).astype(np.int32), list(_WEEKDAYS)
