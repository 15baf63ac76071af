"""How fast agents learn: the area under their curves, and when they reach a share of the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median_high

import numpy as np

from recsim_env.agent_registry import is_reference
from recsim_env.results.intervals import Estimate, normalized_score
from recsim_env.results.standings import BASELINE, CEILINGS, best_reference, final_by_seed
from recsim_env.results.table import ResultTable

SHARES = (0.5, 0.9)
"""Shares of the way from uniform to the best reference."""


@dataclass(frozen=True)
class Reached:
    """When an agent got a share of the way.

    Attributes:
      interactions: at the first evaluation that got so far, of the median seed, seeds that never
        did counting as the latest; infinite where the median seed did not.
      n_reached: seeds that got so far in the time that they had.
      n_seeds: of all.
      limit: interactions of the last evaluation.
    """

    interactions: float
    n_reached: int
    n_seeds: int
    limit: int


@dataclass(frozen=True)
class LearningSpeed:
    """How fast one agent learns in one scenario.

    Attributes:
      agent: its name.
      area: the mean of its learning curve, from the first evaluation to the last, as a score from
        uniform (0) to the best reference (1).
      reached: share of the way to when it was reached.
    """

    agent: str
    area: Estimate
    reached: dict[float, Reached]


def learning_speeds(table: ResultTable, scenario: str) -> list[LearningSpeed]:
    """Returns how fast agents learn, the largest area first.

    Curves are of frozen evaluations and straight between them. A share of the way is that from the
    return of uniform to that of the best reference with the same seed, hence with the same people;
    it is reached at the first evaluation at or above it, wherever between two evaluations that was.
    Left out are agents without two evaluations, and all where there is no scale.

    Args:
      table: results of the benchmark.
      scenario: one of `table.scenarios()`.

    Raises:
      ValueError: the table has no finished run of the scenario.

    Source: of the area, Taylor and Stone 2009, "Transfer learning for reinforcement learning
      domains" (total reward, jumpstart and time to threshold).
    """
    returns = final_by_seed(table, scenario)
    if BASELINE not in returns or not set(CEILINGS) & set(returns):
        return []
    reference, uniform = returns[best_reference(table, scenario)], returns[BASELINE]
    curves: dict[str, dict[int, dict[int, float]]] = {}
    for row in table.rows(phase="evaluation", scenario=scenario):
        if not is_reference(row["agent"]):
            of_seed = curves.setdefault(row["agent"], {}).setdefault(row["seed"], {})
            of_seed[row["interactions"]] = row["return_mean"]
    found = []
    for agent, by_seed in curves.items():
        known = {s: c for s, c in by_seed.items() if s in uniform and s in reference and len(c) > 1}
        if sum(reference[seed] - uniform[seed] for seed in known) > 0.0:
            areas = {seed: _area(curve) for seed, curve in known.items()}
            levels = {
                share: {s: uniform[s] + share * (reference[s] - uniform[s]) for s in known}
                for share in SHARES
            }
            reached = {share: _reached(known, level) for share, level in levels.items()}
            score = normalized_score(areas, uniform, reference)
            found.append(LearningSpeed(agent, score, reached))
    return sorted(found, key=lambda each: (-each.area.mean, each.agent))


def _area(curve: dict[int, float]) -> float:
    """Returns the area under a curve over its width."""
    x = np.array(sorted(curve), dtype=np.float64)
    y = np.array([curve[at] for at in sorted(curve)])
    return float(np.diff(x) @ (y[1:] + y[:-1]) / 2.0 / (x[-1] - x[0]))


def _reached(curves: dict[int, dict[int, float]], levels: dict[int, float]) -> Reached:
    times = [
        min((at for at, value in curve.items() if value >= levels[seed]), default=math.inf)
        for seed, curve in curves.items()
    ]
    n_reached = sum(map(math.isfinite, times))
    limit = max(at for curve in curves.values() for at in curve)
    return Reached(median_high(times), n_reached, len(times), limit)
