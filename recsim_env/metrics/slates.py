"""Metrics of single slates, whose means are told of the whole and along the session."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsim_env.metrics.consuming import Consuming
from recsim_env.metrics.loops import slate_likeness, slate_means, slate_ranges, slate_sums
from recsim_env.metrics.measurement import Backdrop
from recsim_env.metrics.served import Served, Stage

#: Of `Measurement.details`: how often each item of the catalogue was consumed.
CONSUMPTION = "consumption"


class Liking:
    """How much people truly like what they are shown, item by item."""

    def __init__(self, stage: Stage) -> None:
        pass

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Wherever it is known."""
        return stage.knows_liking

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns the mean over a slate's places."""
        return {"liking": slate_means(served.liking, served.is_shown)}


class Diversity:
    """How unlike the items of a slate are.

    With unit vectors v of n items, the mean of 1 - cosine over pairs is
    1 - (|sum v|² - sum |v|²) / (n (n - 1)).

    Source: Ziegler et al. 2005, "Improving recommendation lists through topic diversification".
    Differs: a distance, where they add up similarities.
    """

    def __init__(self, stage: Stage) -> None:
        self._vectors = stage.vectors

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where slates hold several items whose likeness is known."""
        return stage.scenario.slate_size > 1 and stage.vectors is not None

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns the mean distance of two items."""
        assert self._vectors is not None
        total, squares = slate_sums(self._vectors, served.kind, served.is_shown)
        n = served.is_shown.sum(axis=1)
        return {"diversity": mean_distance((total * total).sum(axis=1), squares, n)}


class FeatureRange:
    """How far apart the items of a slate lie in each direction of their space.

    Source: Willemsen, Graus and Knijnenburg 2016, "Understanding the role of latent feature
      diversification on choice difficulty and satisfaction" (average feature score range), as in
      T-RECS (Lucherini et al. 2021).
    """

    def __init__(self, stage: Stage) -> None:
        self._vectors = np.asarray(stage.env.catalogue[stage.scenario.item_vector], np.float32)

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where slates hold several items that have vectors."""
        return stage.scenario.slate_size > 1 and stage.kinds_are_items

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns the mean over directions of the largest coordinate less the smallest."""
        return {"feature_range": slate_ranges(self._vectors, served.item_id, served.is_shown)}


class Novelty:
    """How rarely others come upon what is shown: self-information -log2 p.

    p is an item's share of what people consume of uniform slates, each item counted once more than
    it was.

    Source: Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender
      systems"; Vargas and Castells 2011, "Rank and relevance in novelty and diversity metrics for
      recommender systems" (free discovery).
    Differs: popularity is that of the same people under uniform slates, not of a log, so that no
      agent changes by what the others are measured.
    """

    def __init__(self, stage: Stage) -> None:
        pass

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where items have ids and consumption is known."""
        return stage.scenario.n_items > 0 and stage.knows_consumption

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns the mean over a slate's places, in bits."""
        if backdrop is None:
            return {}
        counts = backdrop.uniform.details[CONSUMPTION] + 1.0
        surprise = -np.log2(counts / counts.sum())
        return {"novelty": slate_means(surprise[served.item_id], served.is_shown)}


class Serendipity:
    """How much is truly liked and unlike all that the person consumed before in this visit.

    Of an item that is liked better than what uniform slates show on average, the mean distance
    1 - cosine to each item consumed before; of any other item, 0.

    Source: Vargas and Castells 2011 (distance-based novelty, relevance-aware); "liked and
      unexpected" is Ge, Delgado-Battenfeld and Jannach 2010, "Beyond accuracy".
    Differs: relevance is true liking, which only a simulator knows; what was consumed before the
      visit is not counted.
    """

    def __init__(self, stage: Stage) -> None:
        self._vectors = stage.vectors

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where likeness, liking and consumption are known."""
        return Consuming.suits(stage) and stage.knows_liking

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns the mean over places; NaN while nothing was consumed."""
        assert self._vectors is not None and served.consumed is not None
        before, n = served.consumed.before, served.consumed.n_before
        alike = slate_likeness(self._vectors, served.kind, before)
        unexpected = 1.0 - alike / np.where(n > 0, n, np.nan)[:, None]
        if backdrop is None:
            return {}
        is_liked = served.liking > backdrop.uniform.values["liking"]
        return {"serendipity": slate_means(is_liked * unexpected, served.is_shown)}


class Regretted:
    """How much of what people consume they would rather have done without.

    Source: Kleinberg, Mullainathan and Raghavan 2022, "The challenge of understanding what users
      want: inconsistent preferences and engagement optimization" (engagement without value).
    """

    def __init__(self, stage: Stage) -> None:
        pass

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where a scenario knows intentions."""
        return stage.scenario.regretted is not None and stage.knows_consumption

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns the share of the slate's consumed items."""
        return {"regretted": slate_means(served.is_regretted, served.is_consumed)}


class Consumption:
    """Counts what was consumed of a catalogue, for those who are compared with it."""

    def __init__(self, stage: Stage) -> None:
        self._counts = np.zeros(stage.scenario.n_items, np.int64)

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where items have ids and consumption is known."""
        return Novelty.suits(stage)

    def add(self, served: Served) -> None:
        """Counts a block."""
        consumed = served.item_id[served.is_consumed]
        self._counts += np.bincount(consumed, minlength=len(self._counts))

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns nothing: the counts are a detail."""
        return {}

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns the counts."""
        return {CONSUMPTION: self._counts}


def mean_distance(square: np.ndarray, squares: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Returns the mean of 1 - cosine over pairs of n items; NaN of fewer than two.

    Args:
      square: |sum of their unit vectors|².
      squares: sum of |unit vector|², which is n unless vectors are 0.
      n: how many.
    """
    return np.asarray(1.0 - (square - squares) / np.where(n > 1, n * (n - 1.0), np.nan))
