"""Linear models find hidden colours, know strangers by what they like, and are what they say."""

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.recommenders.knn import ItemKNN, UserKNN
from recsim_env.agents.recommenders.query import Query, nothing_recent
from recsim_env.agents.recommenders.slim import SLIM
from recsim_env.agents.recommenders.user_vectors import (
    EASE,
    PureSVD,
    UserVectors,
    scaled,
)
from tests.agents.recommenders.asking import asked, fitted

LINEAR = (UserKNN, ItemKNN, PureSVD, EASE, SLIM)

each_linear = pytest.mark.parametrize("kind", LINEAR)


def vector(table, user, recent=(), skip_weight=1.0):
    vectors = UserVectors.of_table(table, skip_weight=skip_weight)
    return vectors.asking(asked(user, recent=recent)).toarray()[0]


def test_a_user_vector_is_what_was_liked_less_what_was_passed_over(table_of):
    """Likes earn 1 and 3, so a typical one 2; two passes of three are person 0's."""
    table = table_of([(0, 0, 1), (0, 1, 3), (0, 2, 0), (0, 2, 0), (1, 3, 0)])
    against = 2.0 / 3.0
    assert vector(table, 0) == pytest.approx([0.5, 1.5, -2 * against, 0.0])
    assert vector(table, 1) == pytest.approx([0.0, 0.0, 0.0, -against])
    assert vector(table, 0, skip_weight=0.0) == pytest.approx([0.5, 1.5, 0.0, 0.0])
    assert not vector(table, -1).any()


def test_what_was_liked_in_this_session_is_liked_at_least_typically(table_of):
    table = table_of([(0, 0, 1), (0, 1, 3), (1, 2, 2)])
    assert vector(table, 0, recent=(0, 1, 2, 2)) == pytest.approx([1.0, 1.5, 1.0])
    assert vector(table, -1, recent=(2,)) == pytest.approx([0.0, 0.0, 1.0])


def test_what_was_passed_over_still_counts_once_something_is_liked_in_the_session(table_of):
    """Nor does what one person liked change the vector of another who asks beside them."""
    table = table_of([(0, 0, 1), (0, 1, 0), (0, 2, 0), (1, 2, 0), (1, 0, 1)])
    against = 2.0 / 3.0
    assert vector(table, 0, recent=(2,)) == pytest.approx([1.0, -against, 1.0])
    vectors = UserVectors.of_table(table, skip_weight=1.0)
    query = Query(user=np.array([0, 1]), item=None, recent=nothing_recent(2))
    query.recent[0, -1] = 2
    assert vectors.asking(query).toarray()[1] == pytest.approx([1.0, 0.0, -against])


def test_scaled_rows_have_sizes_that_sum_to_one_or_nothing(table_of):
    table = table_of([(0, 0, 1), (0, 1, 3), (0, 2, 0), (1, 2, 2)])
    vectors = UserVectors.of_table(table, skip_weight=1.0)
    query = Query.whole_catalogue(np.array([0, -1]))
    assert abs(scaled(vectors.asking(query))).sum(axis=1) == pytest.approx([1.0, 0.0])


def test_a_run_of_passes_alone_is_no_vector_without_their_weight(table_of):
    table = table_of([(0, 0, 1), (1, 0, 0)])
    assert UserVectors.of_table(table, skip_weight=0.0).matrix.nnz == 1


@each_linear
def test_finds_the_hidden_colours(kind, checkerboard, share_of_matches):
    """4,000 slates of two items over 60 people and 80 items; the checkerboard has rank two."""
    agent = kind(checkerboard(is_seen=False), seed=1).learn(4_000)
    uniform = make_agent("uniform", checkerboard(is_seen=False))
    people = checkerboard(500, is_seen=False)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4


@each_linear
def test_unseen_people_get_what_is_popular(kind, checkerboard, share_of_matches):
    """Of a million people who all like one colour, those who come now were never seen."""
    world = {"n_users": 1_000_000, "is_alike": True, "is_seen": False}
    agent = kind(checkerboard(**world), seed=1).learn(3_000)
    people = checkerboard(300, **world)
    observation, _ = people.reset(seed=10_000)
    assert np.isin(observation["user_id"], agent.model["user_ids"]).mean() < 0.05
    assert share_of_matches(agent, people) > 0.9


@each_linear
def test_strangers_are_known_by_what_they_like_in_their_session(kind, table_of):
    """People of even and of odd number like the items of their parity."""
    rows = [(user, item, 1) for user in range(20) for item in range(20) if (user + item) % 2 == 0]
    model = fitted(kind, table_of(rows))
    found = kind.affinity(model, asked(-1, range(20), recent=(3, 5)))[0]
    own = [item for item in range(1, 20, 2) if item not in (3, 5)]
    assert found[own].min() > found[0::2].max() + 0.005
    assert not kind.affinity(model, asked(-1, range(20))).any()


@each_linear
def test_all_of_the_catalogue_is_each_item_of_it(kind, table_of):
    rng = np.random.default_rng(0)
    rows = [(*pair, reward) for *pair, reward in rng.integers(0, (30, 25, 3), (300, 3))]
    model = fitted(kind, table_of(rows, n_users=40, n_items=30))
    user = np.arange(-1, 40)
    every = kind.affinity(model, Query.whole_catalogue(user))
    item = rng.integers(0, 30, (41, 7))
    some = kind.affinity(model, Query(user=user, item=item, recent=nothing_recent(41)))
    assert np.isfinite(every).all()
    np.testing.assert_allclose(some, np.take_along_axis(every, item, axis=1), atol=1e-6)


@each_linear
def test_items_never_met_suit_nobody_more_than_others(kind, table_of):
    table = table_of([(user, user % 2, 1) for user in range(10)], n_users=12, n_items=3)
    model = fitted(kind, table)
    found = kind.affinity(model, Query.whole_catalogue(np.arange(12)))
    assert found[:, 2] == pytest.approx(0.0, abs=1e-6)
    assert not found[10:].any()


@each_linear
def test_same_table_and_seed_give_the_same_bytes(kind, table_of):
    rng = np.random.default_rng(0)
    rows = [(*pair, 1) for pair in rng.integers(0, 30, (200, 2))]
    one, other = (fitted(kind, table_of(rows)) for _ in range(2))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)


@each_linear
def test_says_which_ids_it_needs(kind, checkerboard):
    with pytest.raises(UnsuitableScenario, match="set n_items and n_users$"):
        kind(checkerboard(n_users=0, n_items=0))


@each_linear
def test_weight_of_passes_is_not_below_zero(kind, checkerboard):
    with pytest.raises(ValueError, match="skip_weight=-1.0 is not allowed"):
        kind(checkerboard(is_seen=False), skip_weight=-1.0)


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


@pytest.mark.parametrize("kind", [EASE, SLIM])
def test_refuses_catalogues_whose_pairs_would_fill_the_memory(kind, checkerboard, table_of):
    told = r"14\.4 GB for 60,000 items; keep to 20,000 items or use item_knn$"
    with pytest.raises(UnsuitableScenario, match=told):
        kind(checkerboard(is_seen=False, n_items=60_000))
    with pytest.raises(ValueError, match=told):
        fitted(kind, table_of([(0, 0, 1)], n_items=60_000))


def test_regularization_is_above_zero(checkerboard):
    with pytest.raises(ValueError, match="regularization=0.0 is not allowed"):
        EASE(checkerboard(is_seen=False), regularization=0)
