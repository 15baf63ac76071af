"""How likely one agent does better than another in a scenario drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsim_env.results.intervals import Estimate, wilson_interval
from recsim_env.results.resampling import Resamples
from recsim_env.results.shared_runs import SharedRuns

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """How likely each agent does better than each other in a scenario drawn at random.

    Attributes:
      agents: their names.
      probabilities: agent by agent, that the one of the row does better than that of the column;
        ties count half.
    """

    agents: tuple[str, ...]
    probabilities: list[list[Estimate]]


def improvement_probabilities(
    runs: SharedRuns, confidence: float = 0.95, *, paired: bool = True
) -> Comparison:
    """Returns how likely one agent does better than another in a scenario drawn at random.

        P(a, b) = mean over scenarios of P(return of a > return of b) + P(equal) / 2

    Paired, runs with the same seed are compared: of agents that serve the same people. How much
    better does not count. Intervals are Wilson's, of as many comparisons as would spread the
    mean as the tables of the bootstrap do, so that they also stay open where all agree.

    Args:
      runs: from `shared_runs`.
      confidence: of the intervals, in (0, 1).
      paired: whether only runs with the same seed are compared; otherwise each run of one agent
        with each of the other, as the source does.

    Source: Agarwal et al. 2021; Mann and Whitney 1947, "On a test of whether one of two random
      variables is stochastically larger than the other".
    Differs: paired by seed, unless told otherwise.
    """
    resamples = Resamples(runs.seed_counts, confidence)
    tables: Array = np.zeros((len(resamples.weights[0]), len(runs.agents), len(runs.agents)))
    eased, added = np.zeros_like(tables[0]), np.zeros_like(tables[0])
    for each, weights in zip(runs.by_scenario, resamples.weights, strict=True):
        votes = _votes(each.gains, weights, paired=paired)
        shares, variances = _eased(votes[0], len(each.seeds))
        tables += votes
        eased += shares
        added += variances
    n = len(runs.by_scenario)
    variance = (tables[1:].var(axis=0) + added) / n**2
    effective = eased / n * (1 - eased / n) / np.where(variance > 1e-12, variance, np.inf)
    cells = [
        [_share(share, values, resamples) for share, values in zip(*row, strict=True)]
        for row in zip((tables[0] / n).round(12).tolist(), effective.tolist(), strict=True)
    ]
    return Comparison(runs.agents, cells)


def _votes(gains: Array, weights: Array, *, paired: bool) -> Array:
    """Returns (1 + n_resamples, n_agents, n_agents): how likely is a win in one scenario."""
    if paired:
        wins = _wins(gains[:, None], gains[None])
        return np.asarray(np.einsum("bn,acn->bac", weights, wins, optimize=True))
    wins = _wins(gains[:, None, :, None], gains[None, :, None])
    return np.asarray(np.einsum("bn,bm,acnm->bac", weights, weights, wins, optimize=True))


def _wins(ours: Array, theirs: Array) -> Array:
    return np.asarray((ours > theirs) + (ours == theirs) / 2, dtype=np.float64)


def _eased(shares: Array, n_seeds: int) -> tuple[Array, Array]:
    """Returns shares of a scenario, and the variance that its tables miss where all seeds agree.

    They do not tell how they would differ; there, half a win and half a loss are added.
    """
    agree = np.abs(shares - 0.5) > 0.5 - 1e-9
    eased = np.where(agree, (shares * n_seeds + 0.5) / (n_seeds + 1.0), shares)
    return eased, np.where(agree, eased * (1 - eased) / n_seeds, 0.0)


def _share(share: float, effective: float, resamples: Resamples) -> Estimate:
    """Returns a share with an interval in [0, 1], as of so many values; 0 where all are ties."""
    if not resamples.has_intervals:
        return resamples.without_interval(share)
    squared = resamples.t_quantile**2
    low, high = wilson_interval(share, squared / effective) if effective else (share, share)
    return Estimate(share, low, high, resamples.n_seeds, f"{100 * resamples.confidence:g} % Wilson")
