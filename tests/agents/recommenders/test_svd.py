"""Truncated singular vectors are the exact ones, also where there are hardly any."""

import numpy as np
import pytest

from recsim_env.agents.recommenders.query import Query
from recsim_env.agents.recommenders.svd import PureSVD
from tests.agents.recommenders.asking import fitted


def affinity(table, **settings):
    """Returns the affinity of everybody to everything, and the vectors."""
    model = fitted(PureSVD, table, seed=4, **settings)
    weight, _ = table.evidence(1.0)
    vectors = np.zeros((table.n_users, table.n_items))
    np.add.at(vectors, (table.user, table.item), weight)
    people = Query.whole_catalogue(np.arange(table.n_users))
    return PureSVD.affinity(model, people), vectors


@pytest.mark.parametrize("factors", [1, 3, 7, 40])
def test_affinity_is_the_user_vector_in_the_space_of_the_largest_factors(table_of, factors):
    rng = np.random.default_rng(2)
    rows = [(*pair, reward) for *pair, reward in rng.integers(0, (15, 12, 3), (100, 3))]
    found, vectors = affinity(table_of(rows), factors=factors)
    _, _, axes = np.linalg.svd(vectors)
    smoothed = vectors @ axes[:factors].T @ axes[:factors]
    expected = smoothed / np.abs(vectors).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)  # float32


@pytest.mark.parametrize("factors", [1, 2, 3, 4, 5])
def test_factors_that_are_not_there_add_nothing(table_of, factors):
    """Two groups with nothing in common: rank two, so everything is known from two factors."""
    rows = [(user, item, 1) for user in range(6) for item in range(6) if (user + item) % 2 == 0]
    found, vectors = affinity(table_of(rows), factors=factors)
    assert np.isfinite(found).all()
    if factors >= 2:
        np.testing.assert_allclose(found, vectors / 3.0, atol=1e-6)


def test_one_item_is_a_catalogue(table_of):
    found, _ = affinity(table_of([(0, 0, 1), (1, 0, 1)]))
    assert found == pytest.approx(1.0)


def test_factors_are_at_least_one(checkerboard):
    with pytest.raises(ValueError, match="factors=0 is not allowed"):
        PureSVD(checkerboard(is_seen=False), factors=0)
