"""Tables read from text or Parquet files that remember where each row stands in its file."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Timestamps beyond these are milliseconds or microseconds: as seconds they lie after year 5000.
_MILLISECONDS_FROM = 1e11
_MICROSECONDS_FROM = 1e14


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length and the place of every row.

    Attributes:
      path: the file, for error messages.
      columns: values by column name.
      lines: (n,) the line (of text) or row (of Parquet, from 1) of every row.
      unit: "line" or "row".
    """

    path: Path
    columns: dict[str, Any]
    lines: NDArray[np.int64]
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.lines)

    def at(self, row: int) -> str:
        """Returns "file, line 7", the way an error names a row."""
        return f"{self.path}, {self.unit} {self.lines[row]}"

    def take(self, rows: NDArray[np.int64]) -> Table:
        """Returns some rows, which still know their lines."""
        columns = {
            name: values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]
            for name, values in self.columns.items()
        }
        return Table(self.path, columns, self.lines[rows], self.unit)

    def text(self, name: str) -> list[str]:
        """Returns a column as ids; an empty one is refused."""
        values = [value if isinstance(value, str) else _id_text(value) for value in self[name]]
        if not all(values):
            row = values.index("")
            raise ValueError(f"{self.at(row)}: column {name!r} is empty")
        return values

    def numbers(self, name: str, *, at_least: float = -math.inf) -> NDArray[np.float64]:
        """Returns a column as finite numbers, or raises ValueError naming the first bad line."""
        column = self[name]
        try:
            values = np.asarray(column).astype(np.float64)
        except (TypeError, ValueError):
            values = np.array([_number(value) for value in column])
        bad = np.flatnonzero(~np.isfinite(values) | (values < at_least))
        if len(bad):
            found = column[int(bad[0])]
            allowed = "a number" if at_least == -math.inf else f"a number from {at_least:g} up"
            raise ValueError(f"{self.at(bad[0])}: column {name!r} is {found!r}, not {allowed}")
        return values

    def seconds(self, name: str) -> NDArray[np.float64]:
        """Returns a column of times as seconds: numbers since 1970, or ISO dates (UTC if unsaid).

        Numbers too large for seconds are taken as milliseconds or microseconds.
        """
        column = self[name]
        if isinstance(column, np.ndarray) and column.dtype.kind == "M":
            is_missing = np.isnat(column)
            seconds = column.astype("datetime64[us]").astype(np.float64) / 1e6
            column = np.where(is_missing, np.nan, seconds)
        elif len(column) and isinstance(column[0], str) and math.isnan(_number(column[0])):
            column = [_iso_seconds(value) for value in column]
            bad = [row for row, value in enumerate(column) if math.isnan(value)]
            if bad:
                found = self[name][bad[0]]
                raise ValueError(f"{self.at(bad[0])}: column {name!r} is {found!r}, not a time")
        values = Table(self.path, {name: column}, self.lines, self.unit).numbers(name, at_least=0.0)
        typical = float(np.median(values)) if len(values) else 0.0
        if typical >= _MICROSECONDS_FROM:
            return values / 1e6
        return values / 1e3 if typical >= _MILLISECONDS_FROM else values

    def __getitem__(self, name: str) -> Any:
        if name not in self.columns:
            known = ", ".join(map(repr, self.columns))
            raise ValueError(f"{self.path} has no column {name!r}; its columns are {known}")
        return self.columns[name]


def read_text_table(
    path: Path,
    delimiter: str,
    *,
    names: Sequence[str] | None = None,
    encoding: str = "utf-8-sig",
    quoted: bool = False,
) -> Table:
    """Returns a delimited text file as columns of text.

    Args:
      path: the file.
      delimiter: one character, or several, as MovieLens-1M's "::".
      names: of the columns; without them the first line is the header.
      encoding: of the text.
      quoted: whether fields may be quoted, as in CSV.

    Raises:
      ValueError: undecodable text, a line with another number of fields, or no rows at all.
    """
    rows, lines = _split_rows(_decoded(path, encoding), delimiter, quoted)
    if names is None:
        if not rows:
            raise ValueError(f"{path} is empty; it needs a header line and at least one row")
        names = [name.strip() for name in rows.pop(0)]
        lines = lines[1:]
        if len(set(names)) < len(names):
            raise ValueError(f"{path}, line 1: a column name appears twice in {names}")
    if not rows:
        raise ValueError(f"{path} is empty; it needs at least one row")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {line}: {len(row)} fields separated by {delimiter!r},"
                f" expected {len(names)}"
            )
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    return Table(path, columns, np.array(lines))


def read_parquet_table(path: Path) -> Table:
    """Returns a Parquet file as columns; raises ImportError where pyarrow is missing."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            'reading Parquet needs pyarrow; install it with pip install "recsim-env[data]"'
        ) from error
    try:
        stored = parquet.ParquetFile(path).read()
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from error
    columns: dict[str, Any] = {}
    for name in stored.column_names:
        column = stored.column(name)
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        columns[name] = column.to_pylist() if is_text else column.to_numpy()
    if not stored.num_rows:
        raise ValueError(f"{path} is empty; it needs at least one row")
    return Table(path, columns, np.arange(1, stored.num_rows + 1), "row")


def _decoded(path: Path, encoding: str) -> str:
    """Returns a file's text, or names the line that is not in this encoding."""
    raw = path.read_bytes()
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}, line {line}: not {encoding} text ({error.reason})") from error


def _split_rows(text: str, delimiter: str, quoted: bool) -> tuple[list[list[str]], list[int]]:
    """Returns the fields of every line that is not blank, and its number from 1."""
    physical = text.split("\n")
    if not quoted:
        numbered = [(n, line.rstrip("\r")) for n, line in enumerate(physical, 1) if line.strip()]
        return [line.split(delimiter) for _, line in numbered], [n for n, _ in numbered]
    reader = csv.reader((line + "\n" for line in physical), delimiter=delimiter)
    rows, lines, first = [], [], 1
    for row in reader:
        if row and (len(row) > 1 or row[0].strip()):
            rows.append(row)
            lines.append(first)
        first = reader.line_num + 1
    return rows, lines


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _id_text(value: Any) -> str:
    """Returns an id read from Parquet as text: 7.0 is "7", a missing one is empty."""
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.17g}"
    return str(value)


def _iso_seconds(value: Any) -> float:
    try:
        moment = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
