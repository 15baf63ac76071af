"""Metrics of lists, against definitions written out item by item."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsim_env.data import ranking_metrics as metrics


@given(data=st.data())
def test_top_k_is_a_full_sort_up_to_ties(data):
    n_candidates = data.draw(st.integers(1, 12))
    k = data.draw(st.integers(1, n_candidates))
    levels = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0])
    row = st.lists(levels, min_size=n_candidates, max_size=n_candidates)
    scores = np.array(data.draw(st.lists(row, min_size=1, max_size=5)))
    chosen = metrics.top_k(scores, k, np.random.default_rng(0))
    for given_scores, places in zip(scores, chosen, strict=True):
        best = np.sort(given_scores)[::-1][:k]
        filled = places[places >= 0]
        assert len(set(filled)) == len(filled)
        assert given_scores[filled].tolist() == best[best > -np.inf].tolist()
        assert (places[len(filled) :] == -1).all()


def test_ties_are_broken_evenly():
    """Of five items, two tie for the last of two places below one that is clear: 10,000 rows."""
    scores = np.tile([1.0, 0.0, 0.0, 0.0, -1.0], (10_000, 1))
    chosen = metrics.top_k(scores, 2, np.random.default_rng(0))
    assert (chosen[:, 0] == 0).all()
    shares = np.bincount(chosen[:, 1], minlength=5) / 10_000
    assert shares[[0, 4]].tolist() == [0, 0]
    assert shares[1:4] == pytest.approx(1 / 3, abs=5 * math.sqrt(2 / 9 / 10_000))


def test_ties_within_the_list_are_broken_evenly():
    chosen = metrics.top_k(np.zeros((10_000, 2)), 2, np.random.default_rng(0))
    assert (chosen[:, 0] == 0).mean() == pytest.approx(0.5, abs=0.025)


def test_same_generator_breaks_ties_alike():
    scores = np.zeros((20, 30), np.float32)
    lists = [metrics.top_k(scores, 5, np.random.default_rng(4)) for _ in range(2)]
    assert np.array_equal(*lists)


def test_hits_are_counted_as_defined():
    is_hit = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]], bool)
    n_relevant = np.array([4, 2, 1])
    assert metrics.hit_rate(is_hit).tolist() == [1, 0, 1]
    assert metrics.precision(is_hit).tolist() == [2 / 3, 0, 1 / 3]
    assert metrics.recall(is_hit, n_relevant).tolist() == [0.5, 0, 1]
    assert metrics.reciprocal_rank(is_hit).tolist() == [0.5, 0, 1]


@given(
    is_hit=st.lists(st.booleans(), min_size=1, max_size=8),
    n_more=st.integers(0, 5),
)
def test_ndcg_is_one_for_the_best_list_and_as_defined_for_any(is_hit, n_more):
    n_relevant = max(1, sum(is_hit) + n_more)
    gain = sum(hit / math.log2(place + 2) for place, hit in enumerate(is_hit))
    best = sum(1 / math.log2(place + 2) for place in range(min(n_relevant, len(is_hit))))
    found = metrics.ndcg(np.array([is_hit]), np.array([n_relevant]))[0]
    assert found == pytest.approx(gain / best)
    ideal = np.arange(len(is_hit)) < n_relevant
    assert metrics.ndcg(ideal[None], np.array([n_relevant]))[0] == pytest.approx(1.0)


def test_novelty_is_surprise_in_bits():
    """Of 7 people (and the one who is counted as having everything) 3, 1 and 0 had the items."""
    lists = np.array([[0, 1], [2, -1], [-1, -1]])
    found = metrics.novelty(lists, np.array([3, 1, 0]), 7)
    assert found.tolist() == [1.5, 3.0, 0.0]


def test_diversity_is_one_less_the_mean_cosine_of_pairs():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 3))
    features[7] = 0.0
    lists = np.array([[3, 7, 11, 2], [5, 6, -1, -1], [4, -1, -1, -1]])
    expected = []
    for row in lists:
        items = [item for item in row if item >= 0]
        cosines = [
            features[a]
            @ features[b]
            / max(np.linalg.norm(features[a]) * np.linalg.norm(features[b]), 1e-300)
            for a in items
            for b in items
            if a < b
        ]
        expected.append(1 - np.mean(cosines) if cosines else 0.0)
    assert metrics.intra_list_diversity(lists, features) == pytest.approx(expected)


def test_coverage_counts_items_in_any_list():
    exposures = metrics.exposure(np.array([[0, 1], [1, -1]]), 4)
    assert exposures.tolist() == [1, 2, 0, 0]
    assert metrics.coverage(exposures) == 0.5


def test_gini_of_known_distributions():
    assert metrics.gini(np.ones(10)) == pytest.approx(0.0)
    assert metrics.gini(np.eye(10)[0]) == pytest.approx(0.9)
    assert metrics.gini(np.array([1, 3])) == pytest.approx(0.25)
