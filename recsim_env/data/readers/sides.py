"""What describes the items or users of a log: features and titles for their ids."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.readers.features import N_HASHES, Encoder, join_features
from recsim_env.data.readers.labels import plain_id
from recsim_env.data.readers.tables import MISSING, Table
from recsim_env.data.reading import Notes, listed


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


def described(
    what: str, side: SideTable | None, labels: list[str], notes: Notes
) -> tuple[NDArray[np.float32], list[str], list[str]]:
    """Returns the features of the labelled things, the features' names, and what to call them."""
    if side is None:
        return np.zeros((len(labels), 0), np.float32), [], labels
    row_of: dict[str, int] = {}
    for row, key in enumerate(side.table.ids(side.key)[0].to_list()):
        if key in row_of:
            first = side.table.lines[row_of[key]]
            raise ValueError(f"{side.table.at(row)}: {side.key} {key!r} repeats line {first}")
        row_of[key] = row
    rows = [row_of.get(label) for label in labels]
    _check_matches(what, side, labels, row_of, notes)

    def aligned(name: str) -> list[str]:
        values = side.table[name].to_list()
        return ["" if row is None else values[row].strip() for row in rows]

    encoded = {
        name: encode(name, ["" if value in MISSING else value for value in aligned(name)])
        for name, encode in side.encoders.items()
    }
    features, names = join_features(encoded.values(), len(labels))
    unused = [n for n in side.table.columns if n not in (side.key, side.title)]
    unused = [n for n in unused if n not in encoded or not encoded[n][1]]
    hashed = [name for name, (_, found) in encoded.items() if found and found[0] == f"{name}#0"]
    if hashed:
        notes.remarks.append(
            f"the words of {listed(hashed)} of {side.table.path.name} became {N_HASHES} hashed"
            " features each"
        )
    if names:
        notes.remarks.append(f"{side.table.path.name}: {len(names):,} features of {what}")
    if unused:
        notes.remarks.append(f"no features from {listed(unused)} of {side.table.path.name}")
    notes.remarks += [f"{side.table.path.name}: {remark}" for remark in side.table.remarks]
    if side.title is None:
        return features, names, labels
    titles = [title or label for title, label in zip(aligned(side.title), labels, strict=True)]
    return features, names, titles


def _check_matches(
    what: str, side: SideTable, labels: list[str], known: Container[str], notes: Notes
) -> None:
    """Says how many of the log's ids a side table describes; raises ValueError for none."""
    without = [label for label in labels if label not in known]
    if not without:
        notes.remarks.append(f"{side.table.path.name} describes all {len(labels):,} {what}")
        return
    keys = side.table.ids(side.key)[0].to_list()
    plain = {plain_id(key): key for key in keys}
    alike = next((each for each in without if plain_id(each) in plain), None)
    example = f"{(alike or without[0])!r} in the log, {plain.get(plain_id(alike or ''), keys[0])!r}"
    text = f"describes {len(labels) - len(without):,} of {len(labels):,} {what} ({example} there)"
    if len(without) == len(labels):
        raise ValueError(
            f"{side.table.path} {text}; write the ids alike in both, or take the file away"
        )
    is_doubtful = alike is not None or 2 * len(without) > len(labels)
    (notes.doubts if is_doubtful else notes.remarks).append(
        f"{side.table.path.name} {text}; others have no features"
    )
