"""Compiled loops give what NumPy gives step by step, to the last bit."""

import numpy as np
import pytest

from recsim_env.metrics.loops import shared_counts, sums_before


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
