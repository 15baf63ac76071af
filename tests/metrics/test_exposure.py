"""Measures of exposure against closed forms, hand-made tables and other libraries' values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsim_env.metrics.exposure import (
    attention_gap,
    average_popularity,
    by_group,
    coverage,
    expected_exposure,
    exposure_ratio,
    gini,
    lesser_half,
    long_tail,
    tail_share,
)

_COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=30).map(np.array)


def test_gini_of_a_geometric_series():
    # The Lorenz curve of 2^0 … 2^(n-1) by hand: sum of (2i - n - 1) 2^(i-1) over n (2^n - 1).
    n = 10
    by_hand = sum((2 * i - n - 1) * 2 ** (i - 1) for i in range(1, n + 1)) / (n * (2**n - 1))
    assert gini(2.0 ** np.arange(n)) == pytest.approx(by_hand)


@given(_COUNTS.filter(lambda counts: counts.sum() > 0))
def test_gini_is_the_mean_absolute_difference_over_twice_the_mean(counts):
    differences = np.abs(counts[:, None] - counts[None, :]).mean()
    assert gini(counts) == pytest.approx(differences / (2 * counts.mean()), abs=1e-12)


@given(_COUNTS.filter(lambda counts: counts.sum() > 0))
def test_bounds(counts):
    target = np.ones(len(counts))
    assert 0 <= gini(counts) <= 1 - 1 / len(counts) + 1e-12
    assert 0 < coverage(counts) <= 1
    assert 0 <= attention_gap(counts, target) <= 1
    parts = expected_exposure(counts, target)
    assert parts.loss >= -1e-12
    assert parts.loss == pytest.approx(parts.disparity - parts.relevance + 1)


# Of ten people's lists of two items each, and of the items' counts in a log:
#   RecTools 0.19: CatalogCoverage(k=2) 6 of 8 items, AvgRecPopularity(k=2) 5.1
#   LensKit 2025.8: lenskit.stats.gini 0.55
_SHOWN, _TAKEN = np.array([5, 1, 0, 3, 0, 1, 2, 8]), np.array([7, 2, 1, 4, 2, 3, 1, 6])


def test_what_is_shown_measures_as_in_rectools_and_lenskit():
    assert coverage(_SHOWN) == 6 / 8
    assert average_popularity(_SHOWN, _TAKEN) == pytest.approx(5.1)
    assert gini(_SHOWN) == pytest.approx(0.55)


def test_the_head_is_the_fewest_items_with_the_share():
    popularity = np.array([4.0, 1.0, 3.0, 1.0, 1.0])
    assert long_tail(popularity, 0.7).tolist() == [False, True, False, True, True]
    assert long_tail(popularity, 0.71).sum() == 2
    assert tail_share(np.array([1, 1, 1, 1, 0]), long_tail(popularity, 0.7)) == 0.5


def test_the_head_of_equal_items_is_their_share_of_the_catalogue():
    assert long_tail(np.full(10, 0.1)).sum() == 2


def test_expected_exposure_of_the_target_itself_and_of_its_opposite():
    target = np.array([3.0, 1.0, 0.0, 0.0])
    same, apart = expected_exposure(10 * target, target), expected_exposure(target[::-1], target)
    assert (same.loss, same.disparity, same.relevance) == pytest.approx((0, 1, 2))
    assert (apart.loss, apart.disparity, apart.relevance) == pytest.approx((2, 1, 0))


def test_expected_exposure_by_the_formula_of_the_paper():
    # Diaz et al. 2020, equations 4 to 6, with plain sums.
    exposure, target = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.4, 0.2])
    unit = sum(each**2 for each in target)
    parts = expected_exposure(exposure, target)
    assert parts.loss == pytest.approx((0.1**2 + 0.1**2) / unit)
    assert parts.disparity == pytest.approx((0.25 + 0.09 + 0.04) / unit)
    assert parts.relevance == pytest.approx(2 * (0.2 + 0.12 + 0.04) / unit)


def test_attention_gap_of_two_groups_is_the_difference_of_shares():
    # Sapiezynski et al. 2019: |share of attention of the group - its share in the population|.
    assert attention_gap(np.array([0.9, 0.1]), np.array([0.6, 0.4])) == pytest.approx(0.3)
    assert attention_gap(np.array([0.0, 2.0]), np.array([1.0, 0.0])) == 1.0


def test_exposure_in_proportion_to_merit_has_ratio_one():
    merit = np.array([1.0, 2.0, 3.0, 6.0])
    is_low = lesser_half(merit)
    assert is_low.tolist() == [True, True, False, False]
    assert exposure_ratio(7 * merit, merit, is_low) == pytest.approx(1.0)
    assert exposure_ratio(merit**2, merit, is_low) == pytest.approx((5 / 3) / (45 / 9))


def test_what_is_not_defined_is_nan():
    nothing, some = np.zeros(3), np.array([1.0, 2.0, 3.0])
    undefined = [
        gini(nothing),
        average_popularity(nothing, some),
        tail_share(nothing, long_tail(some)),
        expected_exposure(nothing, some).loss,
        attention_gap(some, nothing),
        exposure_ratio(some, nothing, lesser_half(nothing)),
        coverage(np.empty(0)),
    ]
    assert all(math.isnan(each) for each in undefined)


def test_sums_by_group():
    assert by_group(np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), 4).tolist() == [2, 0, 5, 0]
