"""Power: how small a difference the seeds of a benchmark could have shown."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

_N_NODES = 200


def detectable_difference(differences: ArrayLike, level: float = 0.05, power: float = 0.8) -> float:
    """Returns the smallest true difference that so many seeds would show with this probability.

    "Show" means that Student's two-sided test of the paired differences rejects at the level. The
    spread is that of the differences given, hence itself uncertain where they are few.

    Args:
      differences: (n,), one number a seed; a single one has no spread and gives NaN.
      level: of the test; for one of m comparisons, 0.05 / m.
      power: probability of showing the difference, above `level` and below 1.

    Raises:
      ValueError: `level` or `power` is out of range.

    >>> round(detectable_difference([1.0, 2.0, 3.0, 4.0, 5.0]), 2)
    2.66

    Source: Cohen 1988, "Statistical power analysis for the behavioral sciences"; by the noncentral
      t distribution.
    """
    sample = np.asarray(differences, dtype=np.float64)
    if len(sample) < 2:
        return math.nan
    return _in_standard_deviations(len(sample), level, power) * float(sample.std(ddof=1))


@functools.lru_cache(maxsize=1024)
def _in_standard_deviations(n: int, level: float, power: float) -> float:
    """Returns the detectable difference over the standard deviation of a single one."""
    if not 0.0 < level < power < 1.0:
        raise ValueError(
            f"level={level} and power={power} are not allowed; use 0 < level < power < 1"
        )
    critical = float(stats.t.isf(level / 2.0, n - 1))
    # Of t = (z + noncentrality) / spread, with the spread at the nodes of a quadrature over its
    # quantiles: SciPy's noncentral t gives no numbers where the noncentrality is large.
    nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
    spreads = np.sqrt(stats.chi2.ppf((nodes + 1.0) / 2.0, n - 1) / (n - 1))

    def lacking(noncentrality: float) -> float:
        ends = critical * spreads
        shown = stats.norm.sf(ends - noncentrality) + stats.norm.cdf(-ends - noncentrality)
        return float(weights @ shown) / 2.0 - power

    return float(optimize.brentq(lacking, 0.0, 4.0 * critical + 10.0)) / math.sqrt(n)
