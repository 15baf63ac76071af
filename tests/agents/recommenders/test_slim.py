"""SLIM's weights are the regression that it says, and two that say the same share one."""

import numpy as np
import pytest
from scipy.optimize import nnls

from recsim_env.agents.recommenders.query import Query
from recsim_env.agents.recommenders.slim import SLIM
from recsim_env.agents.recommenders.user_vectors import restored
from tests.agents.recommenders.asking import fitted


def table_and_vectors(table_of, n_users=30, n_items=12):
    """Returns a random table with passes, and its user vectors."""
    rng = np.random.default_rng(2)
    pairs = rng.integers(0, (n_users, n_items, 3), (200, 3))
    table = table_of([(*pair, reward) for *pair, reward in pairs])
    weight, _ = table.evidence(1.0)
    vectors = np.zeros((n_users, n_items))
    np.add.at(vectors, (table.user, table.item), weight)
    return table, vectors


def exact_weights(vectors, l1, l2):
    """Returns W by least squares that are not negative, an active-set method.

    With L Lᵀ = XᵀX + l2 I over all items but i, |Lᵀ w - L⁻¹ (XᵀX_i - l1)|² is twice the objective.
    """
    n_items = vectors.shape[1]
    expected = np.zeros((n_items, n_items))
    for item in range(n_items):
        others = np.delete(vectors, item, axis=1)
        root = np.linalg.cholesky(others.T @ others + l2 * np.eye(n_items - 1))
        wanted = np.linalg.solve(root, others.T @ vectors[:, item] - l1)
        expected[np.arange(n_items) != item, item], _ = nnls(root.T, wanted)
    return expected


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.5), (0.5, 0.5), (1.0, 5.0), (0.2, 20.0)])
def test_weights_are_the_best_that_are_not_negative(table_of, l1, l2):
    table, vectors = table_and_vectors(table_of)
    model = fitted(SLIM, table, l1=l1, l2=l2)
    expected = exact_weights(vectors, l1, l2)
    found = restored("weights", model).toarray()
    np.testing.assert_allclose(found, expected, atol=1e-3)  # where descent ends
    assert (expected > 1e-2).any() and (found >= 0).all() and not np.diag(found).any()

    score = vectors @ found / np.abs(vectors).sum(axis=1, keepdims=True)
    everybody = Query.whole_catalogue(np.arange(len(vectors)))
    np.testing.assert_allclose(SLIM.affinity(model, everybody), score, atol=1e-6)


def test_two_items_that_say_the_same_share_the_weight_of_one(table_of):
    """Everybody who likes item 0 likes 1; half as many like 2, which nothing but these predict."""
    rows = [(user, item, 1) for user in range(40) for item in (0, 1, 2) if item < 2 or user % 2]
    rows += [(user, 3, 1) for user in range(40, 60)]
    weights = restored("weights", fitted(SLIM, table_of(rows), l1=0.1, l2=1.0)).toarray()
    assert weights[0, 2] == pytest.approx(weights[1, 2], abs=1e-3)
    assert weights[0, 2] + weights[1, 2] == pytest.approx(0.5, abs=0.02)
    assert not weights[3].any() and not weights[:, 3].any()


def test_the_larger_l1_the_fewer_weights(table_of):
    table, _ = table_and_vectors(table_of)
    counts = [fitted(SLIM, table, l1=l1)["weights_value"].size for l1 in (0.0, 0.5, 2.0, 1e4)]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 4 and counts[-1] == 0


def test_weights_are_held_by_some_l2(checkerboard):
    with pytest.raises(ValueError, match="l2=0.0 is not allowed"):
        SLIM(checkerboard(is_seen=False), l2=0)
