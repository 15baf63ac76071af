"""Inverses of products of all pairs of items, which ridge regressions on items need."""

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from recsim_env.agents.recommenders.sparse_products import product

# Beyond so many items, numbers are in single precision, and made by blocks of columns.
_MOST_IN_DOUBLE, _BLOCK = 8_000, 512

# Of many items, how much longer a number of a sparse product takes than one of an inverse.
_SPARSE = 25


def inverse_gram(matrix: sparse.csr_array, regularization: float) -> np.ndarray:
    """Returns (XᵀX + r I)⁻¹, (n_items, n_items), by the smaller of the two inverses that give it.

    The other one is (I - Xᵀ (X Xᵀ + r I)⁻¹ X) / r, where X Xᵀ is people x people (Woodbury). Of
    many items it is in single precision, and made block by block, to take little memory.
    """
    n_people, n_items = matrix.shape
    if n_items > _MOST_IN_DOUBLE:
        return _inverse_in_single(sparse.csr_array(matrix, dtype=np.float32), regularization)
    if n_people >= n_items:
        gram = (matrix.T @ matrix).toarray()
        gram[np.diag_indices(n_items)] += regularization
        return np.linalg.inv(gram)
    gram = (matrix @ matrix.T).toarray()
    gram[np.diag_indices(n_people)] += regularization
    inverse = -(matrix.T @ (np.linalg.inv(gram) @ matrix))
    inverse[np.diag_indices(n_items)] += 1.0
    return np.asarray(inverse / regularization)


def _inverse_in_single(matrix: sparse.csr_array, regularization: float) -> np.ndarray:
    """Returns what `inverse_gram` does, in single precision, holding little besides."""
    n_people, n_items = matrix.shape
    columns = matrix.T.tocsr()
    if n_items**3 <= n_people**3 + _SPARSE * matrix.nnz * (n_people + n_items / 2):
        return _inverse_of_products(columns, matrix, regularization)
    small = _inverse_of_products(matrix, columns, regularization)
    strips = []
    for block in _slices(n_items):
        half = np.ascontiguousarray(product(columns[block], small).T)
        strips.append(product(columns[block.start :], half))
    del small, half  # before there is a number for every pair of items
    inverse = _joined(strips)
    inverse *= -1.0 / regularization
    inverse[np.diag_indices(n_items)] += 1.0 / regularization
    return inverse


def _joined(strips: list[np.ndarray]) -> np.ndarray:
    """Returns a symmetric matrix by its blocks of columns, from the diagonal down; empties them.

    It is filled from the last rows on, and each block let go once none of the rows above needs it:
    in memory there are never more numbers than the matrix has.
    """
    n = len(strips[0])
    blocks = _slices(n)
    matrix = np.empty((n, n), strips[0].dtype)
    for block in reversed(blocks):
        last = strips.pop()
        matrix[block, block.start :] = last.T
        matrix[block, block] = _symmetric(last[: last.shape[1]])
        for other, strip in zip(blocks, strips, strict=False):
            matrix[block, other] = strip[block.start - other.start : block.stop - other.start]
    return matrix


def _inverse_of_products(
    rows: sparse.csr_array, transposed: sparse.csr_array, regularization: float
) -> np.ndarray:
    """Returns (A Aᵀ + r I)⁻¹ in single precision, made in place by Cholesky."""
    gram = np.empty((rows.shape[0], rows.shape[0]), np.float32, order="F")
    for block in _slices(len(gram)):
        gram[block.start :, block] = (rows[block] @ transposed[:, block.start :]).toarray().T
    gram[np.diag_indices(len(gram))] += regularization
    gram, fault = lapack.spotrf(gram, lower=1, overwrite_a=1)
    if fault:
        raise ValueError(f"regularization={regularization:g} is too small here; raise it")
    gram, _ = lapack.spotri(gram, lower=1, overwrite_c=1)
    _mirror(gram)
    return gram.T  # the same, in the usual order


def _mirror(matrix: np.ndarray) -> None:
    """Writes the lower triangle of a matrix into the upper one."""
    for block in _slices(len(matrix)):
        matrix[block, block] = _symmetric(matrix[block, block])
        matrix[block, block.stop :] = matrix[block.stop :, block].T


def _symmetric(square: np.ndarray) -> np.ndarray:
    """Returns a square matrix whose upper triangle is the lower one."""
    half = np.tril(square)
    return np.asarray(half + np.tril(half, -1).T)


def _slices(n: int) -> list[slice]:
    """Returns blocks of rows, or of columns, that are worked on at a time."""
    return [slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK)]
