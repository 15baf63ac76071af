"""Differences of means where nothing ties the values of one side to those of the other."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from recsim_env.results.intervals import Estimate, estimate


class Unpaired(NamedTuple):
    """How much larger one mean is than another, and how likely chance alone does that.

    Attributes:
      difference: with its interval; `n` is the number of values on the side that has fewer.
      p_value: two-sided; NaN where a side has one value.
    """

    difference: Estimate
    p_value: float


def unpaired_difference(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Unpaired:
    """Returns how much larger the mean of `a` is than that of `b`, of independent values.

    The two may be of different numbers and spread differently. Where the same people were met with
    the same seeds, `paired_difference` tells smaller differences apart.

    Args:
      a, b: one finite number a seed.
      confidence: as in `estimate`.

    Raises:
      ValueError: as in `estimate`.

    >>> found = unpaired_difference([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    >>> found.difference.mean, round(found.difference.low, 2), round(found.p_value, 2)
    (2.0, -0.27, 0.07)

    Source: Welch 1947, "The generalization of Student's problem when several different population
      variances are involved".
    """
    one, other = (estimate(values, confidence) for values in (a, b))
    mean, n = one.mean - other.mean, min(one.n, other.n)
    if n < 2:
        none = Estimate(mean, math.nan, math.nan, n, "no interval (one value on a side)")
        return Unpaired(none, math.nan)
    shares = [float(np.var(np.asarray(v, float), ddof=1)) / len(np.asarray(v)) for v in (a, b)]
    method = f"{100 * confidence:g} % Welch t"
    if sum(shares) == 0.0:  # equal values on each side
        return Unpaired(Estimate(mean, mean, mean, n, method), 1.0 if mean == 0.0 else 0.0)
    freedom = sum(shares) ** 2 / (shares[0] ** 2 / (one.n - 1) + shares[1] ** 2 / (other.n - 1))
    error = math.sqrt(sum(shares))
    half = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * error
    p_value = 2.0 * float(stats.t.sf(abs(mean) / error, freedom))
    return Unpaired(Estimate(mean, mean - half, mean + half, n, method), p_value)
