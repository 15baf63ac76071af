"""Neighbours among items and people are found and asked by the formula, one after the other."""

import numpy as np
import pytest
from scipy import sparse

from recsim_env.agents.recommenders.knn import ItemKNN, UserKNN, _thinned
from recsim_env.agents.recommenders.query import Query
from tests.agents.recommenders.asking import fitted


@pytest.fixture
def table(table_of):
    rng = np.random.default_rng(2)
    return table_of(
        [(*pair, reward) for *pair, reward in rng.integers(0, (15, 12, 3), (100, 3))],
        n_users=15,
        n_items=12,
    )


def restated(vectors, neighbours, shrinkage):
    """Returns the affinity of everybody to everything, one item after the other."""
    n_items = vectors.shape[1]
    norms = np.sqrt((vectors**2).sum(axis=0))
    score = np.zeros(vectors.shape)
    for item in range(n_items):
        cosine = vectors[:, item] @ vectors / (norms[item] * norms + shrinkage)
        cosine[item] = 0.0
        near = [other for other in np.argsort(-cosine)[:neighbours] if cosine[other] > 0]
        score[:, near] += np.outer(vectors[:, item], cosine[near])
    return score / np.abs(vectors).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("neighbours", "shrinkage"), [(3, 0.5), (3, 10.0), (50, 0.5)])
def test_affinity_is_the_mean_similarity_to_the_user_vector(table, neighbours, shrinkage):
    settings = {"weighting": "none", "neighbours": neighbours, "shrinkage": shrinkage}
    model = fitted(ItemKNN, table, **settings)
    weight, _ = table.evidence(1.0)
    vectors = np.zeros((15, 12))
    np.add.at(vectors, (table.user, table.item), weight)
    found = ItemKNN.affinity(model, Query.whole_catalogue(np.arange(15)))
    expected = restated(vectors, neighbours, shrinkage)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)  # float32


def test_people_who_like_everything_say_little_where_people_are_weighed(table_of):
    """Items 0 and 1 share one person of taste, 0 and 2 one who likes all ten."""
    rows = [(0, item, 1) for item in (0, 1)] + [(1, item, 1) for item in (0, *range(2, 10))]
    rows += [(person, 9, 1) for person in range(2, 6)]
    similar = {}
    for weighting in ("none", "bm25"):
        model = fitted(ItemKNN, table_of(rows), weighting=weighting)
        similar[weighting] = ItemKNN.affinity(model, Query.whole_catalogue(np.array([0])))[0]
    assert similar["none"][1] == pytest.approx(similar["none"][2])
    assert similar["bm25"][1] > 1.2 * similar["bm25"][2]


@pytest.mark.parametrize(
    ("setting", "value"), [("neighbours", 0), ("shrinkage", -1.0), ("weighting", "idf")]
)
def test_settings_of_item_neighbours_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        ItemKNN(checkerboard(is_seen=False), **{setting: value})


@pytest.mark.parametrize(("neighbours", "shrinkage"), [(3, 0.5), (3, 10.0), (50, 0.5)])
def test_affinity_is_the_mean_opinion_of_the_neighbours(table, neighbours, shrinkage):
    model = fitted(UserKNN, table, neighbours=neighbours, shrinkage=shrinkage)
    weight, _ = table.evidence(1.0)
    vectors = np.zeros((15, 12))
    np.add.at(vectors, (table.user, table.item), weight)
    norms = np.sqrt((vectors**2).sum(axis=1))
    found = UserKNN.affinity(model, Query.whole_catalogue(np.arange(15)))
    for person in range(15):
        cosine = vectors @ vectors[person] / (norms[person] * norms + shrinkage)
        near = [other for other in np.argsort(-cosine)[:neighbours] if cosine[other] > 0]
        expected = cosine[near] @ vectors[near] / cosine[near].sum()
        np.testing.assert_allclose(found[person], expected, rtol=1e-4, atol=1e-5)  # float32


def test_what_everybody_likes_makes_nobody_alike_where_items_are_weighed(table_of):
    """Person 0 shares a rare item with person 1, and a common one with person 2."""
    rows = [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 2, 1), (2, 1, 1), (2, 3, 1)]
    rows += [(person, 1, 1) for person in range(3, 20)]
    ratio = []
    for weighting in ("none", "tfidf"):
        model = fitted(UserKNN, table_of(rows), weighting=weighting)
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
def test_settings_of_neighbours_among_people_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        UserKNN(checkerboard(is_seen=False), **{setting: value})
