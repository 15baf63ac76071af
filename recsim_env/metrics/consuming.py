"""What people consume in a visit, slate after slate, as sums of the vectors of items."""

from __future__ import annotations

import numpy as np

from recsim_env.metrics.loops import slate_sums, sums_before
from recsim_env.metrics.served import Consumed, Stage


class Consuming:
    """Adds up what people consume, slate by slate."""

    def __init__(self, stage: Stage) -> None:
        assert stage.vectors is not None
        self._vectors = stage.vectors
        self._total = np.zeros((stage.n_slots, stage.vectors.shape[1]), np.float32)
        self._counts = np.zeros((stage.n_slots, 2))

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where likeness and consumption are known, of one person at a time."""
        is_known = stage.vectors is not None and stage.knows_consumption
        return is_known and stage.scenario.is_one_person

    def of(
        self, kind: np.ndarray, is_consumed: np.ndarray, *, slot: np.ndarray, is_first: np.ndarray
    ) -> Consumed:
        """Returns what was consumed of slates in the order of time.

        Args:
          kind: (m, k), rows of `Stage.vectors`.
          is_consumed: (m, k).
          slot: (m,), whose.
          is_first: (m,), whether a visit begins with it.
        """
        total, squares = slate_sums(self._vectors, kind, is_consumed)
        counts = np.stack([is_consumed.sum(axis=1), squares], axis=1, dtype=float)
        before = sums_before(slot, is_first, total, self._total)
        counts_before = sums_before(slot, is_first, counts, self._counts)
        return Consumed(
            *(total, before, counts[:, 0], counts_before[:, 0]),
            *(counts[:, 1], counts_before[:, 1]),
        )
