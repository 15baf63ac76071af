"""Columns of a file that remember where each row stands in it, and refuse values by its line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What programs write where a value is missing; as ids, these would be one person or item.
MISSING = frozenset(
    {"nan", "NaN", "NAN", "-nan", "NA", "N/A", "n/a", "<NA>", "NaT", "None", "null", "NULL"}
    | {"(null)", "undefined", "#N/A", "#VALUE!", "\\N"}
)
_LARGEST_EXACT = 2**53
_TRUTHS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length and the place of every row.

    Attributes:
      path: the file, for error messages.
      columns: values by column name.
      lines: (n,) the line (of text) or row (of Parquet, from 1) of every row.
      unit: "line" or "row".
      form: what kind of file it is, for people.
      remarks: what was decided while reading, for people.
      strays: the rows, by column, in which a stray quote stands.
      has_header: whether the names of the columns stand in the file.
    """

    path: Path
    columns: dict[str, Any]
    lines: NDArray[np.int64]
    unit: str = "line"
    form: str = "a table"
    remarks: Sequence[str] = ()
    strays: Mapping[str, Sequence[int]] = field(default_factory=dict)
    has_header: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def at(self, row: int) -> str:
        """Returns "file, line 7", the way an error names a row."""
        return f"{self.path}, {self.unit} {self.lines[row]}"

    def refused(self, row: int, name: str, value: Any, reason: str) -> ValueError:
        """Returns the error that refuses a value."""
        if isinstance(value, np.generic):
            value = str(value) if isinstance(value, np.datetime64) else value.item()
        return ValueError(f"{self.at(row)}: column {name!r} is {value!r}, {reason}")

    def with_remark(self, remark: str) -> Table:
        """Returns the table with one more remark."""
        return replace(self, remarks=(*self.remarks, remark))

    def take(self, rows: NDArray[np.int64]) -> Table:
        """Returns some rows, which still know their lines."""
        columns = {
            name: values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]
            for name, values in self.columns.items()
        }
        strays = {k: np.flatnonzero(np.isin(rows, at)).tolist() for k, at in self.strays.items()}
        return replace(self, columns=columns, lines=self.lines[rows], strays=strays)

    def text(self, name: str) -> list[str]:
        """Returns a column as ids; what cannot name anything is refused."""
        column = self[name]
        if len(self.strays.get(name, ())):
            row = int(self.strays[name][0])
            raise self.refused(
                row, name, column[row], "with a quote that does not end it; mend the line"
            )
        values = [value if isinstance(value, str) else _id_text(value) for value in column]
        bad = {v for v in set(values) if v is None or not v or v.isspace() or v in MISSING}
        if bad:
            row = next(row for row, value in enumerate(values) if value in bad)
            found = column[row]
            if values[row] is None:
                reason = f"a {type(found).__name__}, which is no id; use whole numbers or text"
                raise self.refused(row, name, found, reason)
            if values[row] in MISSING:
                raise self.refused(row, name, found, "a missing value, no id; leave out the row")
            raise ValueError(f"{self.at(row)}: column {name!r} is empty")
        return [value for value in values if value is not None]

    def numbers(self, name: str, *, at_least: float = -math.inf) -> NDArray[np.float64]:
        """Returns a column as finite numbers, or raises ValueError naming the first bad line."""
        column = self[name]
        is_typed = isinstance(column, np.ndarray) and column.dtype.kind in "biuf"
        values = column.astype(np.float64) if is_typed else _floats(column)
        bad = np.flatnonzero(~np.isfinite(values) | (values < at_least))
        if len(bad):
            allowed = "a number" if at_least == -math.inf else f"a number from {at_least:g} up"
            raise self.refused(bad[0], name, column[int(bad[0])], f"not {allowed}")
        return values

    def __getitem__(self, name: str) -> Any:
        if name not in self.columns:
            known = ", ".join(map(repr, self.columns))
            raise ValueError(f"{self.path} has no column {name!r}; its columns are {known}")
        return self.columns[name]


def number(value: Any) -> float:
    """Returns a value as a number, truth values as 1 and 0, and anything else as NaN."""
    if isinstance(value, str):
        if value.lower() in _TRUTHS:
            return _TRUTHS[value.lower()]
        if "_" in value:  # Python reads 1_0 as 10; whoever wrote a table did not mean that
            return math.nan
    elif not isinstance(value, int | float | np.number | Decimal | np.bool_):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _floats(column: Sequence[Any]) -> NDArray[np.float64]:
    try:
        if not any("_" in value for value in column):
            return np.fromiter(map(float, column), np.float64, len(column))
    except (TypeError, ValueError):
        pass
    return np.fromiter(map(number, column), np.float64, len(column))


def _id_text(value: Any) -> str | None:
    """Returns an id that is no text as text: 7.0 is "7", a missing one empty, None is no id."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating | Decimal):
        is_whole = math.isfinite(value) and value == int(value)
        is_exact = isinstance(value, Decimal) or abs(float(value)) <= _LARGEST_EXACT
        return str(int(value)) if is_whole and is_exact else None
    return None
