"""Turns a column of written dates into seconds, or refuses what is ambiguous."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.readers.tables import Table
from recsim_env.data.reading import asking

Floats = NDArray[np.float64]
DateOrder = Literal["day-first", "month-first"]

# How most programs write days, clocks, and what stands between.
_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%m %d, %Y", "%b %d, %Y", "%B %d, %Y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y"),
)
_CLOCKS = ("%H:%M:%S", "%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_FORMS = (
    *_DAYS,
    *(f"{day}{sep}{clock}" for day in _DAYS for sep in (" ", "T", ", ") for clock in _CLOCKS),
    *(f"%Y-%m-%d{sep}%H:%M:%S%.f%z" for sep in " T"),
    "%a %b %d %H:%M:%S %z %Y",
)
_UTC = r"( ?UTC| ?GMT| ?Z)"
# 11/1/2000: the day is the first number, or the second.
_NUMBERED = r"^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4})(\D.*)?$"
# An order, the other one, and with what dates it is usual.
_USUAL: tuple[tuple[DateOrder, DateOrder, str], ...] = (
    ("day-first", "month-first", r"^\d+\.\d+\."),
    ("month-first", "day-first", "(?i)[ap]m$"),
)
ADVICE = "give all times as seconds since 1970, or like 2011-03-16T12:30:00+00:00"


def written_dates(table: Table, name: str, order: DateOrder | None) -> tuple[Floats, str]:
    """Returns a column of dates as seconds since 1970, and what to say of their order.

    Of dates like 11/1/2000 the order is the one that suits the whole column. Where both do, points
    go with the day first, and clocks with AM and PM with the month.

    Raises:
      ValueError: a value that is no date, an order that the column does not have or does not tell,
        or some dates with a zone and some without.
    """
    column = table[name].str.strip_chars()
    told = ""
    if column.str.contains(_NUMBERED).all():
        order, told = _order(table, name, column, order)
        day, month = ("$1", "$3") if order == "day-first" else ("$3", "$1")
        column = column.str.replace(_NUMBERED, f"${{4}}-{month}-{day}$5")
    zone = column.str.extract(f"({_UTC})$")
    if not zone.null_count():
        column = column.str.replace(f"{_UTC}$", "")
    for form in _FORMS if zone.null_count() in (0, len(column)) else ():
        if column.head(1).str.to_datetime(form, strict=False).null_count():
            continue
        found = column.str.to_datetime(form, time_unit="us", strict=False)
        if not found.null_count():
            return np.asarray(found.cast(pl.Int64).to_numpy() / 1e6), told
    return _one_by_one(table, name, column), told


def iso_days(column: pl.Series) -> pl.Series | None:
    """Returns written dates, some of which may be missing (""), as ISO 8601 writes days, if so."""
    known = column.filter(column != "").unique(maintain_order=True)
    if not len(known) or not known.str.contains(r"\d{4}").all():
        return None
    table = Table(Path(), {column.name: known}, range(len(known)))
    try:
        found, _ = written_dates(table, column.name, None)
    except ValueError:
        return None
    days = pl.Series(np.floor(found / 86_400)).cast(pl.Int32).cast(pl.Date).cast(pl.String)
    return column.replace_strict(known, days, default="", return_dtype=pl.String)


def _order(
    table: Table, name: str, column: pl.Series, asked: DateOrder | None
) -> tuple[DateOrder, str]:
    """Returns which of the first two numbers of dates is the day, and how that is known."""
    first, second = (
        column.str.extract(_NUMBERED, group).cast(pl.Int32).to_numpy() for group in (1, 3)
    )
    cannot: dict[DateOrder, NDArray[np.bool_]] = {
        "day-first": (second > 12) | (first > 31),
        "month-first": (first > 12) | (second > 31),
    }
    fits: list[DateOrder] = [each for each in cannot if not cannot[each].any()]
    if not fits or (asked is not None and asked not in fits):
        nearest = min(cannot, key=lambda each: int(cannot[each].sum()))
        likely = nearest if asked is None else asked
        row = int(np.flatnonzero(cannot[likely])[0])
        others = "" if asked else ", as others are"
        raise table.refused(row, name, f"not a date with the {_said(likely)}{others}; {ADVICE}")
    if asked is not None:
        return asked, f", {_said(asked)}"
    if len(fits) == 1:
        return fits[0], f", {_said(fits[0])} (the other order suits no calendar)"
    for each, other, form in _USUAL:
        if column.str.contains(form).all():
            why = f"as usual in this form; else {asking('dates', other)}"
            return each, f", {_said(each)} {why}"
    either = f"{asking('dates', 'day-first')}, or month-first"
    raise table.refused(0, name, f"and all dates here suit both orders; say {either}")


def _said(order: DateOrder) -> str:
    return order.replace("-", " ")


def _one_by_one(table: Table, name: str, column: pl.Series) -> Floats:
    """Returns written dates of several forms as seconds, or names the line of one that is none."""
    known = column.unique(maintain_order=True)
    moments: list[float] = []
    zoned: bool | None = None
    for value in known.to_list():
        moment = _moment(value)
        has_zone = moment is not None and moment.tzinfo is not None
        if moment is None or zoned not in (None, has_zone):
            row = int(column.eq_missing(value).arg_max() or 0)
            reason = f"not a time; {ADVICE}"
            if moment is not None:
                reason = "some times state their zone and some do not"
            raise table.refused(row, name, reason)
        zoned = has_zone
        moments.append((moment if has_zone else moment.replace(tzinfo=UTC)).timestamp())
    values = column.replace_strict(known, moments, return_dtype=pl.Float64)
    return np.array(values.to_numpy(), dtype=np.float64)


def _moment(value: Any) -> datetime | None:
    """Returns a time as ISO 8601 writes it; "UTC" at the end, a common habit, is understood."""
    text = re.sub(f"{_UTC}$", "+00:00", str(value).strip())
    if not text[:4].isdigit() or "-" not in text:  # 20110316 is a date here, but a number elsewhere
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
