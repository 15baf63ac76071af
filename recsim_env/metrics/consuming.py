"""What people consume in a visit, slate after slate, as sums of the vectors of items."""

from __future__ import annotations

import numpy as np

from recsim_env.metrics.loops import sums_before
from recsim_env.metrics.served import Consumed, Stage


class Consuming:
    """Adds up what people consume, slate by slate."""

    def __init__(self, stage: Stage) -> None:
        assert stage.vectors is not None
        self._squares = (stage.vectors * stage.vectors).sum(axis=1)
        self._total = np.zeros((stage.n_slots, stage.vectors.shape[1]), np.float32)
        self._counts = np.zeros((stage.n_slots, 2))

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where likeness and consumption are known, of one person at a time."""
        is_known = stage.vectors is not None and stage.knows_consumption
        return is_known and stage.scenario.is_one_person

    def of(
        self,
        vectors: np.ndarray,
        kind: np.ndarray,
        is_consumed: np.ndarray,
        *,
        slot: np.ndarray,
        is_first: np.ndarray,
    ) -> Consumed:
        """Returns what was consumed of slates in the order of time.

        Args:
          vectors: (m, k, d), of what was shown.
          kind: (m, k), rows of `Stage.vectors`.
          is_consumed: (m, k).
          slot: (m,), whose.
          is_first: (m,), whether a visit begins with it.
        """
        weights = is_consumed.astype(np.float32)
        total = np.einsum("nkd,nk->nd", vectors, weights)
        squares = (self._squares[kind] * weights).sum(axis=1)
        counts = np.stack([is_consumed.sum(axis=1), squares], axis=1, dtype=float)
        before = sums_before(slot, is_first, total, self._total)
        counts_before = sums_before(slot, is_first, counts, self._counts)
        return Consumed(
            *(total, before, counts[:, 0], counts_before[:, 0]),
            *(counts[:, 1], counts_before[:, 1]),
        )
