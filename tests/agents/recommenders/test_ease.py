"""EASE is the regression it says, item by item, and refuses what it cannot hold."""

import numpy as np
import pytest
from scipy import sparse

from recsim_env.agents import UnsuitableScenario
from recsim_env.agents.recommenders.ease import EASE, inverse_gram
from recsim_env.agents.recommenders.query import Query
from tests.agents.recommenders.asking import fitted


def test_weights_are_the_ridge_regression_of_each_item_on_the_others(table_of):
    rng = np.random.default_rng(2)
    rows = [(*pair, reward) for *pair, reward in rng.integers(0, (15, 12, 3), (100, 3))]
    table = table_of(rows)
    model = fitted(EASE, table, regularization=2.0)
    weight, _ = table.evidence(1.0)
    vectors = np.zeros((15, 12))
    np.add.at(vectors, (table.user, table.item), weight)
    expected = np.zeros((12, 12))
    for item in range(12):
        others = np.delete(vectors, item, axis=1)
        fit = np.linalg.solve(others.T @ others + 2.0 * np.eye(11), others.T @ vectors[:, item])
        expected[np.arange(12) != item, item] = fit
    np.testing.assert_allclose(model["weights"], expected, atol=1e-6)
    found = EASE.affinity(model, Query.whole_catalogue(np.arange(15)))
    score = vectors @ expected / np.abs(vectors).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, score, atol=1e-6)


def test_refuses_catalogues_whose_weights_would_fill_the_memory(checkerboard, table_of):
    told = r"14\.4 GB for 60,000 items; keep to 20,000 items or use item_knn$"
    with pytest.raises(UnsuitableScenario, match=told):
        EASE(checkerboard(is_seen=False, n_items=60_000))
    with pytest.raises(ValueError, match=told):
        fitted(EASE, table_of([(0, 0, 1)], n_items=60_000))


def test_regularization_is_above_zero(checkerboard):
    with pytest.raises(ValueError, match="regularization=0.0 is not allowed"):
        EASE(checkerboard(is_seen=False), regularization=0)


@pytest.mark.parametrize("shape", [(7, 30), (30, 7)])
def test_fewer_people_than_items_give_the_same_inverse(shape):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=shape) * (rng.random(shape) < 0.4)
    found = inverse_gram(sparse.csr_array(vectors), 3.0)
    assert found == pytest.approx(np.linalg.inv(vectors.T @ vectors + 3.0 * np.eye(shape[1])))
