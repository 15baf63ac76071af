"""People's true tastes: how broad they are, and where they move."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim_env.metrics.measurement import Backdrop
from recsim_env.metrics.served import Served, Stage


class Profiles:
    """People's tastes as shares: of what they would get from items drawn by chance.

    A person's share of a category is that of the expected reward of the items of `Stage.pool` that
    are of the category, each as if shown alone; below 0 counts as 0. Without categories, the shares
    are those of single items.

    Attributes:
      are_known: whether the scenario can say.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.are_known = stage.knows_liking
        name = stage.scenario.category
        n = len(stage.pool)
        kinds = np.arange(n) if name is None else stage.pool[name].astype(np.int64)
        self._member = np.zeros((n, int(kinds.max()) + 1 if name is None else stage.n_categories))
        self._member[np.arange(n), kinds] = 1.0

    @property
    def n_kinds(self) -> int:
        """Of how many categories, or items, they consist."""
        return self._member.shape[1]

    def of(self, users: np.ndarray) -> np.ndarray:
        """Returns shares, (n, n_kinds), that add up to 1; NaN of who likes nothing at all."""
        liking = np.maximum(self._stage.env.liking_of(users, self._stage.pool), 0.0)
        found = liking @ self._member
        total = found.sum(axis=1, keepdims=True)
        return np.asarray(found / np.where(total > 0, total, np.nan))


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
        self._began: dict[int, np.void] = {}
        self._sums, self._n = np.zeros(3), 0

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where a scenario says what taste is, and what is liked, of one person at a time."""
        return stage.knows_liking and len(stage.taste_fields) > 0

    def add(self, served: Served) -> None:
        """Adds a block."""
        self._began |= dict(zip(served.began.visit.tolist(), served.began.users, strict=True))
        if not len(served.ended.visit):
            return
        before = np.array([self._began.pop(each) for each in served.ended.visit.tolist()])
        after = before.copy()
        for name in self._fields:
            after[name] = served.ended.users[name]
        old, new = self._profiles.of(before), self._profiles.of(after)
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


def entropy(weights: np.ndarray) -> np.ndarray:
    """Returns the entropy of weights along the last axis, in bits; NaN where they add up to 0."""
    total = weights.sum(axis=-1, keepdims=True)
    shares = weights / np.where(total > 0, total, np.nan)
    logs = np.log2(np.where(shares > 0, shares, 1.0))
    return np.asarray(np.where(total[..., 0] > 0, -(shares * logs).sum(axis=-1), np.nan))
