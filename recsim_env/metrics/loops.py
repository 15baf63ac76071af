"""Loops over what was served that NumPy can only do step by step, compiled where they run first."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


def sums_before(
    slot: np.ndarray, is_first: np.ndarray, added: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Returns what was added in each visit before each of its rows, (m, d).

    Args:
      slot: (m,), whose row it is, in the order of time.
      is_first: (m,), whether a visit begins with it.
      added: (m, d).
      total: (n_slots, d), the sums of visits that go on, which are carried forward in place.
    """
    before = np.empty_like(added)
    _compiled(_sum)(slot, is_first, added, total, before)
    return before


def shared_counts(
    starts: np.ndarray, members: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Returns how many members pairs of sets have in common, (n_pairs,).

    Args:
      starts: (n_sets + 1,), where the members of each set begin.
      members: of all sets one after the other, in each in ascending order.
      first, second: (n_pairs,), indices of sets.
    """
    counts = np.empty(len(first), np.int64)
    _compiled(_count)(starts, members, first, second, counts)
    return counts


@functools.cache
def _compiled(loop: Any) -> Any:
    from recsim_env.compiler.kernel_cache import compiled  # Numba takes long to import

    return compiled(loop)


def _sum(slot: Any, is_first: Any, added: Any, total: Any, before: Any) -> None:
    for row in range(len(slot)):
        own = slot[row]
        for column in range(added.shape[1]):
            so_far = total.dtype.type(0) if is_first[row] else total[own, column]
            before[row, column] = so_far
            total[own, column] = so_far + added[row, column]


def _count(starts: Any, members: Any, first: Any, second: Any, counts: Any) -> None:
    for pair in range(len(first)):
        a, a_end = starts[first[pair]], starts[first[pair] + 1]
        b, b_end = starts[second[pair]], starts[second[pair] + 1]
        n = 0
        while a < a_end and b < b_end:
            if members[a] == members[b]:
                n += 1
                a += 1
                b += 1
            elif members[a] < members[b]:
                a += 1
            else:
                b += 1
        counts[pair] = n
