"""Rows of the same person and item: how many there are, and which of them stands for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(pair: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Returns the different values, sorted.

    NumPy's `unique` hashes whole numbers, which takes many times as long where most are different.
    """
    ordered = np.sort(pair)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def n_repeats(user: NDArray[np.integer[Any]], item: NDArray[np.integer[Any]], n_items: int) -> int:
    """Returns how many rows repeat a user and an item that an earlier one has."""
    pair = user.astype(np.int64) * n_items + item
    return len(pair) - len(distinct(pair))


def one_per_pair(
    pair: NDArray[np.integer[Any]], time: NDArray[np.floating[Any]] | None, which: str
) -> NDArray[np.int64]:
    """Returns the position of one row for each pair, in the order of the rows.

    Args:
      pair: (n,), a number of the person and item of every row.
      time: (n,) or None. The place of a row decides among those of one moment, and without times.
      which: "first" or "last".
    """
    order = np.lexsort((pair,) if time is None else (time, pair))
    repeats = pair[order][1:] == pair[order][:-1]
    is_kept = np.append(True, ~repeats) if which == "first" else np.append(~repeats, True)
    return np.sort(order[is_kept])
