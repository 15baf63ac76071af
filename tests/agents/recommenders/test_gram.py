"""Inverses of products of items are the same by every way to them."""

import numpy as np
import pytest
from scipy import sparse

from recsim_env.agents.recommenders import gram
from recsim_env.agents.recommenders.gram import inverse_gram
from recsim_env.agents.recommenders.sparse_products import product, product_at


@pytest.mark.parametrize("shape", [(7, 30), (30, 7)])
def test_fewer_people_than_items_give_the_same_inverse(shape):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=shape) * (rng.random(shape) < 0.4)
    found = inverse_gram(sparse.csr_array(vectors), 3.0)
    assert found == pytest.approx(np.linalg.inv(vectors.T @ vectors + 3.0 * np.eye(shape[1])))


@pytest.mark.parametrize("shape", [(7, 30), (30, 7), (30, 23)])
def test_inverses_of_many_items_are_the_same_but_for_rounding(shape, monkeypatch):
    rng = np.random.default_rng(0)
    vectors = sparse.csr_array(rng.normal(size=shape) * (rng.random(shape) < 0.4))
    wanted = inverse_gram(vectors, 3.0)
    monkeypatch.setattr(gram, "_MOST_IN_DOUBLE", 0)
    monkeypatch.setattr(gram, "_BLOCK", 5)
    found = inverse_gram(vectors, 3.0)
    assert found.dtype == np.float32 and found.flags.c_contiguous
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_compiled_products_are_those_of_scipy():
    rng = np.random.default_rng(0)
    rows = sparse.csr_array(rng.normal(size=(9, 40)) * (rng.random((9, 40)) < 0.3), dtype="f4")
    dense = rng.normal(size=(40, 30)).astype(np.float32)
    columns = rng.integers(30, size=(9, 5))
    np.testing.assert_allclose(product(rows, dense), rows @ dense, rtol=1e-5, atol=1e-5)
    some = np.take_along_axis(rows @ dense, columns, axis=1)
    np.testing.assert_allclose(product_at(rows, dense, columns), some, rtol=1e-5, atol=1e-5)
