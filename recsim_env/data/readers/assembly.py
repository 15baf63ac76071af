"""Builds an InteractionLog from tables: dense ids, duplicates, side information."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.log import InteractionLog
from recsim_env.data.order import label_key
from recsim_env.data.readers.sides import SideTable, described, plain_id
from recsim_env.data.readers.tables import Table
from recsim_env.data.readers.times import seconds
from recsim_env.data.reading import ROLES, Notes, Reading, asking
from recsim_env.data.repeats import one_per_pair

Duplicates = Literal["error", "first", "last", "keep"]

_NUMBER = re.compile(r"0|[1-9][0-9]*")
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+[0-9]+")


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are user, item, rating, click and time.

    Attributes:
      user, item: ids of any kind.
      rating: finite numbers, or None.
      click: numbers from 0 up, or true and false; rows with 0 were shown, not consumed, and are
        left out. None where there is a rating.
      time: see `seconds`; or None.
      named: the roles whose columns were asked for by name, so that there is no doubt about them.
    """

    user: str
    item: str
    rating: str | None = None
    click: str | None = None
    time: str | None = None
    named: frozenset[str] = frozenset()

    def by_role(self) -> dict[str, str]:
        """Returns the columns that there are."""
        columns = {role: getattr(self, role) for role in ROLES}
        return {role: name for role, name in columns.items() if name is not None}


def build_log(
    table: Table,
    columns: Columns,
    notes: Notes,
    *,
    source: Path,
    name: str,
    items: SideTable | None = None,
    users: SideTable | None = None,
    duplicates: Duplicates = "error",
) -> InteractionLog:
    """Returns the log of a table of interactions, which tells how it was read.

    Only users and items with interactions are kept, in the order of their ids (as numbers where
    all are). One that is missing in its side table gets empty features.

    Args:
      table, columns: the interactions.
      notes: what else to tell of the reading; more is added.
      source: the file or folder.
      name: of the log.
      items, users: what describes them.
      duplicates: what to keep of rows that repeat a user and item; "keep" keeps all.

    Raises:
      ValueError: a bad value, a pair that repeats, ratings that never differ, or a side table that
        describes nothing of the log, by file and line.
    """
    everything = table
    if columns.click is not None:
        is_sure = "click" in columns.named
        table = _clicked(table, columns.click, notes.remarks if is_sure else notes.doubts, notes)
    rating = _ratings(table, columns, notes)
    time = None
    if columns.time is not None:
        time, notes.values["time"] = seconds(table, columns.time)
    user, user_labels = _dense_ids(*table.ids(columns.user))
    item, item_labels = _dense_ids(*table.ids(columns.item))
    for what, labels in (("user", user_labels), ("item", item_labels)):
        notes.values[what] = f"{len(labels):,} different"
        _compare_spellings(what, labels, notes)
    kept = _without_duplicates(table, user, item, time, columns, duplicates, notes)
    item_features, item_feature_names, titles = described("items", items, item_labels, notes)
    user_features, user_feature_names, _ = described("users", users, user_labels, notes)
    return InteractionLog(
        user=user[kept],
        item=item[kept],
        rating=rating[kept],
        time=None if time is None else time[kept],
        is_explicit=columns.rating is not None,
        user_labels=np.array(user_labels),
        item_labels=np.array(item_labels),
        item_titles=np.array(titles),
        item_features=item_features,
        item_feature_names=np.array(item_feature_names, dtype=np.str_),
        user_features=user_features,
        user_feature_names=np.array(user_feature_names, dtype=np.str_),
        name=name,
        reading=_reading(everything, columns, source, len(kept), notes),
    )


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
        told = notes.doubts if low == -1 else notes.remarks
        told.append(
            f"{n_low:,} ratings are {low:g}, which in some logs means that something was not rated;"
            " they were read as ratings, so leave out these rows if they are none"
        )


def _clicked(table: Table, click: str, told: list[str], notes: Notes) -> Table:
    """Returns the rows that hold a click."""
    clicks = table.numbers(click, at_least=0.0)
    rows = np.flatnonzero(clicks)
    if not len(rows):
        raise ValueError(f"{table.path}: column {click!r} holds no click at all")
    if len(rows) < len(table):
        notes.left_out[f"whose {click!r} is 0: they were shown, and not clicked"] = len(
            table
        ) - len(rows)
    n_other = int((clicks[rows] != 1).sum())
    if n_other:
        told.append(
            f"{click!r} is neither 0 nor 1 in {n_other:,} rows (up to {clicks.max():g}); each was"
            f" read as one click, and if it is a rating, name it with {asking('rating', click)}"
        )
    return table.take(rows)


def _dense_ids(ids: pl.Series, different: pl.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Returns numbers 0, 1, … and the label of each; labels that are all numbers sort as such."""
    labels = different.to_list()
    labels.sort(key=label_key(labels))
    return ids.cast(pl.Enum(labels)).to_physical().cast(pl.Int32).to_numpy(), labels


def _without_duplicates(
    table: Table,
    user: NDArray[np.int32],
    item: NDArray[np.int32],
    time: NDArray[np.float64] | None,
    columns: Columns,
    duplicates: Duplicates,
    notes: Notes,
) -> NDArray[np.int64]:
    """Returns the rows to keep: one per user and item, as of `one_per_pair`, or all."""
    if duplicates not in ("error", "first", "last", "keep"):
        raise ValueError(f"duplicates={duplicates!r} must be 'error', 'first', 'last' or 'keep'")
    pair = user.astype(np.int64) * (int(item.max()) + 1) + item
    if duplicates == "keep" or pl.Series(pair).n_unique() == len(pair):
        return np.arange(len(pair))
    order = np.argsort(pair, kind="stable")
    repeats = pair[order][1:] == pair[order][:-1]
    if duplicates == "error":
        later = int(order[1:][repeats].min())
        earlier = int(np.flatnonzero(pair == pair[later])[0])
        raise ValueError(
            f"{table.at(later)}: user {table.value(columns.user, later)!r} and item"
            f" {table.value(columns.item, later)!r} repeat {table.unit} {table.lines[earlier]};"
            f" keep one of them with {asking('duplicates', 'first')}, or last"
        )
    if time is not None:
        order = np.lexsort((time, pair))
    kept = one_per_pair(pair, time, duplicates)
    by = "in the file" if time is None else "by time"
    left_out = f"that repeat a user and item, of which the {duplicates} {by} is kept"
    notes.left_out[left_out] = len(table) - len(kept)
    if time is not None:
        n_tied = int((repeats & (np.diff(time[order]) == 0)).sum())
        if n_tied:
            notes.remarks.append(
                f"{n_tied:,} rows repeat the user, the item and the time of another; of these the "
                f"place in the file decided which is the {duplicates}"
            )
    return kept


def _compare_spellings(what: str, labels: list[str], notes: Notes) -> None:
    """Remarks on ids that differ in a way that often means nothing."""
    if all(map(_NUMBER.fullmatch, labels)):
        return
    seen: dict[str, str] = {}
    alike = [(seen.setdefault(plain_id(label), label), label) for label in labels]
    alike = [(one, other) for one, other in alike if one != other]
    if alike:
        notes.remarks.append(
            f"{len(alike):,} {what}s differ from another one only in capitals, blanks, leading"
            f" zeros, .0 or the coding of a character, as {alike[0][0]!a} and"
            f" {alike[0][1]!a}; they were kept apart"
        )
    cut = [label for label in labels if _SHORTENED.fullmatch(label)]
    if cut:
        notes.doubts.append(
            f"{len(cut):,} {what}s are called like {cut[0]!r}, as spreadsheets shorten long"
            " numbers: different ones may have become one; take the ids from where they were whole"
        )
