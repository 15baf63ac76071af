"""Rows of the same person and item: which of them stands for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
