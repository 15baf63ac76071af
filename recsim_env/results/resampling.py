"""A bootstrap over seeds within scenarios, the same for all agents."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from recsim_env.results.intervals import Estimate, check_confidence

N_RESAMPLES = 2_000
"""How many tables are drawn."""

_SEED = 2021


class Resamples:
    """Tables whose seeds are drawn anew in each scenario, as the weights that seeds then have.

    A seed is drawn together with the runs of all agents and references, which met the same people,
    so differences of agents, and the scale from uniform to the reference, stay paired. Of n seeds
    n - 1 are drawn: with n, the variance of a mean would be too small by (n - 1) / n, which at 3
    seeds is a third. Intervals lie between quantiles of the tables at which Student's t of as many
    degrees of freedom as there are seeds, less one for each scenario, has its own.

    Always drawn from one seed, so that the same results give the same intervals.

    Args:
      seed_counts: how many seeds each scenario has.
      confidence: probability with which an interval should contain the truth, in (0, 1).
      n_resamples: how many tables.

    Raises:
      ValueError: `confidence` is out of range.

    Source: Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical
      precipice" (bootstrap stratified by task); McCarthy and Snowden 1985, "The bootstrap and
      finite population sampling" (n - 1 draws); Hesterberg 2015, "What teachers should know about
      the bootstrap" (quantiles by Student's t).
    Differs: seeds are drawn jointly for all agents, and the scale with them.
    """

    def __init__(
        self,
        seed_counts: list[int],
        confidence: float = 0.95,
        n_resamples: int = N_RESAMPLES,
    ) -> None:
        check_confidence(confidence)
        self.confidence = confidence
        self.n_seeds = min(seed_counts)
        self._degrees = sum(seed_counts) - len(seed_counts)
        rng = np.random.default_rng(_SEED)
        self.weights = [_weights(n, n_resamples, rng) for n in seed_counts]

    @cached_property
    def method(self) -> str:
        """What the intervals are, ready for a caption."""
        return f"{100 * self.confidence:g} % stratified bootstrap"

    @property
    def has_intervals(self) -> bool:
        """Whether every scenario has the two seeds or more that tell how far seeds differ."""
        return self.n_seeds > 1

    @cached_property
    def t_quantile(self) -> float:
        """How many standard errors an interval reaches to each side."""
        return float(stats.t.ppf(0.5 + self.confidence / 2, self._degrees))

    def estimates(self, values: NDArray[np.float64]) -> list[Estimate]:
        """Returns statistics with their intervals.

        Args:
          values: (1 + n_resamples, n), of the results themselves and then of each table.
        """
        if not self.has_intervals:
            return [self.without_interval(value) for value in values[0].tolist()]
        tail = float(stats.norm.sf(self.t_quantile))
        low, high = np.quantile(values[1:], [tail, 1.0 - tail], axis=0)
        ends = zip(values[0].tolist(), low.tolist(), high.tolist(), strict=True)
        return [Estimate(*each, self.n_seeds, self.method) for each in ends]

    def without_interval(self, value: float) -> Estimate:
        """Returns a statistic as of one seed."""
        return Estimate(value, math.nan, math.nan, self.n_seeds, "no interval (one seed)")


def _weights(n: int, n_resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns (1 + n_resamples, n): equal weights, then those of each table; rows sum to 1."""
    n_drawn = max(n - 1, 1)
    drawn = rng.integers(n, size=(n_resamples, n_drawn))
    counts = np.zeros((n_resamples, n))
    np.add.at(counts, (np.arange(n_resamples)[:, None], drawn), 1.0)
    return np.concatenate([np.full((1, n), 1.0 / n), counts / n_drawn])
