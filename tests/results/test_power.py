"""What is called detectable is detected as often as it says."""

import math

import numpy as np
import pytest
from scipy import stats

from recsim_env.results.power import detectable_difference


@pytest.mark.parametrize(("n", "level"), [(3, 0.05), (5, 0.05), (5, 0.05 / 28), (20, 0.01)])
def test_a_detectable_difference_is_shown_with_the_power(n: int, level: float) -> None:
    """Of 20,000 draws; four standard errors of a share of .8 are 1.1 %."""
    spread = np.array([1.0, -1.0] * n)[:n]
    spread /= spread.std(ddof=1)
    difference = detectable_difference(spread, level)
    draws = np.random.default_rng(0).normal(difference, 1.0, size=(20_000, n))
    shown = stats.ttest_1samp(draws, 0.0, axis=1).pvalue < level
    assert shown.mean() == pytest.approx(0.8, abs=0.012)


def test_it_is_in_the_unit_of_the_values_and_falls_with_seeds() -> None:
    few, many = np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 4.0] * 4)
    assert detectable_difference(10 * few) == pytest.approx(10 * detectable_difference(few))
    assert detectable_difference(many) < detectable_difference(few) / 3
    assert detectable_difference([2.0, 2.0]) == 0.0
    assert math.isnan(detectable_difference([2.0]))


def test_two_seeds_need_a_difference_of_many_times_the_spread() -> None:
    found = detectable_difference([-1.0, 1.0], 0.05 / 36)
    assert math.isfinite(found) and found > 400


@pytest.mark.parametrize(("level", "power"), [(0.0, 0.8), (0.05, 1.0), (0.5, 0.3)])
def test_levels_and_powers_are_probabilities(level: float, power: float) -> None:
    with pytest.raises(ValueError, match="use 0 < level < power < 1"):
        detectable_difference([1.0, 2.0], level, power)
