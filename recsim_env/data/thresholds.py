"""The rows of people and items that have at least so many, and what to ask for where none are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.reading import asking

Ids = NDArray[np.int32]


def rows_of_many(user: Ids, item: Ids, *, min_user: int, min_item: int) -> NDArray[np.int64]:
    """Returns the rows of people and items that have at least so many of these rows.

    Items with fewer are taken out first, then people with fewer, and so on until all have enough.
    """
    rows = np.arange(len(user))
    n_left = -1
    while n_left != len(rows):
        n_left = len(rows)
        for ids, least in ((item, min_item), (user, min_user)):
            kept = ids[rows]
            rows = rows[np.bincount(kept, minlength=1)[kept] >= least]
    return rows


def thresholds_that_leave(user: Ids, item: Ids, *, min_user: int, min_item: int) -> str:
    """Returns which lower threshold of either kind would leave rows, where these leave none."""

    def left(of_user: int, of_item: int) -> NDArray[np.int64]:
        return rows_of_many(user, item, min_user=of_user, min_item=of_item)

    def choice(name: str, asked: int, rows_at: Callable[[int], NDArray[np.int64]]) -> str:
        most = _largest(lambda n: len(rows_at(n)) > 0, asked)
        return f"{asking(name, most)} leaves {_counted(user, item, rows_at(most))}" if most else ""

    choices = [
        choice("min_user", min_user, lambda n: left(n, min_item)),
        choice("min_item", min_item, lambda n: left(min_user, n)),
    ]
    choices = [each for each in choices if each]
    if not choices:
        most = _largest(lambda n: len(left(n, n)) > 0, max(min_user, min_item))
        both = f"{asking('min_user', most)} and {asking('min_item', most)}"
        choices.append(f"{both} leave {_counted(user, item, left(most, most))}")
    return ", ".join(choices)


def _counted(user: Ids, item: Ids, rows: NDArray[np.int64]) -> str:
    n_users, n_items = len(np.unique(user[rows])), len(np.unique(item[rows]))
    return f"{n_users:,} people and {n_items:,} items"


def _largest(leaves_rows: Callable[[int], bool], above: int) -> int:
    """Returns the largest number below one that leaves none at which rows are left, or 0."""
    low, high = 0, above
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if leaves_rows(middle) else (low, middle)
    return low
