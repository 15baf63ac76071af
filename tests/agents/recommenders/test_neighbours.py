"""Compiled sparse products agree with dense ones, and never need to be dense."""

import math

import numpy as np
import pytest
from scipy import sparse

from recsim_env.agents.recommenders.neighbours import nearest, norms, rarity, sums, weighted


def a_matrix(n_rows, n_columns, seed, share=0.3):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < share)
    return sparse.csr_array(values.astype(np.float32))


def found_by_sorting(rows, others, n_nearest, shrinkage, is_same):
    """Returns (n, n_others), the cosines of the nearest, from all pairs."""
    product = rows @ others.T
    size = np.linalg.norm(rows, axis=1)[:, None] * np.linalg.norm(others, axis=1)
    cosine = product / (size + shrinkage)
    if is_same:
        np.fill_diagonal(cosine, 0.0)
    best = np.argsort(-cosine, axis=1)[:, :n_nearest]
    kept = np.zeros_like(cosine)
    np.put_along_axis(kept, best, np.take_along_axis(cosine, best, axis=1), axis=1)
    return np.maximum(kept, 0.0)


@pytest.mark.parametrize(("n_nearest", "shrinkage"), [(1, 0.5), (4, 0.5), (4, 20.0), (100, 0.5)])
@pytest.mark.parametrize("is_same", [False, True])
def test_nearest_are_those_of_highest_cosine(n_nearest, shrinkage, is_same):
    rows = a_matrix(30, 12, seed=1)
    others = rows if is_same else a_matrix(25, 12, seed=2)
    found = nearest(
        rows,
        others.T.tocsr(),
        norms(others),
        n_nearest=n_nearest,
        shrinkage=shrinkage,
        is_same=is_same,
    )
    expected = found_by_sorting(rows.toarray(), others.toarray(), n_nearest, shrinkage, is_same)
    assert np.diff(found.indptr).max() <= n_nearest
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-4, atol=1e-6)  # float32


def test_of_equally_near_ones_as_many_are_found_as_there_is_room():
    rows = sparse.csr_array(np.ones((6, 1), np.float32))
    found = nearest(rows, rows.T.tocsr(), norms(rows), n_nearest=3, shrinkage=0.0, is_same=True)
    assert (np.diff(found.indptr) == 3).all()
    assert (found.diagonal() == 0).all()


def test_empty_rows_have_no_neighbours():
    rows = sparse.csr_array((3, 5), dtype=np.float32)
    found = nearest(rows, rows.T.tocsr(), norms(rows), n_nearest=2, shrinkage=0.0)
    assert found.nnz == 0


def test_sums_are_entries_of_the_product():
    rows, others = a_matrix(9, 20, seed=3), a_matrix(20, 15, seed=4)
    product = rows.toarray() @ others.toarray()
    item = np.random.default_rng(0).integers(0, 15, (9, 6))
    np.testing.assert_allclose(sums(rows, others, None), product, atol=1e-5)
    wanted = np.take_along_axis(product, item, axis=1)
    np.testing.assert_allclose(sums(rows, others, item), wanted, atol=1e-5)


@pytest.mark.parametrize("weighting", ["tfidf", "bm25"])
def test_weights_are_those_of_the_formula(weighting):
    matrix = a_matrix(8, 5, seed=5)
    dense = matrix.toarray()
    lengths = abs(dense).sum(axis=1)
    found = weighted(matrix, weighting, rarity(matrix), lengths.mean()).toarray()
    for row, column in np.ndindex(dense.shape):
        value = dense[row, column]
        n_with = (dense[:, column] != 0).sum()
        if weighting == "bm25":
            length = 0.25 + 0.75 * lengths[row] / lengths.mean()
            value = value * 2.2 / (abs(value) + 1.2 * length)
        expected = value * math.log(1 + (8 - n_with + 0.5) / (n_with + 0.5))
        assert found[row, column] == pytest.approx(expected, rel=1e-5)
