"""Metrics of ranked lists: how much they hold of what people went on to like, and what they show.

Lists are (n, k) item ids, best first, -1 where a list is shorter; `is_hit`, of the same shape, says
which of them the person went on to like, and `n_relevant`, (n,), how many they could have held.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]


def top_k(scores: NDArray[np.floating[Any]], k: int, rng: np.random.Generator) -> Integers:
    """Returns the positions of the k best scores of each row, best first, ties in random order.

    Rows are not sorted, so a row of n takes O(n).

    Args:
      scores: (n, n_candidates); -inf is never chosen.
      k: how many, at most n_candidates.
      rng: breaks ties.

    Returns:
      (n, k) positions; -1 where too few are more than -inf.
    """
    n, n_candidates = scores.shape
    threshold = np.partition(scores, n_candidates - k, axis=1)[:, n_candidates - k]
    row, column = np.nonzero(scores >= threshold[:, None])  # k of each row, and those that tie
    n_found = np.bincount(row, minlength=n)
    place = np.arange(len(row)) - (np.cumsum(n_found) - n_found)[row]
    key = np.full((n, n_found.max(initial=0)), np.inf)
    key[row, place] = np.where(scores[row, column] > threshold[row], -1.0, rng.random(len(row)))
    found = np.zeros(key.shape, np.int64)
    found[row, place] = column
    chosen = np.take_along_axis(found, np.argpartition(key, k - 1, axis=1)[:, :k], axis=1)
    score = np.take_along_axis(scores, chosen, axis=1)
    order = np.lexsort((rng.random((n, k)), -score))
    chosen = np.take_along_axis(chosen, order, axis=1)
    return np.where(np.take_along_axis(score, order, axis=1) > -np.inf, chosen, -1)


def hit_rate(is_hit: NDArray[np.bool_]) -> Floats:
    """Returns (n,), 1 where a list holds anything relevant."""
    return np.asarray(is_hit.any(axis=1), np.float64)


def precision(is_hit: NDArray[np.bool_]) -> Floats:
    """Returns (n,), the share of a list's k places that are relevant."""
    return np.asarray(is_hit.mean(axis=1))


def recall(is_hit: NDArray[np.bool_], n_relevant: Integers) -> Floats:
    """Returns (n,), the share of what is relevant that a list holds."""
    return np.asarray(is_hit.sum(axis=1) / n_relevant)


def reciprocal_rank(is_hit: NDArray[np.bool_]) -> Floats:
    """Returns (n,), one over the place of the first hit; 0 where there is none."""
    return np.where(is_hit.any(axis=1), 1.0 / (1.0 + is_hit.argmax(axis=1)), 0.0)


def ndcg(is_hit: NDArray[np.bool_], n_relevant: Integers) -> Floats:
    """Returns (n,), the discounted gain of each list over that of the best list of its length.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques"; gain 1
      for what is relevant, discount log2(1 + place).
    """
    discount = 1.0 / np.log2(np.arange(2, is_hit.shape[1] + 2))
    best = np.append(0.0, np.cumsum(discount))[np.minimum(n_relevant, len(discount))]
    return np.asarray(is_hit @ discount / best)


def novelty(lists: Integers, n_consumers: Integers, n_people: int) -> Floats:
    """Returns (n,), the mean surprise of a list's items in bits: -log2 of the share who had them.

    Args:
      lists: (n, k).
      n_consumers: (n_items,), how many people had each item.
      n_people: how many there are.

    Source: Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender
      systems".
    Differs: one more person is counted, who had everything; so an item nobody had is finite.
    """
    surprise = -np.log2((np.append(n_consumers, 0) + 1.0) / (n_people + 1.0))
    is_filled = lists >= 0
    total = np.where(is_filled, surprise[lists], 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(is_filled.sum(axis=1), 1))


def intra_list_diversity(lists: Integers, features: NDArray[np.floating[Any]]) -> Floats:
    """Returns (n,), 1 - the mean cosine of the features of two items of a list.

    An item without any feature resembles none. A list of fewer than two items has diversity 0.

    Args:
      lists: (n, k).
      features: (n_items, F).

    Source: Ziegler et al. 2005, "Improving recommendation lists through topic diversification".
    """
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(length > 0, length, 1.0)
    direction = unit[lists] * (lists >= 0)[:, :, None]
    n = (lists >= 0).sum(axis=1)
    # The squared sum of unit vectors is the sum of all cosines, those of items with themselves too.
    own = (direction**2).sum(axis=(1, 2))
    pairs = n * (n - 1)
    cosines = (direction.sum(axis=1) ** 2).sum(axis=1) - own
    return np.where(pairs > 0, 1.0 - cosines / np.maximum(pairs, 1), 0.0)


def exposure(lists: Integers, n_items: int) -> NDArray[np.int64]:
    """Returns (n_items,), in how many lists each item is."""
    return np.bincount(lists[lists >= 0], minlength=n_items)


def coverage(exposures: Integers) -> float:
    """Returns the share of the catalogue that is in any list."""
    return float((exposures > 0).mean())


def gini(counts: NDArray[Any]) -> float:
    """Returns how unequal counts are: 0 when all are equal, near 1 when one has everything.

    Source: Gini 1912; the formula by ranks, sum_k (2k - n - 1) x_k / (n sum x) for sorted x.
    """
    ordered = np.sort(np.asarray(counts, np.float64))
    n = len(ordered)
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * ordered.sum()))
