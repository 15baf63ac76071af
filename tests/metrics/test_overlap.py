"""Overlap of what people consume, against sets in plain Python."""

import itertools
import math

import numpy as np
from scipy import sparse

from recsim_env.metrics.overlap import anybody, jaccard, mean_overlap, nearest


def _random_sets(n_people=12, n_items=9, seed=0):
    rng = np.random.default_rng(seed)
    consumed = rng.random((n_people, n_items)) < rng.random((n_people, 1))
    return consumed, [set(np.flatnonzero(row).tolist()) for row in consumed]


def test_jaccard_equals_that_of_sets():
    consumed, sets = _random_sets()
    pairs = np.array(list(itertools.permutations(range(12), 2)))
    found = jaccard(sparse.csr_matrix(consumed.astype(float)), pairs[:, 0], pairs[:, 1])
    for (a, b), index in zip(pairs, found, strict=True):
        either = sets[a] | sets[b]
        assert index == len(sets[a] & sets[b]) / len(either) if either else math.isnan(index)


def test_neighbours_are_the_nearest_by_cosine():
    tastes = np.random.default_rng(1).normal(size=(30, 4))
    first, second = nearest(tastes, 3)
    for person in range(30):
        cosine = tastes @ tastes[person] / np.linalg.norm(tastes, axis=1)
        cosine[person] = -np.inf
        own = second[first == person]
        assert sorted(own) == sorted(np.argsort(-cosine)[:3])


def test_neighbours_of_few_people_are_all_others():
    first, second = nearest(np.eye(3))
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == list(
        itertools.permutations(range(3), 2)
    )
    assert len(nearest(np.ones((1, 2)))[0]) == 0


def test_neighbours_do_not_depend_on_the_length_of_tastes():
    tastes = np.random.default_rng(2).normal(size=(20, 3))
    length = np.linspace(0.1, 5, 20)[:, None]
    alike = (
        np.sort(each[1].reshape(20, -1)) for each in (nearest(tastes), nearest(length * tastes))
    )
    np.testing.assert_array_equal(*alike)


def test_anybody_is_everybody_in_turn_and_never_oneself():
    first, second = anybody(7, 3)
    assert (first != second).all()
    assert np.bincount(second).tolist() == [3] * 7
    assert len(anybody(1)[0]) == 0


def test_who_all_consume_the_same_overlap_wholly_and_who_share_nothing_not_at_all():
    same, apart = sparse.csr_matrix(np.ones((4, 3))), sparse.csr_matrix(np.eye(4))
    assert mean_overlap(same, anybody(4)) == 1.0
    assert mean_overlap(apart, anybody(4)) == 0.0
    assert math.isnan(mean_overlap(sparse.csr_matrix((4, 3)), anybody(4)))
