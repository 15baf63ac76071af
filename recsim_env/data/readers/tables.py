"""Columns of a file that remember where each row stands in it, and refuse values by its line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.readers.commas import decimal_commas
from recsim_env.data.reading import asking

#: What programs write where a value is missing; as ids, these would be one person or item.
MISSING = frozenset(
    {"nan", "NaN", "NAN", "-nan", "NA", "N/A", "n/a", "<NA>", "NaT", "None", "null", "NULL"}
    | {"(null)", "undefined", "#N/A", "#VALUE!", "\\N"}
)
_NO_IDS = frozenset({"", *MISSING})

#: What to do with missing values: of any table, and of logs whose reader can drop them.
LEAVE_OUT = "leave out the row"
LEAVE_OUT_OF_LOG = f"{LEAVE_OUT}, or all such rows of a log with {asking('missing', 'drop')}"
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
      remedy: what to do with a row where a value is missing.
    """

    path: Path
    columns: dict[str, pl.Series]
    lines: Sequence[int] | NDArray[np.int64]
    unit: str = "line"
    form: str = "a table"
    remarks: Sequence[str] = ()
    strays: Mapping[str, Sequence[int]] = field(default_factory=dict)
    has_header: bool = False
    remedy: str = LEAVE_OUT

    def __len__(self) -> int:
        return len(self.lines)

    def at(self, row: int) -> str:
        """Returns "file, line 7", the way an error names a row."""
        return f"{self.path}, {self.unit} {self.lines[row]}"

    def value(self, name: str, row: int) -> Any:
        """Returns one value as Python has it; a missing number is NaN."""
        column = self[name]
        (found,) = column.slice(int(row), 1).to_list()
        return math.nan if found is None and column.dtype.is_float() else found

    def refused(self, row: int, name: str, reason: str) -> ValueError:
        """Returns the error that refuses a value."""
        value = self.value(name, row)
        shown = repr(str(value)) if hasattr(value, "isoformat") else repr(value)
        return ValueError(f"{self.at(row)}: column {name!r} is {shown}, {reason}")

    def with_remark(self, remark: str) -> Table:
        """Returns the table with one more remark."""
        return replace(self, remarks=(*self.remarks, remark))

    def take(self, rows: NDArray[np.int64]) -> Table:
        """Returns some rows, which still know their lines."""
        strays = {k: np.flatnonzero(np.isin(rows, at)).tolist() for k, at in self.strays.items()}
        columns = {name: values.gather(rows) for name, values in self.columns.items()}
        return replace(self, columns=columns, lines=np.asarray(self.lines)[rows], strays=strays)

    def ids(self, name: str) -> tuple[pl.Series, pl.Series]:
        """Returns a column as text without blanks around, and its different values.

        Raises:
          ValueError: what cannot name anything, by its line.
        """
        if len(self.strays.get(name, ())):
            row = int(self.strays[name][0])
            raise self.refused(row, name, "with a quote that does not end it; mend the line")
        values = self._as_text(name).str.strip_chars()
        known = values.unique()
        bad = known.filter(known.is_null() | known.is_in(_NO_IDS))
        if len(bad):
            row = int(values.is_in(bad.implode(), nulls_equal=True).arg_max() or 0)
            if values[row]:
                raise self.refused(row, name, f"a missing value, no id; {self.remedy}")
            found = self.value(name, row)
            is_missing = found is None or found != found or isinstance(found, str)
            if not is_missing:
                kind = type(found).__name__
                raise self.refused(
                    row, name, f"a {kind}, which is no id; use whole numbers or text"
                )
            raise ValueError(f"{self.at(row)}: column {name!r} is empty; {self.remedy}")
        return values, known

    def numbers(self, name: str, *, at_least: float = -math.inf) -> NDArray[np.float64]:
        """Returns a column as finite numbers, or raises ValueError naming the first bad line."""
        values = as_numbers(self[name])
        bad = np.flatnonzero(~np.isfinite(values) | (values < at_least))
        if len(bad):
            allowed = "a number" if at_least == -math.inf else f"a number from {at_least:g} up"
            remedy = self._remedy(self.value(name, bad[0]))
            raise self.refused(bad[0], name, f"not {allowed}{remedy}")
        return values

    def _remedy(self, value: Any) -> str:
        """Returns what to do with something that is no number, where that is plain."""
        text = str(value).strip()
        if value is None or value != value or text in _NO_IDS:
            return f"; {self.remedy}"
        if decimal_commas([text]):
            return "; write a point before decimals, not a comma"
        return "; write 1 and 0" if text.lower() in ("yes", "no", "y", "n") else ""

    def _as_text(self, name: str) -> pl.Series:
        """Returns a column as text; null where a value is missing or can be no id."""
        column = self[name]
        if column.dtype == pl.String:
            return column
        if column.dtype.is_integer():
            return column.cast(pl.String)
        if column.dtype.is_float():
            is_id = column.is_finite() & (column.abs() <= _LARGEST_EXACT) & (column % 1 == 0)
            whole = pl.select(pl.when(is_id).then(column)).to_series()
            return whole.cast(pl.Int64).cast(pl.String)
        texts = [_id_text(value) for value in column.to_list()]
        return pl.Series(name, texts, dtype=pl.String)

    def __getitem__(self, name: str) -> pl.Series:
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
    elif not isinstance(value, int | float | Decimal):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def as_numbers(column: pl.Series) -> NDArray[np.float64]:
    """Returns values as `number` does, NaN where they are none."""
    if column.dtype == pl.String:
        found = column.cast(pl.Float64, strict=False)
        if found.null_count():  # Polars reads fewer texts as numbers than Python
            odd = column.filter(found.is_null()).unique()
            numbers = pl.Series([number(value) for value in odd], dtype=pl.Float64)
            known = column.replace_strict(odd, numbers, default=None, return_dtype=pl.Float64)
            found = found.fill_null(known)
    elif column.dtype.is_numeric() or column.dtype == pl.Boolean:
        found = column.cast(pl.Float64)
    else:
        found = pl.Series([number(value) for value in column.to_list()], dtype=pl.Float64)
    return np.array(found.fill_null(math.nan).to_numpy(), dtype=np.float64)


def _id_text(value: Any) -> str | None:
    """Returns an id of a rarer type as text; None where it is missing, or no id."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal) and value == int(value):
        return str(int(value))
    return None
