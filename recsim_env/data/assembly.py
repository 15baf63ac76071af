"""Builds an InteractionLog from tables: dense ids, duplicates, side information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.features import Encoder, join_features
from recsim_env.data.log import InteractionLog
from recsim_env.data.tables import Table

Duplicates = Literal["error", "first", "last"]


@dataclass(frozen=True)
class Columns:
    """Which columns of a table say who, what, how good and when.

    Attributes:
      user, item: ids of any kind.
      rating: finite numbers, or None.
      click: numbers, used without a rating; rows with 0 were shown, not consumed, and left out.
      time: seconds or ISO dates, or None.
    """

    user: str
    item: str
    rating: str | None = None
    click: str | None = None
    time: str | None = None


@dataclass(frozen=True)
class SideTable:
    """A table that describes items or users.

    Attributes:
      table: one row per item or user.
      key: the column with the id.
      encoders: how each described column becomes features.
      title: the column with what to call an item.
    """

    table: Table
    key: str
    encoders: dict[str, Encoder]
    title: str | None = None


def build_log(
    table: Table,
    columns: Columns,
    *,
    name: str,
    items: SideTable | None = None,
    users: SideTable | None = None,
    duplicates: Duplicates = "error",
) -> InteractionLog:
    """Returns the log of a table of interactions.

    Only users and items with interactions are kept, in the order of their ids (as numbers where
    all are). One that is missing in its side table gets empty features.

    Raises:
      ValueError: a bad value, a pair that repeats, or ratings that never differ, by file and line.
    """
    if columns.rating is None and columns.click is not None:
        table = _clicked(table, columns.click)
    rating = _ratings(table, columns)
    time = None if columns.time is None else table.seconds(columns.time)
    user, user_labels = _dense_ids(table.text(columns.user))
    item, item_labels = _dense_ids(table.text(columns.item))
    kept = _without_duplicates(table, user, item, columns, duplicates)
    item_features, item_feature_names, titles = _described(items, item_labels)
    user_features, user_feature_names, _ = _described(users, user_labels)
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
    )


def _ratings(table: Table, columns: Columns) -> NDArray[np.float64]:
    """Returns the ratings; in a log of clicks they are 1."""
    if columns.rating is None:
        return np.ones(len(table))
    rating = table.numbers(columns.rating)
    if rating.min() == rating.max():
        raise ValueError(
            f"{table.path}: every {columns.rating!r} is {rating[0]:g}, which tells nothing of"
            f" liking; read the log as clicks with click={columns.rating!r}"
        )
    return rating


def _clicked(table: Table, click: str) -> Table:
    """Returns the rows that hold a click."""
    rows = np.flatnonzero(table.numbers(click, at_least=0.0))
    if not len(rows):
        raise ValueError(f"{table.path}: column {click!r} holds no click at all")
    return table.take(rows)


def _dense_ids(labels: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Returns ids 0, 1, … and the label of each; labels that are all numbers sort as numbers."""
    known = list(dict.fromkeys(labels))
    if all(label.isdecimal() for label in known):
        known.sort(key=lambda label: (int(label), label))
    else:
        known.sort()
    number = {label: k for k, label in enumerate(known)}
    return np.array([number[label] for label in labels], np.int32), known


def _without_duplicates(
    table: Table,
    user: NDArray[np.int32],
    item: NDArray[np.int32],
    columns: Columns,
    duplicates: Duplicates,
) -> NDArray[np.int64]:
    """Returns the rows to keep: one per user and item."""
    if duplicates not in ("error", "first", "last"):
        raise ValueError(f"duplicates={duplicates!r} must be 'error', 'first' or 'last'")
    pair = user.astype(np.int64) * (int(item.max()) + 1) + item
    order = np.argsort(pair, kind="stable")
    repeats = pair[order][1:] == pair[order][:-1]
    if not repeats.any():
        return np.arange(len(pair))
    if duplicates == "error":
        later = int(order[1:][repeats].min())
        earlier = int(np.flatnonzero(pair == pair[later])[0])
        raise ValueError(
            f"{table.at(later)}: user {table[columns.user][later]!r} and item"
            f" {table[columns.item][later]!r} repeat {table.unit} {table.lines[earlier]};"
            " pass duplicates='first' or duplicates='last' to keep one of them"
        )
    is_kept = np.append(True, ~repeats) if duplicates == "first" else np.append(~repeats, True)
    return np.sort(order[is_kept])


def _described(
    side: SideTable | None, labels: list[str]
) -> tuple[NDArray[np.float32], list[str], list[str]]:
    """Returns the features of the labelled things, the features' names, and what to call them."""
    if side is None:
        return np.zeros((len(labels), 0), np.float32), [], labels
    row_of: dict[str, int] = {}
    for row, key in enumerate(side.table.text(side.key)):
        if key in row_of:
            first = side.table.lines[row_of[key]]
            raise ValueError(f"{side.table.at(row)}: {side.key} {key!r} repeats line {first}")
        row_of[key] = row
    rows = [row_of.get(label) for label in labels]

    def aligned(name: str) -> list[str]:
        values = side.table[name]
        return ["" if row is None else values[row].strip() for row in rows]

    parts = [encode(name, aligned(name)) for name, encode in side.encoders.items()]
    features, names = join_features(parts, len(labels))
    if side.title is None:
        return features, names, labels
    titles = [title or label for title, label in zip(aligned(side.title), labels, strict=True)]
    return features, names, titles
