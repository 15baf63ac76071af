"""Orders by name, and hashes that depend on names alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsim_env.data.order import by_label, label_key, pair_hash


@given(st.lists(st.text(max_size=5), unique=True, min_size=1).flatmap(st.permutations))
def test_labels_have_one_order(labels):
    array = np.array(labels, dtype=object)
    assert array[by_label(array)].tolist() == sorted(labels, key=label_key(sorted(labels)))


def test_numbers_sort_as_numbers_only_where_all_labels_are():
    assert sorted(["10", "9", "09"], key=label_key(["10", "9", "09"])) == ["09", "9", "10"]
    assert sorted(["10", "9", "x"], key=label_key(["10", "9", "x"])) == ["10", "9", "x"]
    long = ["1" * 5_000, "2"]
    assert sorted(long, key=label_key(long)) == long, "longer than Python reads as a number"
    assert by_label(np.array([10, 9])).tolist() == [1, 0]


def test_hashes_are_even_and_follow_names_not_places():
    """Of 40,000 rows; a share has a standard error of sqrt(p (1 - p) / 40,000)."""
    n = 200
    names = np.arange(n).astype(str)
    user, item = np.repeat(np.arange(n), n), np.tile(np.arange(n), n)
    repeat = np.zeros(n * n, int)
    hashes = pair_hash(user, item, names, names, repeat=repeat, seed=0)
    assert len(set(hashes.tolist())) == n * n
    for bit in range(64):
        share = ((hashes >> np.uint64(bit)) & np.uint64(1)).mean()
        assert share == pytest.approx(0.5, abs=5 * 0.5 / n)
    best = item[hashes.reshape(n, n).argmax(axis=1) + n * np.arange(n)]
    assert np.bincount(best, minlength=n).max() < 10, "an item is favoured with everybody"
    places = np.random.default_rng(0).permutation(n)
    other = pair_hash(places[user], item, names[np.argsort(places)], names, repeat=repeat, seed=0)
    assert np.array_equal(hashes, other)
    again = pair_hash(user, item, names, names, repeat=repeat, seed=1)
    repeated = pair_hash(user, item, names, names, repeat=repeat + 1, seed=0)
    for different in (again, repeated):
        assert np.corrcoef(hashes.astype(float), different.astype(float))[0, 1] == pytest.approx(
            0, abs=5 / n
        )
