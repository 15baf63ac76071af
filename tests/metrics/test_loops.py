"""Compiled loops give what NumPy gives step by step, sums in another order to rounding."""

import numpy as np
import pytest

from recsim_env.metrics.loops import (
    shared_counts,
    slate_likeness,
    slate_means,
    slate_ranges,
    slate_sums,
    sums_before,
)


def test_sums_start_anew_with_each_visit_and_go_on_over_blocks():
    rng = np.random.default_rng(0)
    slot = np.tile([0, 2, 1], 4)
    is_first = rng.random(12) < 0.3
    is_first[:3] = True
    added = rng.normal(size=(12, 5)).astype(np.float32)
    total, carried = np.zeros((2, 3, 5), np.float32)
    expected = []
    found = [
        sums_before(slot[part], is_first[part], added[part], total)
        for part in (slice(0, 5), slice(5, 12))
    ]
    for row in range(12):
        if is_first[row]:
            carried[slot[row]] = 0.0
        expected.append(carried[slot[row]].copy())
        carried[slot[row]] += added[row]
    np.testing.assert_array_equal(np.concatenate(found), expected)
    np.testing.assert_array_equal(total, carried)


@pytest.mark.parametrize("seed", range(3))
def test_members_in_common_are_those_of_sets(seed):
    rng = np.random.default_rng(seed)
    sets = [np.flatnonzero(rng.random(30) < 0.3 * (number % 3)) for number in range(8)]
    starts = np.cumsum([0, *map(len, sets)])
    first, second = rng.integers(8, size=(2, 40))
    found = shared_counts(starts, np.concatenate(sets), first, second)
    expected = [len(set(sets[a]) & set(sets[b])) for a, b in zip(first, second, strict=True)]
    assert found.tolist() == expected


def _slates(n=7, m=20, k=4, d=3):
    """Returns vectors, slates of them, and which places count: first none, then one, then any."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    is_counted = rng.random((m, k)) < 0.6
    is_counted[:2] = False
    is_counted[1, 2] = True
    return vectors, np.where(is_counted, rng.integers(n, size=(m, k)), -1), is_counted


def test_sums_of_slates_are_of_the_places_that_count():
    vectors, kind, is_counted = _slates()
    total, squares = slate_sums(vectors, kind, is_counted)
    weighted = vectors[kind] * is_counted[:, :, None]
    np.testing.assert_allclose(total, weighted.sum(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(squares, (weighted**2).sum(axis=(1, 2)), rtol=1e-5)
    assert not total[0].any() and squares[0] == 0.0


def test_ranges_of_slates_are_of_two_items_or_more():
    vectors, kind, is_counted = _slates()
    found = slate_ranges(vectors, kind, is_counted)
    assert np.isnan(found[:2]).all()
    for row in range(len(kind)):
        own = vectors[kind[row][is_counted[row]]]
        if len(own) > 1:
            assert found[row] == pytest.approx(np.mean(own.max(axis=0) - own.min(axis=0)))


def test_likeness_is_the_inner_product_of_each_place():
    vectors, kind, _ = _slates()
    others = np.random.default_rng(2).normal(size=(len(kind), 3)).astype(np.float32)
    expected = np.einsum("nkd,nd->nk", vectors[kind], others)
    np.testing.assert_allclose(slate_likeness(vectors, kind, others), expected, rtol=1e-4)


def test_means_of_slates_leave_out_what_does_not_count():
    _, kind, is_counted = _slates()
    values = np.where(is_counted, kind * 1.5, np.nan)
    found = slate_means(values, is_counted)
    counts = is_counted.any(axis=1)
    assert np.isnan(found[~counts]).all()
    np.testing.assert_allclose(found[counts], np.nanmean(values[counts], axis=1))
