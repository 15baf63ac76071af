"""Probabilities of Plackett-Luce slates against all orders, written out."""

from itertools import permutations

import numpy as np
import pytest

from recsim_env.ope.plackett_luce import place_probabilities, prefix_probabilities


def chance_of(logits, slate):
    left, chance = dict(enumerate(np.exp(logits))), 1.0
    for action in slate:
        chance *= left[action] / sum(left.values())
        del left[action]
    return chance


@pytest.mark.parametrize(("n_actions", "slate_size"), [(1, 1), (4, 2), (5, 5), (6, 3), (6, 6)])
def test_marginals_are_those_of_all_orders(n_actions, slate_size):
    logits = 2 * np.random.default_rng(n_actions).normal(size=(2, n_actions))
    found = place_probabilities(logits, slate_size)
    wanted = np.zeros_like(found)
    for row in range(2):
        for slate in permutations(range(n_actions), slate_size):
            wanted[row, range(slate_size), slate] += chance_of(logits[row], slate)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_prefixes_are_slates_of_fewer_places():
    logits = np.random.default_rng(0).normal(size=(1, 5))
    for slate in permutations(range(5), 3):
        (found,) = prefix_probabilities(logits, np.array([slate]))
        assert found == pytest.approx([chance_of(logits[0], slate[:k]) for k in (1, 2, 3)])


def test_far_logits_stay_probabilities():
    found = prefix_probabilities([[800.0, 0.0, -800.0]], np.array([[0, 1, 2]]))
    assert found.tolist() == [[1.0, 1.0, 1.0]]
    assert place_probabilities([[300.0, 0.0, -90.0]], 3)[0] == pytest.approx(np.eye(3))
    with pytest.raises(ValueError, match="slate_size=4 is not in 1 to 3"):
        place_probabilities(np.zeros((1, 3)), 4)
    with pytest.raises(ValueError, match="too many sets"):
        place_probabilities(np.zeros((1, 100)), 10)
