"""Watching an evaluation: gathers what is served in blocks, and shows it to the measures."""

from __future__ import annotations

import numpy as np

from recsim_env.envs import RecommendationVectorEnv
from recsim_env.metrics.catalog import MEASURES, PART_MEASURES
from recsim_env.metrics.gathering import Gathering
from recsim_env.metrics.measurement import PARTS, Backdrop, Measurement
from recsim_env.metrics.measures import Measure, PartMeasure
from recsim_env.metrics.served import Served, Stage

#: Of the sample of items that everybody is asked about.
POOL_SIZE = 100


class Meter:
    """Measures an evaluation while it goes on; changes nothing that happens in it.

    Call `before` with what is about to be shown, step the environment, and call `after`.

    Args:
      env: that is evaluated in, just reset.
      n_episodes: that each slot plays; what comes after is not measured.
      backdrop: how the same people are served otherwise.
    """

    def __init__(
        self, env: RecommendationVectorEnv, n_episodes: int, backdrop: Backdrop | None = None
    ) -> None:
        self._stage = Stage(env, n_episodes, _pool(env))
        self._backdrop = backdrop
        self._measures: list[Measure] = [
            kind(self._stage) for kind in MEASURES if kind.suits(self._stage)
        ]
        self._part_measures: list[PartMeasure] = [
            kind(self._stage) for kind in PART_MEASURES if kind.suits(self._stage)
        ]
        self._gathering = Gathering(self._stage)
        self._n_slates = np.zeros(len(PARTS), np.int64)
        self._sums: dict[str, np.ndarray] = {}

    def before(self, slates: np.ndarray) -> None:
        """Notes what is about to be shown, and to whom."""
        if not self._gathering.is_done:
            self._gathering.before(slates)

    def after(self, rewards: np.ndarray, is_over: np.ndarray) -> None:
        """Notes what came of it."""
        if self._gathering.is_done:
            return
        self._gathering.after(rewards, is_over)
        if self._gathering.is_full:
            self._add(self._gathering.taken())

    def _add(self, served: Served) -> None:
        for measure in self._measures:
            measure.add(served)
        part = np.searchsorted(PARTS, served.step + 1, side="right") - 1
        self._n_slates += np.bincount(part, minlength=len(PARTS))
        for each in self._part_measures:
            for name, values in each.of_slates(served, self._backdrop).items():
                known = ~np.isnan(values)
                found = np.stack(
                    [
                        np.bincount(part[known], weights, minlength=len(PARTS))
                        for weights in (values[known], None)
                    ]
                )
                self._sums[name] = self._sums.get(name, 0.0) + found

    def measurement(self) -> Measurement:
        """Returns what was measured, once all episodes are over."""
        self._add(self._gathering.taken())
        values: dict[str, float] = {}
        details: dict[str, np.ndarray] = {}
        for name, (total, count) in self._sums.items():
            if count.sum() > 0:
                values[name] = float(total.sum() / count.sum())
        for measure in self._measures:
            values |= measure.result(self._backdrop)
            details |= measure.details()
        parts = tuple(
            {
                name: float(total[index] / count[index])
                for name, (total, count) in self._sums.items()
                if count[index] > 0
            }
            for index in range(len(PARTS))
        )
        known = {name: value for name, value in values.items() if np.isfinite(value)}
        return Measurement(
            known, parts, (int(self._n_slates.sum()), *map(int, self._n_slates)), details
        )


def _pool(env: RecommendationVectorEnv) -> np.ndarray:
    """Returns items that stand for all: of the catalogue, or of what is offered at first."""
    offered = env.catalogue if env.scenario.n_items else env.items.ravel()
    n = min(len(offered), POOL_SIZE)
    chosen = np.random.default_rng(0).choice(len(offered), n, replace=False)
    return np.asarray(offered[np.sort(chosen)])
