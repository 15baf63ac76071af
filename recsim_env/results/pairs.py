"""Agents of a scenario compared with each other by seed, adjusted for the number of comparisons.

Thirty agents make 435 pairs. Were each judged as if it were the only one, chance alone would tell
one in twenty apart. What is said here holds of all comparisons in a scenario together: with
probability 95 % none of the differences that it reports is an accident.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from recsim_env.results.intervals import Estimate, paired_difference, paired_values

BySeed = Mapping[int, float]
"""Seed to value."""


@dataclass(frozen=True)
class Pair:
    """Two agents, compared on the seeds that both have.

    Attributes:
      first, second: names of the agents.
      difference: how much more the first earns, with the interval of this pair alone.
      p_value: two-sided, of this pair alone; NaN where fewer than two seeds are shared.
      adjusted: the p-value by Holm's method, of all pairs that it was compared with.
    """

    first: str
    second: str
    difference: Estimate
    p_value: float
    adjusted: float

    def is_shown(self, confidence: float = 0.95) -> bool:
        """Whether the two differ significantly, all pairs considered."""
        return self.adjusted <= 1.0 - confidence


def all_pairs(returns: Mapping[str, BySeed]) -> list[Pair]:
    """Returns every pair of agents, in the order given; pairs without a shared seed are left out.

    The family, of which Holm's method keeps the chance of any wrong statement at the level, is all
    pairs of the agents given.

    Args:
      returns: agent to seed to value, of runs with common random numbers.

    Raises:
      ValueError: as in `paired_difference`.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure"; the p-values are
      Student's, of the differences by seed.
    """
    couples = [
        (a, b)
        for place, a in enumerate(returns)
        for b in list(returns)[place + 1 :]
        if set(returns[a]) & set(returns[b])
    ]
    found = [paired_difference(returns[a], returns[b]) for a, b in couples]
    above = better(paired_values(returns[a], returns[b]) for a, b in couples)
    p_values = 2.0 * np.minimum(above, 1.0 - above)
    adjusted = holm(p_values)
    return [
        Pair(a, b, difference, float(p), float(q))
        for (a, b), difference, p, q in zip(couples, found, p_values, adjusted, strict=True)
    ]


def better(differences: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Returns one-sided p-values of paired differences, small where their mean is far above 0.

    Args:
      differences: of each comparison, one number a seed; a single one says nothing, and gives NaN.

    Source: Student 1908, "The probable error of a mean".
    """
    given = list(differences)
    n = np.array([len(each) for each in given], dtype=np.float64)
    means = np.array([each.mean() if len(each) else math.nan for each in given])
    # Equal differences have no spread, though their rounded mean may lie an ulp beside them.
    spreads = np.array([0.0 if np.ptp(each) == 0 else each.std(ddof=1) for each in given])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(means == 0.0, 0.0, means / (spreads / np.sqrt(n)))
    return np.where(n > 1, stats.t.sf(t, np.maximum(n - 1, 1)), math.nan)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Returns p-values adjusted for their number; those that are NaN stay so and do not count.

    >>> holm([0.01, 0.04, 0.03, math.nan]).round(2).tolist()
    [0.03, 0.06, 0.06, nan]

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(given), math.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.maximum.accumulate((given[order] * factors).clip(max=1.0))
    return adjusted


def best_set(returns: Mapping[str, BySeed], level: float = 0.05) -> list[str]:
    """Returns the agents that may be the best: none of the others is significantly better.

    An agent is left out where another is better at a level that its comparisons with all the others
    share. So the agent with the highest expected value is among those returned with probability
    1 - level, since only statements about itself could leave it out. That takes fewer comparisons
    than all pairs, and tells more agents apart.

    Args:
      returns: agent to seed to value, of runs with common random numbers.
      level: accepted probability of leaving out the best, in (0, 1).

    Raises:
      ValueError: `level` is out of range.

    >>> best_set({"a": {0: 3.0, 1: 4.1, 2: 5.0}, "b": {0: 1.0, 1: 2.0, 2: 3.0}})
    ['a']

    Source: Gupta 1965, "On some multiple decision (selection and ranking) rules"; Hsu 1984,
      "Constrained simultaneous confidence intervals for multiple comparisons with the best".
    Differs: differences are paired and of unequal variances, and Bonferroni's inequality stands in
      the place of their common distribution.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level={level} is not in (0, 1); 0.05 is usual")
    return [agent for agent, p in levels_of_exclusion(returns).items() if p > level]


def levels_of_exclusion(
    returns: Mapping[str, BySeed], n_comparisons: int | None = None
) -> dict[str, float]:
    """Returns agent to the level at which `best_set` would leave it out.

    It is the p-value of nobody being better, adjusted for the comparisons with all the others, and
    1 where the seeds allow none.

    Args:
      returns: as in `best_set`.
      n_comparisons: for how many of an agent to adjust; by default those that the seeds allow.
    """
    found = {}
    for agent, own in returns.items():
        rivals = [other for name, other in returns.items() if name != agent]
        leads = [paired_values(other, own) for other in rivals if set(other) & set(own)]
        p_values = better(leads)
        known = p_values[~np.isnan(p_values)]
        n = len(known) if n_comparisons is None else n_comparisons
        found[agent] = min(1.0, float(known.min()) * n) if len(known) else 1.0
    return found
