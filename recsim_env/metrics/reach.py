"""What reaches items and their makers: who is shown, in proportion to what people would like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from recsim_env.metrics.exposure import (
    attention_gap,
    average_popularity,
    by_group,
    coverage,
    expected_exposure,
    exposure_ratio,
    gini,
    lesser_half,
    long_tail,
    tail_share,
)
from recsim_env.metrics.served import Served, Stage

if TYPE_CHECKING:
    from recsim_env.metrics.measurement import Backdrop

#: Groups of makers of equal size, from those of least merit to those of most.
N_TIERS = 10

#: People who are asked what they think of all items, of the first visits of each slot.
N_ASKED = 100

#: Answers that this takes at most: of large catalogues fewer people are asked, one at least.
MOST_ANSWERS = 2**22


#: Of `Measurement.details`: what people expect of each item on average.
MERIT = "merit"


class Reach:
    """How much of the catalogue is shown, and how evenly; 16 bytes an item.

    Where items have no ids, it is categories that are shown.

    Source: see `recsim_env.metrics.exposure`.
    Differs: exposure is how likely a place was looked at, given what was clicked.
    """

    def __init__(self, stage: Stage) -> None:
        self._scenario = stage.scenario
        n = stage.scenario.n_items or stage.n_categories
        self._shown, self._looked_at = np.zeros(n), np.zeros(n)

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where items, or else their categories, can be told apart."""
        return bool(stage.scenario.n_items or stage.n_categories)

    def add(self, served: Served) -> None:
        """Adds slates."""
        what = served.item_id if self._scenario.n_items else served.category
        is_shown, n = served.is_shown, len(self._shown)
        looked_at = self._scenario.examination_probability(served.is_consumed)[is_shown]
        self._shown += np.bincount(what[is_shown], minlength=n)
        self._looked_at += np.bincount(what[is_shown], looked_at, n)

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns coverage, Gini and, of items, how far exposure is from the oracle's."""
        found = {"coverage": coverage(self._shown), "exposure_gini": gini(self._looked_at)}
        if not self._scenario.n_items or backdrop is None or backdrop.oracle is None:
            return found
        parts = expected_exposure(self._looked_at, backdrop.oracle.details["looked_at"])
        return found | {
            "exposure_loss": parts.loss,
            "exposure_disparity": parts.disparity,
            "exposure_relevance": parts.relevance,
        }

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns the exposure by item."""
        return {"looked_at": self._looked_at}


class Popularity:
    """How popular is what is shown, and what becomes of makers whose items are not.

    Popularity, and merit, of an item is what the first people to come expect of it on average, the
    scenario's true `expected_reward` as their visit begins: it is the same for all agents, whatever
    they show. 24 bytes an item.

    Source: see `recsim_env.metrics.exposure`.
    Differs: popularity is of true liking, where a log has only counts of what was shown and taken.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        n = stage.scenario.n_items
        self._shown, self._looked_at = np.zeros(n), np.zeros(n)
        self._n_to_ask = max(1, min(N_ASKED, MOST_ANSWERS // n))
        self._asked: list[np.ndarray] = []

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where any item may be offered at any time, and it is known who likes it."""
        scenario = stage.scenario
        is_known = scenario.outlook("expected_reward") is not None
        return bool(scenario.n_items and scenario.is_lasting and is_known)

    def add(self, served: Served) -> None:
        """Adds slates, and notes the first people, who are asked what they think of all items."""
        is_shown, n = served.is_shown, len(self._shown)
        what = served.item_id[is_shown]
        looked_at = self._stage.scenario.examination_probability(served.is_consumed)[is_shown]
        self._shown += np.bincount(what, minlength=n)
        self._looked_at += np.bincount(what, looked_at, n)
        is_first = served.began.visit % self._stage.n_episodes == 0
        n_left = self._n_to_ask - sum(map(len, self._asked))
        if n_left:
            self._asked.append(served.began.users[is_first][:n_left])

    def _answers(self) -> np.ndarray:
        """Returns what people expect of each item on average, 0 at least."""
        env, liking = self._stage.env, np.zeros(len(self._shown))
        for users in self._asked:
            liking += env.liking_of(users, env.catalogue).sum(axis=0)
        return np.maximum(liking / max(1, sum(map(len, self._asked))), 0.0)

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns how popular is what is shown and, where items have makers, how these fare."""
        merit = self._answers() if backdrop is None else backdrop.uniform.details[MERIT]
        self._merit = merit
        found = {
            "popularity": average_popularity(self._shown, merit),
            "tail_share": tail_share(self._shown, long_tail(merit)),
        }
        return found | self._of_makers(merit)

    def _of_makers(self, merit: np.ndarray) -> dict[str, float]:
        name = self._stage.scenario.maker
        if name is None:
            return {}
        maker = self._stage.env.catalogue[name].astype(np.int64)
        n = int(maker.max()) + 1
        has_items = np.bincount(maker, minlength=n) > 0
        exposure, due = (by_group(each, maker, n)[has_items] for each in (self._looked_at, merit))
        tier = tiers(due)
        return {
            "maker_gini": gini(exposure),
            "attention_gap": attention_gap(
                by_group(exposure, tier, N_TIERS), by_group(due, tier, N_TIERS)
            ),
            "exposure_ratio": exposure_ratio(exposure, due, lesser_half(due)),
        }

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns what people expect of each item, who are the same for all agents."""
        return {MERIT: self._merit}


def tiers(merit: np.ndarray, n_tiers: int = N_TIERS) -> np.ndarray:
    """Returns to which of `n_tiers` groups of about one size makers belong, the least merit first.

    >>> tiers(np.array([5.0, 1.0, 3.0, 4.0]), 2)
    array([1, 0, 0, 1])
    """
    rank = np.empty(len(merit), np.int64)
    rank[np.argsort(merit, kind="stable")] = np.arange(len(merit))
    return rank * n_tiers // max(1, len(merit))


class ActiveMakers:
    """How many makers are still there when episodes end, of those that there were."""

    def __init__(self, stage: Stage) -> None:
        field = stage.scenario.active_makers
        assert field is not None
        self._field = field
        self._before: list[np.ndarray] = []
        self._after: list[np.ndarray] = []

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where makers come and leave."""
        return stage.scenario.active_makers is not None

    def add(self, served: Served) -> None:
        """Adds slates."""
        self._before.append(served.began.users[self._field])
        self._after.append(served.ended.users[self._field])

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns the share of makers who are there at the end, of those at the beginning."""
        before, after = np.concatenate(self._before), np.concatenate(self._after)
        return {"makers_active": float(after.mean() / before.mean())} if len(after) else {}

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns nothing that others are compared with."""
        return {}
