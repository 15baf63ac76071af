"""Welch's interval of two independent means."""

import numpy as np
import pytest
from scipy import stats

from recsim_env.results.unpaired import unpaired_difference


@pytest.mark.parametrize(("n", "m", "spread"), [(2, 2, 1.0), (3, 5, 4.0), (20, 4, 0.1)])
def test_interval_and_p_value_are_those_of_scipy(n, m, spread):
    rng = np.random.default_rng(n)
    a, b = rng.normal(0.3, 1.0, n), rng.normal(0.0, spread, m)
    found = unpaired_difference(a, b)
    expected = stats.ttest_ind(a, b, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(interval))
    assert found.difference.mean == pytest.approx(a.mean() - b.mean())
    assert found.difference.n == min(n, m) and found.difference.method == "95 % Welch t"


def test_one_value_gives_no_interval_and_equal_ones_a_point():
    one = unpaired_difference([1.0], [2.0, 3.0])
    assert one.difference.mean == -1.5 and not one.difference.has_interval
    assert np.isnan(one.p_value)
    flat = unpaired_difference([2.0, 2.0], [1.0, 1.0])
    assert (flat.difference.low, flat.difference.high, flat.p_value) == (1.0, 1.0, 0.0)
    assert unpaired_difference([1.0, 1.0], [1.0, 1.0]).p_value == 1.0
