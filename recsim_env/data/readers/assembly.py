"""Builds an InteractionLog from tables: dense ids, repeats, contexts, side information."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.impressions import Impressions
from recsim_env.data.log import InteractionLog
from recsim_env.data.readers.columns import Columns
from recsim_env.data.readers.contexts import read_contexts
from recsim_env.data.readers.dates import DateOrder
from recsim_env.data.readers.kept import (
    Missing,
    Repeats,
    clicked_rows,
    one_of_repeats,
    without_missing,
)
from recsim_env.data.readers.labels import compare_spellings, dense_ids
from recsim_env.data.readers.sides import SideTable, described
from recsim_env.data.readers.tables import Table
from recsim_env.data.readers.times import seconds
from recsim_env.data.reading import Notes, Reading, asking

# So many zeros among ratings up to 5 or more are doubtful.
_MANY = 10


@dataclass(frozen=True)
class Wanted:
    """How to make a log of a table.

    Attributes:
      source: the file or folder.
      name: of the log.
      repeats: what stands for rows that repeat a user and item; see `one_of_repeats`.
      missing: whether rows with a missing value are refused or left out.
      dates: which number of a date like 11/1/2000 is the day, where the column does not tell.
    """

    source: Path
    name: str
    repeats: Repeats | None = None
    missing: Missing = "error"
    dates: DateOrder | None = None


@dataclass(frozen=True, eq=False)
class _Rows:
    """What all rows of a table say, clicked or not."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    time: NDArray[np.float64] | None
    context: NDArray[np.int32] | None


def build_log(
    table: Table,
    columns: Columns,
    notes: Notes,
    wanted: Wanted,
    *,
    items: SideTable | None = None,
    users: SideTable | None = None,
) -> InteractionLog:
    """Returns the log of a table of interactions, which tells how it was read.

    Only users and items with interactions, or that were shown, are kept, in the order of their ids
    (as numbers where all are). One that is missing in its side table gets empty features.

    Args:
      table, columns: the interactions.
      notes: what else to tell of the reading; more is added.
      wanted: how.
      items, users: what describes them.

    Raises:
      ValueError: a bad value, a pair that repeats, ratings that never differ, or a side table that
        describes nothing of the log, by file and line.
    """
    everything = table
    table = without_missing(table, columns, wanted.missing, notes)
    clicked = np.arange(len(table))
    if columns.click is not None:
        clicked = clicked_rows(table, columns.click, is_sure="click" in columns.named, notes=notes)
    rating = _ratings(table, columns, notes)
    time = None
    if columns.time is not None:
        time, notes.values["time"] = seconds(table, columns.time, wanted.dates)
        if len(time) > 1 and time.min() == time.max():
            notes.remarks.append("all times are the same, so the order is unknown")
    labels: dict[str, list[str]] = {}
    numbers: dict[str, NDArray[np.int32]] = {}
    for role in ("user", "item"):
        numbers[role], labels[role] = dense_ids(*table.ids(getattr(columns, role)))
        notes.values[role] = f"{len(labels[role]):,} different"
        compare_spellings(role, labels[role], notes)
    context, context_labels = read_contexts(table, columns.context, time, notes)
    rows = _Rows(numbers["user"], numbers["item"], time, context)
    kept, is_counted = _kept(table, columns, rows, clicked, wanted.repeats, notes)
    item_features, item_feature_names, titles = described("items", items, labels["item"], notes)
    user_features, user_feature_names, _ = described("users", users, labels["user"], notes)
    log = InteractionLog(
        user=rows.user[kept],
        item=rows.item[kept],
        rating=rating[kept],
        time=None if time is None else time[kept],
        is_explicit=columns.rating is not None,
        user_labels=np.array(labels["user"]),
        item_labels=np.array(labels["item"]),
        item_titles=np.array(titles),
        item_features=item_features,
        item_feature_names=np.array(item_feature_names, dtype=np.str_),
        user_features=user_features,
        user_feature_names=np.array(user_feature_names, dtype=np.str_),
        name=wanted.name,
        context=None if context is None else context[kept],
        context_labels=context_labels,
        impressions=_impressions(table, columns, rows, clicked, kept),
        reading=_reading(everything, columns, wanted.source, len(kept), notes),
    )
    return log.once("count") if is_counted else log


def _kept(
    table: Table,
    columns: Columns,
    rows: _Rows,
    clicked: NDArray[np.int64],
    repeats: Repeats | None,
    notes: Notes,
) -> tuple[NDArray[np.int64], bool]:
    """Returns the rows that are the log, and whether repeats are to be counted."""
    pair = rows.user.astype(np.int64) * (int(rows.item.max()) + 1) + rows.item
    if len(clicked) == len(table):
        return one_of_repeats(table, columns, pair, rows.time, repeats=repeats, notes=notes)
    time = None if rows.time is None else rows.time[clicked]
    part = table.take(clicked)
    kept, is_counted = one_of_repeats(
        part, columns, pair[clicked], time, repeats=repeats, notes=notes
    )
    return clicked[kept], is_counted


def _impressions(
    table: Table,
    columns: Columns,
    rows: _Rows,
    clicked: NDArray[np.int64],
    kept: NDArray[np.int64],
) -> Impressions | None:
    """Returns what was shown, where the log tells it; clicks that are not kept are left out."""
    if columns.click is None or (len(clicked) == len(table) and columns.slate is None):
        return None
    row = np.full(len(table), -1)
    row[kept] = np.arange(len(kept))
    is_told = np.ones(len(table), bool)
    is_told[clicked] = row[clicked] >= 0
    slate = place = None
    if columns.slate is not None:
        slate = dense_ids(*table.ids(columns.slate))[0].astype(np.int64)
    if columns.place is not None:
        place = table.numbers(columns.place, at_least=0.0).astype(np.int64)
        place -= place.min()
    return Impressions(
        user=rows.user,
        item=rows.item,
        row=row,
        time=rows.time,
        slate=slate,
        place=place,
        context=np.zeros((len(table), 0), np.int32) if rows.context is None else rows.context,
    ).select(is_told)


def _reading(table: Table, columns: Columns, source: Path, n_used: int, notes: Notes) -> Reading:
    """Returns what to tell people about a log."""
    roles = columns.by_role()
    return Reading(
        source=str(source),
        form=table.form,
        n_rows=len(table),
        n_used=n_used,
        left_out=notes.left_out,
        columns=roles,
        values=notes.values,
        unread=tuple(name for name in table.columns if name not in roles.values()),
        remarks=(*table.remarks, *notes.remarks),
        doubts=tuple(notes.doubts),
    )


def _ratings(table: Table, columns: Columns, notes: Notes) -> NDArray[np.float64]:
    """Returns the ratings; in a log of clicks they are 1."""
    if columns.rating is None:
        return np.ones(len(table))
    rating = table.numbers(columns.rating)
    low, high = rating.min(), rating.max()
    if low == high:
        raise ValueError(
            f"{table.path}: every {columns.rating!r} is {low:g}, which tells nothing of liking;"
            f" read the log as clicks with {asking('click', columns.rating)}"
        )
    notes.values["rating"] = f"{low:g} to {high:g}, {pl.Series(rating).n_unique():,} different"
    _question_lowest(rating, notes)
    return rating


def _question_lowest(rating: NDArray[np.float64], notes: Notes) -> None:
    """Notes ratings of -1, or many of 0, which often mean that something was not rated."""
    low = rating.min()
    n_low = int((rating == low).sum())
    is_apart = (rating[rating > low] >= low + 1).all()
    if is_apart and (low == -1 or (low == 0 and 5 * n_low > len(rating) and rating.max() > 1)):
        told = (
            notes.doubts if low == -1 or (n_low >= _MANY and rating.max() >= 5) else notes.remarks
        )
        told.append(
            f"{n_low:,} ratings are {low:g}, which in some logs means that something was not rated;"
            " they were read as ratings, so leave out these rows if they are none"
        )
