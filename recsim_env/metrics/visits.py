"""Metrics of whole visits: what people consumed together, and how well it fits their taste."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from recsim_env.metrics.consuming import Consuming
from recsim_env.metrics.measurement import Backdrop
from recsim_env.metrics.profiles import entropy
from recsim_env.metrics.served import Served, Stage
from recsim_env.metrics.slates import mean_distance

# Steck's weight of the taste in what is compared with it, so that no share is 0.
_SMOOTHING = 0.01


class Means:
    """Means by name of numbers that come bit by bit; what is NaN does not count."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, name: str, values: np.ndarray) -> None:
        """Adds numbers."""
        total, n = self._sums.get(name, (0.0, 0))
        known = values[~np.isnan(values)]
        self._sums[name] = (total + float(known.sum()), n + len(known))

    def result(self) -> dict[str, float]:
        """Returns the means of what has any number."""
        return {name: total / n for name, (total, n) in self._sums.items() if n}


class ConsumedDiversity:
    """How unlike the items are that a person consumes in a visit; see `slates.Diversity`.

    Source: intra-list diversity (Ziegler et al. 2005), of the list of what was consumed.
    """

    def __init__(self, stage: Stage) -> None:
        self._means = Means()

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where likeness and consumption are known, of one person at a time."""
        return Consuming.suits(stage)

    def add(self, served: Served) -> None:
        """Adds a block."""
        consumed = served.consumed
        assert consumed is not None
        ends = np.flatnonzero(served.is_last)
        total = consumed.before[ends] + consumed.total[ends]
        squares = consumed.square_before[ends] + consumed.square[ends]
        n = consumed.n_before[ends] + consumed.n[ends]
        found = mean_distance((total**2).sum(axis=1), squares, n)
        cuts = np.flatnonzero(np.diff(served.moment[ends])) + 1
        for of_moment in np.split(found, cuts):
            self._means.add("consumed_diversity", of_moment)

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns the mean over visits with two items or more."""
        return self._means.result()

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns nothing."""
        return {}


class Categories:
    """Of which categories people consume and are shown, visit by visit.

    Entropy of what is consumed: -sum q log2 q over the shares q of categories.

    Miscalibration: the divergence sum p ln(p / q') of what is shown, q' = 0.99 q + 0.01 p, from the
    true taste p (`profiles.Profiles`) of the person who comes.

    Source: Steck 2018, "Calibrated recommendations" (C_KL, alpha = 0.01).
    Differs: p is true taste instead of the shares of what was played before; the list is all that
      is shown in the visit.
    """

    def __init__(self, stage: Stage) -> None:
        self._knows = stage.knows_consumption
        self._n_slots, self._n_episodes = stage.n_slots, stage.n_episodes
        self._consumed, self._shown = np.zeros((2, stage.n_slots, stage.n_categories))
        self._means = Means()

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where items have categories."""
        return stage.n_categories > 1 and stage.scenario.is_one_person

    def add(self, served: Served) -> None:
        """Adds a block."""
        visits, row = np.unique(served.visit, return_inverse=True)
        ended = np.searchsorted(visits, served.ended.visit)
        slot, goes_on = visits // self._n_episodes, np.ones(len(visits), bool)
        goes_on[ended] = False
        # Of each slot, the first visit may have begun before this block, the last may go on after.
        first, last = np.diff(slot, prepend=-1) > 0, np.diff(slot, append=self._n_slots) > 0
        cells = row[:, None] * self._shown.shape[1] + served.category
        found = []
        for carried, counted in (
            (self._shown, served.is_shown),
            (self._consumed, served.is_consumed),
        ):
            shape = len(visits), carried.shape[1]
            counts = np.bincount(cells[counted], minlength=math.prod(shape)).reshape(shape)
            total = counts + np.where(first[:, None], carried[slot], 0.0)
            carried[slot[last]] = total[last] * goes_on[last, None]
            found.append(total[ended])
        shown, consumed = found
        if self._knows:
            self._means.add("consumed_entropy", entropy(consumed))
        if served.ended.tastes.shape[1]:
            self._means.add("miscalibration", miscalibration(served.ended.tastes, shown))

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns the means over visits."""
        return self._means.result()

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns nothing."""
        return {}


def miscalibration(taste: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns the divergence of what is shown from taste, in nats, (n,); 0 is calibrated.

    Args:
      taste: (n, n_categories), shares.
      counts: (n, n_categories), how often each was shown; NaN is returned where none was.
    """
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / np.where(total > 0, total, np.nan)
    mixed = (1 - _SMOOTHING) * shares + _SMOOTHING * taste
    ratio = np.where(taste > 0, taste, 1.0) / np.where(taste > 0, mixed, 1.0)
    return np.asarray((taste * np.log(ratio)).sum(axis=1))
