"""How much people consume the same: overlap of what they consumed, of the similar and of any."""

import numpy as np
from scipy import sparse

from recsim_env.metrics.loops import shared_counts

#: People of the most similar taste to whom each one is compared.
N_NEIGHBOURS = 10

#: Numbers of a block of similarities: 32 MiB.
_BLOCK = 2**22


def jaccard(consumed: sparse.csr_matrix, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the Jaccard index of pairs of people, (n_pairs,): shared over all that either has.

    NaN of pairs of whom neither consumed anything.

    Args:
      consumed: (n_people, n_items), 1 where a person consumed an item.
      first, second: (n_pairs,), indices of people.

    Source: Jaccard 1912, "The distribution of the flora in the alpine zone".
    """
    sizes = np.asarray(consumed.sum(axis=1)).ravel()
    shared = shared_counts(consumed.indptr, consumed.indices, first, second)
    either = sizes[first] + sizes[second] - shared
    return np.divide(shared, either, out=np.full(len(first), np.nan), where=either > 0)


def nearest(tastes: np.ndarray, n_neighbours: int = N_NEIGHBOURS) -> tuple[np.ndarray, np.ndarray]:
    """Returns each person and their nearest neighbours by cosine, as two arrays of indices.

    The neighbours of a person stand in no order.

    Args:
      tastes: (n_people, n), true tastes.
      n_neighbours: of each person; all others where there are fewer.
    """
    n = len(tastes)
    n_nearest = min(n_neighbours, n - 1)
    if n_nearest < 1:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    length = np.linalg.norm(tastes, axis=1, keepdims=True)
    unit = np.divide(tastes, length, out=np.zeros(tastes.shape), where=length > 0)
    found = np.empty((n, n_nearest), np.int64)
    rows = max(1, _BLOCK // n)
    for start in range(0, n, rows):
        similarity = unit[start : start + rows] @ unit.T
        block = np.arange(len(similarity))
        similarity[block, start + block] = -np.inf
        nearby = np.argpartition(-similarity, n_nearest - 1, axis=1)
        found[start : start + rows] = nearby[:, :n_nearest]
    return np.repeat(np.arange(n), n_nearest), found.ravel()


def anybody(n: int, n_others: int = N_NEIGHBOURS) -> tuple[np.ndarray, np.ndarray]:
    """Returns each of n people and those who came next, whoever they are, as two arrays.

    Who comes after whom is chance, so that these are random pairs, and the same for all agents.
    """
    first = np.repeat(np.arange(n), min(n_others, n - 1))
    step = np.tile(np.arange(1, min(n_others, n - 1) + 1), n)
    return first, (first + step) % max(1, n)


def mean_overlap(consumed: sparse.csr_matrix, pairs: tuple[np.ndarray, np.ndarray]) -> float:
    """Returns the mean Jaccard index of pairs, in [0, 1]; NaN where nobody consumed anything.

    Less that of the same pairs served by the oracle, it says how much more alike they are made than
    their tastes call for: homogenization.

    Source: Chaney, Stewart and Engelhardt 2018, "How algorithmic confounding in recommendation
      systems increases homogeneity and decreases utility".
    Differs: pairs are similar by true taste, not by what an algorithm takes for it, so that agents
      compare that know no such thing; several neighbours each, which spreads less.
    """
    indices = jaccard(consumed, *pairs)
    known = indices[~np.isnan(indices)]
    return float(known.mean()) if len(known) else np.nan
