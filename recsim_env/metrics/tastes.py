"""People's true tastes: how broad they are, and where they move."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim_env.metrics.measurement import Backdrop
from recsim_env.metrics.profiles import Profiles, entropy
from recsim_env.metrics.served import Served, Stage


class TasteChange:
    """How people's tastes are at the end of a visit, and how far they moved in it.

    Tastes are compared in the mood of the beginning: of the person at the end only the fields of
    `state_groups["taste"]` are taken, so that being tired, or short of time, counts as no change.

    Spread is the entropy of a taste's shares, in bits; narrowing is by how much it fell in the
    visit, and drift is half the sum of the absolute changes of shares (total variation).

    Source: T-RECS (Lucherini et al. 2021, "T-RECS: a simulation tool to study the societal impact
      of recommender systems"), which follows how people's own profiles move; what narrows them is
      a filter bubble (Nguyen et al. 2014, "Exploring the filter bubble").
    Differs: of tastes as shares of liking, which all scenarios have, not of vectors.
    """

    def __init__(self, stage: Stage) -> None:
        self._profiles = Profiles(stage)
        self._fields = stage.scenario.state_groups["taste"]
        self._sums, self._n = np.zeros(3), 0

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where a scenario says what taste is, and what is liked, of one person at a time."""
        return stage.knows_liking and len(stage.taste_fields) > 0

    def add(self, served: Served) -> None:
        """Adds a block."""
        ended = served.ended
        after = ended.first.copy()
        for name in self._fields:
            after[name] = ended.users[name]
        old, new = ended.tastes, ended.tastes.copy()
        moved = np.any(_bytes(after) != _bytes(ended.first), axis=1)
        if moved.any():  # else nothing need be asked
            new[moved] = self._profiles.of(after[moved])
        spread = entropy(new)
        found = np.stack([spread, entropy(old) - spread, 0.5 * np.abs(new - old).sum(axis=1)])
        known = ~np.isnan(found).any(axis=0)
        self._sums += found[:, known].sum(axis=1)
        self._n += int(known.sum())

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns the means over visits."""
        if not self._n:
            return {}
        names = ("taste_spread", "taste_narrowing", "taste_drift")
        return dict(zip(names, (self._sums / self._n).tolist(), strict=True))

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns nothing."""
        return {}


def _bytes(records: np.ndarray) -> np.ndarray:
    return records.view(np.uint8).reshape(len(records), records.dtype.itemsize)
