"""People's true tastes as shares of what they like, in any scenario."""

from __future__ import annotations

import numpy as np

from recsim_env.metrics.served import Stage


class Profiles:
    """People's tastes as shares: of what they would get from items drawn by chance.

    A person's share of a category is that of the expected reward of the items of `Stage.pool` that
    are of the category, each as if shown alone; below 0 counts as 0. Without categories, the shares
    are those of single items.

    Attributes:
      are_known: whether the scenario can say, of one person at a time.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        kinds = stage.n_categories > 1 or stage.taste_fields
        self.are_known = bool(stage.knows_liking and stage.scenario.is_one_person and kinds)
        name = stage.scenario.category
        n = len(stage.pool)
        kind = np.arange(n) if name is None else stage.pool[name].astype(np.int64)
        self._member = np.zeros((n, int(kind.max()) + 1 if name is None else stage.n_categories))
        self._member[np.arange(n), kind] = 1.0

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


def entropy(weights: np.ndarray) -> np.ndarray:
    """Returns the entropy of weights along the last axis, in bits; NaN where they add up to 0."""
    total = weights.sum(axis=-1, keepdims=True)
    shares = weights / np.where(total > 0, total, np.nan)
    logs = np.log2(np.where(shares > 0, shares, 1.0))
    return np.asarray(np.where(total[..., 0] > 0, -(shares * logs).sum(axis=-1), np.nan))
