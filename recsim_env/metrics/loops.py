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
      members: of all sets one after the other, numbers of 0 or more.
      first, second: (n_pairs,), indices of sets; quickest where pairs of one first set follow each
        other.
    """
    counts = np.empty(len(first), np.int64)
    is_member = np.zeros(int(members.max(initial=-1)) + 1, np.uint8)
    _compiled(_count)(starts, members, first, second, is_member, counts)
    return counts


def slate_sums(
    vectors: np.ndarray, kind: np.ndarray, is_counted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the sum of the vectors of each slate, (m, d), and of their squared lengths, (m,).

    Args:
      vectors: (n, d) float32.
      kind: (m, k), rows of them; any where a place does not count.
      is_counted: (m, k), bool.
    """
    total = np.empty((len(kind), vectors.shape[1]), vectors.dtype)
    squares = np.empty(len(kind), vectors.dtype)
    _compiled(_add_up)(vectors, kind, is_counted, total, squares)
    return total, squares


def slate_ranges(vectors: np.ndarray, kind: np.ndarray, is_counted: np.ndarray) -> np.ndarray:
    """Returns the mean over columns of the largest less the smallest number of a slate, (m,).

    Args:
      vectors, kind, is_counted: as of `slate_sums`; NaN where fewer than two places count.
    """
    found = np.empty(len(kind))
    _compiled(_range)(vectors, kind, is_counted, found)
    return found


def slate_likeness(vectors: np.ndarray, kind: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the inner product of each item of a slate and the slate's other vector, (m, k).

    Args:
      vectors, kind: as of `slate_sums`.
      others: (m, d).
    """
    found = np.empty(kind.shape, vectors.dtype)
    _compiled(_multiply)(vectors, kind, others, found)
    return found


def slate_means(values: np.ndarray, is_counted: np.ndarray) -> np.ndarray:
    """Returns the mean over the places that count, (m,); NaN where none does."""
    found = np.empty(len(values))
    _compiled(_average)(values, is_counted, found)
    return found


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


def _count(starts: Any, members: Any, first: Any, second: Any, is_member: Any, counts: Any) -> None:
    marked = -1  # the set whose members are marked
    for pair in range(len(first)):
        if first[pair] != marked:
            if marked >= 0:
                for place in range(starts[marked], starts[marked + 1]):
                    is_member[members[place]] = 0
            marked = first[pair]
            for place in range(starts[marked], starts[marked + 1]):
                is_member[members[place]] = 1
        n = 0
        for place in range(starts[second[pair]], starts[second[pair] + 1]):
            n += is_member[members[place]]
        counts[pair] = n


def _add_up(vectors: Any, kind: Any, is_counted: Any, total: Any, squares: Any) -> None:
    for row in range(kind.shape[0]):
        total[row] = 0
        square = vectors.dtype.type(0)
        for place in range(kind.shape[1]):
            if is_counted[row, place]:
                own = vectors[kind[row, place]]
                for column in range(len(own)):
                    total[row, column] += own[column]
                    square += own[column] * own[column]
        squares[row] = square


def _range(vectors: Any, kind: Any, is_counted: Any, found: Any) -> None:
    d = vectors.shape[1]
    lowest, highest = np.empty(d, vectors.dtype), np.empty(d, vectors.dtype)
    for row in range(kind.shape[0]):
        lowest[:], highest[:] = np.inf, -np.inf
        n = 0
        for place in range(kind.shape[1]):
            if is_counted[row, place]:
                own = vectors[kind[row, place]]
                n += 1
                for column in range(d):
                    lowest[column] = min(lowest[column], own[column])
                    highest[column] = max(highest[column], own[column])
        found[row] = np.mean(highest - lowest) if n > 1 else np.nan


def _multiply(vectors: Any, kind: Any, others: Any, found: Any) -> None:
    for row in range(kind.shape[0]):
        for place in range(kind.shape[1]):
            own, product = vectors[kind[row, place]], vectors.dtype.type(0)
            for column in range(len(own)):
                product += own[column] * others[row, column]
            found[row, place] = product


def _average(values: Any, is_counted: Any, found: Any) -> None:
    for row in range(values.shape[0]):
        total, n = 0.0, 0
        for place in range(values.shape[1]):
            if is_counted[row, place]:
                total += values[row, place]
                n += 1
        found[row] = total / n if n else np.nan
