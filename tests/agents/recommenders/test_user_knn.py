"""Neighbours among people are found and asked by the formula, one person after the other."""

import numpy as np
import pytest
from scipy import sparse

from recsim_env.agents.recommenders.recommender import Query
from recsim_env.agents.recommenders.user_knn import UserKNN, _thinned


@pytest.fixture
def table(table_of):
    rng = np.random.default_rng(2)
    return table_of(
        [(*pair, reward) for *pair, reward in rng.integers(0, (15, 12, 3), (100, 3))],
        n_users=15,
        n_items=12,
    )


@pytest.mark.parametrize(("neighbours", "shrinkage"), [(3, 0.5), (3, 10.0), (50, 0.5)])
def test_affinity_is_the_mean_opinion_of_the_neighbours(table, neighbours, shrinkage):
    settings = {**UserKNN.defaults, "neighbours": neighbours, "shrinkage": shrinkage}
    model = UserKNN.fit_table(table, settings, seed=0)
    weight, _ = table.evidence(settings["skip_weight"])
    profiles = np.zeros((15, 12))
    np.add.at(profiles, (table.user, table.item), weight)
    norms = np.sqrt((profiles**2).sum(axis=1))
    found = UserKNN.affinity(model, Query.whole_catalogue(np.arange(15)))
    for person in range(15):
        cosine = profiles @ profiles[person] / (norms[person] * norms + shrinkage)
        near = [other for other in np.argsort(-cosine)[:neighbours] if cosine[other] > 0]
        expected = cosine[near] @ profiles[near] / cosine[near].sum()
        np.testing.assert_allclose(found[person], expected, rtol=1e-4, atol=1e-5)  # float32


def test_what_everybody_likes_makes_nobody_alike_where_items_are_weighed(table_of):
    """Person 0 shares a rare item with person 1, and a common one with person 2."""
    rows = [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 2, 1), (2, 1, 1), (2, 3, 1)]
    rows += [(person, 1, 1) for person in range(3, 20)]
    ratio = []
    for weighting in ("none", "tfidf"):
        settings = {**UserKNN.defaults, "weighting": weighting}
        model = UserKNN.fit_table(table_of(rows), settings, seed=0)
        found = UserKNN.affinity(model, Query.whole_catalogue(np.array([0])))[0]
        ratio.append(found[2] / found[3])
    assert ratio[0] == pytest.approx(1.0)
    assert ratio[1] > 2.0


def test_of_many_likers_an_even_sample_is_asked():
    matrix = sparse.csr_array(np.arange(1.0, 31.0).reshape(3, 10) * [[1], [0], [1]])
    assert (_thinned(matrix, 10) != matrix).nnz == 0
    thin = _thinned(matrix, 4)
    assert np.diff(thin.indptr).tolist() == [4, 0, 4]
    assert np.diff(thin.indices[:4]).tolist() in ([2, 3, 2], [3, 2, 3])
    assert (thin.multiply(matrix != 0) != thin).nnz == 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [("neighbours", 0), ("likers", 0), ("shrinkage", -1.0), ("weighting", "idf")],
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        UserKNN(checkerboard(is_seen=False), **{setting: value})
