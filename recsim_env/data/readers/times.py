"""Turns a column of times into seconds, or refuses what is ambiguous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.readers.dates import ADVICE, DateOrder, written_dates
from recsim_env.data.readers.tables import Table, number

Floats = NDArray[np.float64]

# Numbers from here on are no seconds: as such they lie after year 5000.
_UNITS = (
    (1e11, 1.0, "seconds"),
    (1e14, 1e3, "milliseconds"),
    (1e17, 1e6, "microseconds"),
    (math.inf, 1e9, "nanoseconds"),
)
# In seconds since 1970: what is earlier counts from a start of its own; what was logged in
# milliseconds or finer lies between 1992 and 2128; and nothing is later.
_FIRST_DATE, _FIRST_FINE, _LAST = 1e8, 7e8, 5e9
# Times that differ more than so many fold, by years, are of two kinds.
_APART = 50.0
# Of a date without separators, from its end: minute, hour, day, month.
_PARTS = ((0, 59), (0, 23), (1, 31), (1, 12))


def seconds(table: Table, name: str, dates: DateOrder | None = None) -> tuple[Floats, str]:
    """Returns a column of times as seconds since 1970, and what was taken for what.

    A column holds numbers, or dates as ISO 8601 writes them (UTC where they do not say). Large
    numbers are taken as milliseconds, microseconds or nanoseconds. A column in which small numbers
    start before 1973 has a clock of its own.

    Args:
      table: the file.
      name: of the column.
      dates: whether 11/1/2000 has the day first or the month; None sees.

    Raises:
      ValueError: a value that is no time, before 1970 or after 2128; several units in one column;
        or numbers that seem to be years, days, or dates without separators.
    """
    if dates not in (None, "day-first", "month-first"):
        raise ValueError(f"dates={dates!r} must be 'day-first' or 'month-first'")
    column = table[name]
    if column.dtype in (pl.Date, pl.Datetime):
        moments = column.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64)
        return _dates(table, name, moments.fill_null(math.nan).to_numpy() / 1e6)
    if column.dtype == pl.String and math.isnan(number(table.value(name, 0))):
        found, order = written_dates(table, name, dates)
        values, told = _dates(table, name, found)
        return values, told + order
    values = table.numbers(name, at_least=0.0)
    if _are_days(values):
        days = pl.Series(values.astype(np.int64).astype(np.str_)).str.to_date(
            "%Y%m%d", strict=False
        )
        if not days.null_count():
            return _dates(table, name, days.cast(pl.Int32).to_numpy() * 86_400.0)
    _check_alike(table, name, values)
    return _numbers(table, name, values)


def _dates(table: Table, name: str, values: Floats) -> tuple[Floats, str]:
    """Returns dates and what they are, once all lie where logs do."""
    for row in np.flatnonzero(~((values >= 0) & (values <= _LAST)))[:1]:
        raise table.refused(row, name, "not a time between 1970 and 2128")
    _check_alike(table, name, values)
    kind = "dates" if (values % 86_400).any() else "days, without the time of day"
    return values, f"{kind}, {_span(values)}"


def _numbers(table: Table, name: str, values: Floats) -> tuple[Floats, str]:
    """Returns numbers as seconds, and the unit they were in."""
    typical = float(np.median(values))
    per_second, unit = next((per, unit) for below, per, unit in _UNITS if typical < below)
    found = values / per_second
    if per_second == 1.0:
        _check_counts(table, name, found)
    if per_second == 1.0 and found.min() < _FIRST_DATE:
        return found, f"seconds from a start of their own, {found.min():g} to {found.max():,.0f}"
    first = _FIRST_DATE if per_second == 1.0 else _FIRST_FINE
    for row in np.flatnonzero((found < first) | (found > _LAST))[:1]:
        raise table.refused(
            row, name, f"which, as {unit} since 1970, lies outside 1992 to 2128; {ADVICE}"
        )
    return found, f"{unit} since 1970, {_span(found)}{_coarseness(table[name], per_second)}"


def _coarseness(column: pl.Series, per_second: float) -> str:
    """Returns what to say of numbers in a type that cannot tell seconds apart."""
    if not column.dtype.is_float():
        return ""
    apart = float(np.spacing(column.to_numpy().max())) / per_second
    kind = str(column.dtype).lower()
    return "" if apart <= 1 else f", as {kind} rounded to {apart:g} seconds"


def _check_alike(table: Table, name: str, values: Floats) -> None:
    """Raises ValueError where times are in several units, or 0 stands for a missing one."""
    known = np.unique(values)
    apart = np.diff(known) >= _FIRST_DATE
    is_other = apart & (known[1:] >= _APART * known[:-1])
    if not is_other.any():
        return
    split = known[1:][is_other][0]
    low = values < split
    row = int(np.flatnonzero(low if low.mean() <= 0.5 else ~low)[0])
    other = int(np.flatnonzero(low != low[row])[0])
    raise table.refused(
        row,
        name,
        f"but {table.unit} {table.lines[other]} has {table.value(name, other)!s}: no unit fits"
        f" both; {ADVICE}, and leave out rows without a time",
    )


def _check_counts(table: Table, name: str, values: Floats) -> None:
    """Raises ValueError for numbers that people use for dates, and that are no seconds."""
    low, high, is_whole = values.min(), values.max(), (values % 1 == 0).all()
    looks = ""
    if is_whole and low >= 1900 and high <= 2100:
        looks = "a year"
    elif low >= 10_000 and high <= 60_000:
        looks = "a number of days, as spreadsheets count them"
    elif _are_written_dates(values):
        looks = "a date without separators"
    if looks:
        raise table.refused(0, name, f"which looks like {looks}; {ADVICE}")


def _are_written_dates(values: Floats) -> bool:
    """Returns whether numbers are all like 201103, 20110316, 2011031612, or shorter, 11031612.

    But for the form of eight digits, one number says little: three different ones must be dates.
    """
    if not any(_are_dates_of(values[:100], _PARTS[place:]) for place in range(len(_PARTS))):
        return False
    known = np.unique(values)
    if (known % 1).any():
        return False
    if len(known) < 3 and not (known[0] >= 1900_01_01 and known[-1] <= 2100_12_31):
        return False
    return any(_are_dates_of(known, _PARTS[place:]) for place in range(len(_PARTS)))


def _are_days(values: Floats) -> bool:
    """Returns whether numbers are all like 20110316, which cannot be seconds of one log by chance.

    As seconds they lie in August 1970 to 1971, or count from a start of their own.
    """
    is_near = values.min() >= 1970_01_01 and values.max() <= 2100_12_31 and not (values % 1).any()
    return bool(is_near) and _are_dates_of(values, _PARTS[2:])


def _are_dates_of(values: Floats, parts: Sequence[tuple[int, int]]) -> bool:
    """Returns whether numbers are a year and then, in two digits each, parts in their ranges."""
    for low, high in parts:
        if not ((values % 100 >= low) & (values % 100 <= high)).all():
            return False
        values = values // 100
    is_short = len(parts) > 1 and values.min() >= 1 and values.max() <= 99
    return is_short or bool(values.min() >= 1900 and values.max() <= 2100)


def _span(values: Floats) -> str:
    first, last = (datetime.fromtimestamp(v, UTC) for v in (values.min(), values.max()))
    is_over = last <= datetime.now(UTC) + timedelta(days=1)  # somewhere it is tomorrow already
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" + ("" if is_over else ", in the future")
