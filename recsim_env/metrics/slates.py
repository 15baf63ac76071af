"""Metrics of single slates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim_env.metrics.measurement import Backdrop
from recsim_env.metrics.served import Served, Stage


class Liking:
    """How much people truly like what they are shown, item by item."""

    def __init__(self, stage: Stage) -> None:
        pass

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Wherever it is known."""
        return stage.scenario.outlook("expected_reward") is not None

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns the mean over a slate's places."""
        return {"liking": mean_of_places(served.liking, served.is_shown)}


class Diversity:
    """How unlike the items of a slate are.

    With unit vectors v of n items, the mean of 1 - cosine over pairs is
    1 - (|sum v|² - sum |v|²) / (n (n - 1)).

    Source: Ziegler et al. 2005, "Improving recommendation lists through topic diversification".
    Differs: a distance, where they add up similarities.
    """

    def __init__(self, stage: Stage) -> None:
        assert stage.vectors is not None
        self._vectors = stage.vectors

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where slates hold several items whose likeness is known."""
        return stage.scenario.slate_size > 1 and stage.vectors is not None

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns the mean distance of two items."""
        shown = self._vectors[served.kind] * served.is_shown[:, :, None]
        n = served.is_shown.sum(axis=1)
        total = shown.sum(axis=1)
        alike = (total * total).sum(axis=1) - (shown * shown).sum(axis=(1, 2))
        pairs = np.where(n > 1, n * (n - 1), np.nan)
        return {"diversity": 1.0 - alike / pairs}


def mean_of_places(values: np.ndarray, is_counted: np.ndarray) -> np.ndarray:
    """Returns the mean over the places that count, (m,); NaN where none does."""
    n = is_counted.sum(axis=1)
    total = np.where(is_counted, values, 0.0).sum(axis=1)
    return np.asarray(total / np.where(n > 0, n, np.nan))
