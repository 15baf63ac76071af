"""Products of matrices in compiled loops, against NumPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim_env.agents.networks.products import _interpreted, product

SIZES = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(n=SIZES, m=SIZES, k=SIZES, adds=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_products_are_those_of_numpy_and_nothing_else_is_written(n, m, k, adds, seed):
    """Of a transpose, too; around the result lies what must stay as it is."""
    rng = np.random.default_rng(seed)
    a, b, there = (rng.normal(size=size).astype(np.float32) for size in ((n, m), (m, k), (n, k)))
    around = np.full((n + 2, k), 7.0, np.float32)
    out = around[1:-1]
    expected = a.astype(float) @ b.astype(float) + (there if adds else 0.0)
    for left in (a, np.ascontiguousarray(a.T).T):
        for multiply in (product, _interpreted):
            out[:] = there
            multiply(left, b, out, adds)
            np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)
    assert (around[[0, -1]] == 7.0).all()


@pytest.mark.parametrize("columns", [3, 32, 45])
def test_infinite_numbers_in_a_row_beside_do_not_matter(columns):
    """A tile is wider than what is left of a row: beyond lies the next row."""
    rows = np.ones((2, columns), np.float32)
    rows[1] = np.inf
    out = np.empty((1, columns), np.float32)
    product(np.ones((1, 1), np.float32), rows[:1], out, False)
    assert (out == 1.0).all()
