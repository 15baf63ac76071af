"""Nearest rows of a sparse matrix, and sums over them, without ever holding all pairs."""

import numpy as np
from scipy import sparse

from recsim_env.compiler.kernel_cache import compiled

WEIGHTINGS = ("none", "tfidf", "bm25")

# Okapi's usual constants: how soon repetition stops to count, and how much length is made up for.
_SATURATION, _LENGTH = 1.2, 0.75

#: A sparse matrix as compiled code takes it: where rows start, columns, values.
Parts = tuple[np.ndarray, np.ndarray, np.ndarray]


def rarity(corpus: sparse.csr_array) -> np.ndarray:
    """Returns ln(1 + (N - n + 1/2) / (n + 1/2)) of every column, which n of N rows have."""
    n_rows, n_columns = corpus.shape
    n_with = np.bincount(corpus.indices, minlength=n_columns)
    return np.asarray(np.log1p((n_rows - n_with + 0.5) / (n_with + 0.5)))


def weighted(
    matrix: sparse.csr_array, weighting: str, column_rarity: np.ndarray, mean_length: float
) -> sparse.csr_array:
    """Returns rows whose entries say how much a column tells of the row.

    What many rows have tells little: "tfidf" multiplies entries by the rarity of their column.
    "bm25" also lets large entries, and those of long rows, count less; with l the row's length over
    the mean, an entry v becomes v (1 + 1.2) / (|v| + 1.2 (1/4 + 3/4 l)) times the rarity.

    Args:
      matrix: (n_rows, n_columns).
      weighting: one of WEIGHTINGS.
      column_rarity: (n_columns,), see `rarity`.
      mean_length: of rows, as the sum of |v|.

    Source: Robertson and Zaragoza 2009, "The probabilistic relevance framework: BM25 and beyond".
    """
    if weighting == "none":
        return matrix
    value = matrix.data
    if weighting == "bm25":
        length = np.asarray(abs(matrix).sum(axis=1)) / mean_length
        half = _SATURATION * (1.0 - _LENGTH + _LENGTH * length)
        value = value * (_SATURATION + 1.0) / (abs(value) + np.repeat(half, np.diff(matrix.indptr)))
    value = (value * column_rarity[matrix.indices]).astype(np.float32)
    return sparse.csr_array((value, matrix.indices, matrix.indptr), shape=matrix.shape)


def norms(matrix: sparse.csr_array) -> np.ndarray:
    """Returns the Euclidean norm of every row."""
    squares = sparse.csr_array(
        (matrix.data.astype(np.float64) ** 2, matrix.indices, matrix.indptr), shape=matrix.shape
    )
    return np.sqrt(np.asarray(squares.sum(axis=1)))


def nearest(
    rows: sparse.csr_array,
    others: sparse.csr_array,
    other_norm: np.ndarray,
    *,
    n_nearest: int,
    shrinkage: float,
    is_same: bool = False,
) -> sparse.csr_array:
    """Returns, for each row, the others b of highest cosine a·b / (|a| |b| + shrinkage).

    Time O(products of two entries that meet), memory O(n_nearest) a row.

    Args:
      rows: (n, n_columns).
      others: (n_columns, n_others), those who are looked through, transposed.
      other_norm: (n_others,), |b|.
      n_nearest: how many at most; only positive cosines count.
      shrinkage: lowers the cosines of rows that have little in common, 0 or more.
      is_same: whether row j and other j are the same, and so no neighbours.

    Returns:
      (n, n_others) with at most `n_nearest` entries a row.
    """
    n_found, column, cosine = _nearest(
        _parts(rows), _parts(others), norms(rows), other_norm, n_nearest, shrinkage, is_same
    )
    is_found = np.arange(n_nearest) < n_found[:, None]
    start = np.append(0, np.cumsum(n_found))
    shape = (rows.shape[0], others.shape[1])
    return sparse.csr_array((cosine[is_found], column[is_found], start), shape=shape)


def sums(rows: sparse.csr_array, others: sparse.csr_array, item: np.ndarray | None) -> np.ndarray:
    """Returns the wanted entries of the product of two sparse matrices.

    Args:
      rows: (n, m).
      others: (m, n_items).
      item: (n, n_candidates), the columns wanted of each row, or None for all.

    Returns:
      (n, n_candidates) or (n, n_items).
    """
    if item is None:
        return np.asarray((rows @ others).toarray())
    return np.asarray(_sums(_parts(rows), _parts(others), others.shape[1], item))


def _parts(matrix: sparse.csr_array) -> Parts:
    """Returns the parts of a sparse matrix in types that are compiled for once."""
    return (
        matrix.indptr.astype(np.int64, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data.astype(np.float32, copy=False),
    )


@compiled
def _add_row(
    row: int,
    rows: Parts,
    others: Parts,
    place: np.ndarray,
    touched: np.ndarray,
    total: np.ndarray,
) -> int:
    """Finds the entries of a row of the product, and returns how many they are.

    Their columns are in `touched`, their values in `total`, in one order; `place` says where a
    column is, or -1. Only `place` is scattered over memory, the others stay in the cache.
    """
    start, column, value = rows
    other_start, other_column, other_value = others
    n_touched = 0
    for entry in range(start[row], start[row + 1]):
        middle = column[entry]
        for other in range(other_start[middle], other_start[middle + 1]):
            target = other_column[other]
            if place[target] < 0:
                place[target], touched[n_touched], total[n_touched] = n_touched, target, 0.0
                n_touched += 1
            total[place[target]] += value[entry] * other_value[other]
    return n_touched


@compiled
def _sums(rows: Parts, others: Parts, n_columns: int, item: np.ndarray) -> np.ndarray:
    """Returns the product at the wanted columns of each row."""
    place = np.full(n_columns, -1, np.int32)
    touched, total = np.empty(n_columns, np.int32), np.empty(n_columns)
    found = np.zeros(item.shape)
    for row in range(len(item)):
        n_touched = _add_row(row, rows, others, place, touched, total)
        for candidate in range(item.shape[1]):
            at = place[item[row, candidate]]
            if at >= 0:
                found[row, candidate] = total[at]
        place[touched[:n_touched]] = -1
    return found


@compiled
def _in_order(values: np.ndarray, place: int) -> float:
    """Returns which value would be at a place if all were sorted, having moved them about.

    np.partition does the same, but takes Numba ten seconds to compile.

    Source: Hoare 1961, "Algorithm 65: find".
    """
    low, high = 0, len(values) - 1
    while low < high:
        pivot, left, right = values[(low + high) // 2], low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left, right = left + 1, right - 1
        if place <= right:
            high = right
        elif place >= left:
            low = left
        else:
            break
    return values[place]


@compiled
def _nearest(
    rows: Parts,
    others: Parts,
    row_norm: np.ndarray,
    other_norm: np.ndarray,
    n_nearest: int,
    shrinkage: float,
    is_same: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns how many neighbours each row has, which they are, and their cosines."""
    n, n_others = len(row_norm), len(other_norm)
    place = np.full(n_others, -1, np.int32)
    touched, cosine = np.empty(n_others, np.int32), np.empty(n_others)
    n_found = np.zeros(n, np.int64)
    found, found_cosine = np.empty((n, n_nearest), np.int32), np.empty((n, n_nearest), np.float32)
    for row in range(n):
        n_touched = _add_row(row, rows, others, place, touched, cosine)
        for at in range(n_touched):
            other = touched[at]
            cosine[at] /= row_norm[row] * other_norm[other] + shrinkage
            if is_same and other == row:
                cosine[at] = 0.0
            place[other] = -1
        least = 0.0
        if n_touched > n_nearest:
            least = max(least, _in_order(cosine[:n_touched].copy(), n_touched - n_nearest))
        for is_tie in (False, True):  # those above the least, then of those equal as many as fit
            for at in range(n_touched):
                fits = cosine[at] == least if is_tie else cosine[at] > least
                if fits and cosine[at] > 0.0 and n_found[row] < n_nearest:
                    found[row, n_found[row]] = touched[at]
                    found_cosine[row, n_found[row]] = cosine[at]
                    n_found[row] += 1
    return n_found, found, found_cosine
