"""Intervals of estimates that are functions of sums, by the sums of each user."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.ope.checks import Floats
from recsim_env.results.intervals import Estimate, check_confidence

Formula = Callable[[Floats], Floats]
"""From sums, (..., n_columns + 1), of which the last is the number of rows, to values, (...)."""

INTERVALS = ("bootstrap", "bernstein", "none")
"""The methods of intervals."""

#: As many groups of users, at most, are resampled: with more, users are joined at random, which
#: leaves the variance of sums as it is and costs 2 % of its precision.
_MOST_GROUPS = 2_000


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """How intervals are made.

    Attributes:
      method: "bootstrap" resamples users with all their rows; "bernstein" is an empirical Bernstein
        bound, which holds at any number of users but is wide, and is defined for means only;
        "none" gives the value alone, with neither interval nor diagnostics nor warnings, for many
        estimates in little time.
      confidence: probability with which an interval should contain the true value, in (0, 1).
      n_resamples: of the bootstrap.
      seed: of the bootstrap: the same log gives the same interval.
      span: of the Bernstein bound: how far apart two terms of rows can lie, largest weight times
        the range of rewards, with 0 in the range where users have several rows. Where it is None it
        is taken from the log, and the bound is too narrow if the log lacks the largest weight.

    Raises:
      ValueError: a setting out of its range.
    """

    method: str = "bootstrap"
    confidence: float = 0.95
    n_resamples: int = 1_000
    seed: int = 0
    span: float | None = None

    def __post_init__(self) -> None:
        check_confidence(self.confidence)
        if self.method not in INTERVALS:
            raise ValueError(f"method={self.method!r} is none of {', '.join(INTERVALS)}")
        if self.n_resamples < 20:
            raise ValueError(f"n_resamples={self.n_resamples} is too few; 1,000 are usual")
        if self.span is not None and not 0.0 < self.span < math.inf:
            raise ValueError(f"span={self.span} is not in (0, inf)")


def bootstrap(
    value: float,
    columns: Sequence[Floats] | sparse.csr_array,
    formula: Formula,
    groups: tuple[NDArray[np.intp] | None, int],
    uncertainty: Uncertainty,
) -> Estimate:
    """Resamples groups of rows; of m groups m - 1 are drawn, or variances would be too small.

    Source: Field and Welsh 2007, "Bootstrapping clustered data"; McCarthy and Snowden 1985, "The
      bootstrap and finite population sampling" (m - 1 draws).
    """
    rng = np.random.default_rng(uncertainty.seed)
    group, n = groups
    units = "rows" if group is None else "users"
    m = min(n, _MOST_GROUPS)
    if m < n:
        joined = rng.integers(m, size=n)
        group = joined if group is None else joined[group]
    sums = group_sums(columns, group, m)
    values = np.concatenate(
        [formula(_drawn(rng, size, m) @ sums) for size in _blocks(uncertainty.n_resamples)]
    )
    tail = (1.0 - uncertainty.confidence) / 2
    low, high = np.quantile(values, [tail, 1.0 - tail])
    method = f"{100 * uncertainty.confidence:g} % bootstrap over {units}"
    return Estimate(value, min(float(low), value), max(float(high), value), n, method)


def _blocks(n: int, size: int = 500) -> list[int]:
    return [min(size, n - start) for start in range(0, n, size)]


def _drawn(rng: np.random.Generator, n: int, m: int) -> Floats:
    """Returns how often each of m groups is among m - 1 that are drawn, n times over, (n, m)."""
    drawn = rng.integers(m, size=(n, m - 1)) + m * np.arange(n)[:, None]
    return np.bincount(drawn.ravel(), minlength=n * m).reshape(n, m).astype(np.float64)


def group_sums(
    columns: Sequence[Floats] | sparse.csr_array, group: NDArray[np.intp] | None, n: int
) -> Any:
    """Returns sums of columns by group, and the number of rows, (n, n_columns + 1)."""
    if isinstance(columns, sparse.csr_array):
        rows = columns.shape[0]
        groups = np.arange(rows) if group is None else group
        adding = sparse.csr_array((np.ones(rows), (groups, np.arange(rows))), shape=(n, rows))
        return sparse.hstack([adding @ columns, adding.sum(axis=1)[:, None]], format="csr")
    if group is None:
        return np.column_stack([*columns, np.ones(n)])
    sums = [np.bincount(group, column, minlength=n) for column in columns]
    return np.column_stack([*sums, np.bincount(group, minlength=n)]).astype(np.float64)


def bernstein(
    value: float,
    terms: Floats,
    group: NDArray[np.intp] | None,
    n: int,
    uncertainty: Uncertainty,
) -> Estimate:
    """Bounds the mean of bounded terms by their variance.

        |mean - truth| <= sqrt(2 V log(4 / d) / n) + 7 R log(4 / d) / (3 (n - 1))

    with probability 1 - d, where V is the sample variance of n independent terms and R their range.

    Source: Maurer and Pontil 2009, "Empirical Bernstein bounds and sample variance penalization".
    Differs: the terms of a user are added up, and their range with them.
    """
    ends = [] if group is None else [0.0]  # users differ in how many rows they add up
    rows = uncertainty.span or float(max(terms.max(), *ends) - min(terms.min(), *ends))
    sums = group_sums([terms], group, n)
    units = sums[:, 0] * (n / len(terms))
    span = rows * float(sums[:, 1].max()) * n / len(terms)
    log = math.log(4.0 / (1.0 - uncertainty.confidence))
    half = math.sqrt(2 * float(units.var(ddof=1)) * log / n) + 7 * span * log / (3 * (n - 1))
    method = f"{100 * uncertainty.confidence:g} % empirical Bernstein"
    return Estimate(value, value - half, value + half, n, method)
