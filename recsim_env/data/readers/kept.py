"""Which rows of a table are the log: what is missing, what was not clicked, and what repeats."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.readers.columns import Columns
from recsim_env.data.readers.tables import MISSING, Table
from recsim_env.data.reading import Notes, asking
from recsim_env.data.repeats import one_per_pair

Repeats = Literal["error", "keep", "count", "first", "last"]
Missing = Literal["error", "drop"]

REPEATS: tuple[Repeats, ...] = ("keep", "count", "first", "last", "error")


def without_missing(table: Table, columns: Columns, missing: Missing, notes: Notes) -> Table:
    """Returns the rows in which no value is missing that is read, or all where they are refused."""
    if missing == "error":
        return table
    if missing != "drop":
        raise ValueError(f"missing={missing!r} must be 'error' or 'drop'")
    has_all = np.ones(len(table), bool)
    for role, name in columns.by_role().items():
        if name not in table.columns or role.startswith("context"):
            continue
        column = table[name]
        is_missing = column.is_null()
        if column.dtype == pl.String:
            plain = column.str.strip_chars()
            is_missing |= plain.is_in(["", *MISSING])
        elif column.dtype.is_float():
            is_missing |= column.is_nan()
        is_left_out = is_missing.fill_null(True).to_numpy()
        if n_missing := int((is_left_out & has_all).sum()):
            notes.left_out[f"in which {name!r} is missing"] = n_missing
        has_all &= ~is_left_out
    if not has_all.any():
        raise ValueError(f"{table.path}: a value is missing in every row; {notes.left_out}")
    return table if has_all.all() else table.take(np.flatnonzero(has_all))


def clicked_rows(table: Table, click: str, *, is_sure: bool, notes: Notes) -> NDArray[np.int64]:
    """Returns the rows that hold a click."""
    clicks = table.numbers(click, at_least=0.0)
    rows = np.flatnonzero(clicks)
    if not len(rows):
        raise ValueError(f"{table.path}: column {click!r} holds no click at all")
    if len(rows) < len(table):
        why = f"whose {click!r} is 0: they were shown, and not clicked"
        notes.left_out[why] = len(table) - len(rows)
    n_other = int((clicks[rows] != 1).sum())
    if n_other:
        (notes.remarks if is_sure else notes.doubts).append(
            f"{click!r} is neither 0 nor 1 in {n_other:,} rows (up to {clicks.max():g}); each was"
            f" read as one click, and if it is a rating, name it with {asking('rating', click)}"
        )
    return rows


def one_of_repeats(
    table: Table,
    columns: Columns,
    pair: NDArray[np.int64],
    time: NDArray[np.float64] | None,
    *,
    repeats: Repeats | None,
    notes: Notes,
) -> tuple[NDArray[np.int64], bool]:
    """Returns the rows to keep where a user and item repeat, and whether to count them instead.

    Args:
      table, columns: the interactions.
      pair: (n,), a number of the user and item of every row.
      time: (n,), or None.
      repeats: the rule; None keeps all clicks, as people do things again, and of ratings the last.
      notes: what is decided is added.

    Raises:
      ValueError: an unknown rule, or a pair that repeats under "error", by its line.
    """
    if repeats is not None and repeats not in REPEATS:
        raise ValueError(f"repeats={repeats!r} must be one of {', '.join(map(repr, REPEATS))}")
    everything = np.arange(len(pair))
    n_repeats = len(pair) - pl.Series(pair).n_unique()
    if not n_repeats:
        return everything, repeats == "count"
    rule: Repeats = repeats or ("last" if columns.rating is not None else "keep")
    if repeats is None:
        other = "keep" if rule == "last" else "first"
        kind = "ratings" if rule == "last" else "clicks"
        notes.remarks.append(
            f"{n_repeats:,} rows repeat a user and item; repeats={rule!r} is the rule for {kind},"
            f" another is had with {asking('repeats', other)}"
        )
    if rule in ("keep", "count"):
        return everything, rule == "count"
    if rule == "error":
        raise _repeated(table, columns, pair)
    _remark_on_ties(pair, time, rule, notes)
    kept = one_per_pair(pair, time, rule)
    by = "in the file" if time is None else "by time"
    left_out = f"that repeat a user and item, of which the {rule} {by} is kept"
    notes.left_out[left_out] = len(pair) - len(kept)
    return kept, False


def _repeated(table: Table, columns: Columns, pair: NDArray[np.int64]) -> ValueError:
    """Returns the error that names the first row which repeats another."""
    order = np.argsort(pair, kind="stable")
    later = int(order[1:][pair[order][1:] == pair[order][:-1]].min())
    earlier = int(np.flatnonzero(pair == pair[later])[0])
    return ValueError(
        f"{table.at(later)}: user {table.value(columns.user, later)!r} and item"
        f" {table.value(columns.item, later)!r} repeat {table.unit} {table.lines[earlier]};"
        f" keep one of them with {asking('repeats', 'first')}, or last, or all with keep"
    )


def _remark_on_ties(
    pair: NDArray[np.int64], time: NDArray[np.float64] | None, rule: str, notes: Notes
) -> None:
    """Remarks on rows among which times do not tell which is the first or last."""
    if time is None:
        return
    order = np.lexsort((time, pair))
    is_repeat = pair[order][1:] == pair[order][:-1]
    n_tied = int((is_repeat & (np.diff(time[order]) == 0)).sum())
    if n_tied:
        notes.remarks.append(
            f"{n_tied:,} rows repeat the user, the item and the time of another; of these the "
            f"place in the file decided which is the {rule}"
        )
