"""How alike people are made: what those of similar taste, and any two, both consumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from recsim_env.metrics.overlap import anybody, mean_overlap, nearest
from recsim_env.metrics.served import Served, Stage

if TYPE_CHECKING:
    from recsim_env.metrics.measurement import Backdrop

#: Visits of which is remembered what was consumed: the first of every slot, then the second …
MOST_VISITS = 2000

#: Consumed items after which what is remembered twice is forgotten.
_PENDING = 2**18


class Overlap:
    """How much of what people consumed they have in common, all their visits together.

    People are told apart by their `user_id`, or by the visit where they have none. Remembered are
    `MOST_VISITS`, the same for all agents: 8 bytes for each item that somebody consumed in one, and
    their tastes.

    Source: see `recsim_env.metrics.overlap.mean_overlap`.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        slot, episode = np.divmod(np.arange(stage.n_visits), stage.n_episodes)
        self._is_kept = episode * stage.n_slots + slot < MOST_VISITS
        self._place = np.full(stage.n_visits, -1)  # of who came, by visit
        self._places: dict[int, int] = {}
        self._tastes: list[np.ndarray] = []
        self._consumed: list[np.ndarray] = []
        self._n_pending = 0

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where it is known which items people consumed, and what they like."""
        return bool(stage.scenario.n_items and stage.knows_consumption and stage.taste_fields)

    def add(self, served: Served) -> None:
        """Adds slates."""
        self._meet(served)
        place = self._place[served.visit]
        counts = served.is_consumed & (place >= 0)[:, None]
        keys = place[:, None] * self._stage.scenario.n_items + served.item_id
        self._consumed.append(keys[counts])
        self._n_pending += len(self._consumed[-1])
        if self._n_pending > _PENDING:
            self._consumed, self._n_pending = [np.unique(np.concatenate(self._consumed))], 0

    def _meet(self, served: Served) -> None:
        """Notes who began a visit, and the taste of those who had not come before."""
        kept = np.flatnonzero(self._is_kept[served.began.visit])
        if not len(kept):
            return
        visits, users = served.began.visit[kept], served.began.users[kept]
        names = served.began.user_id[kept] if self._stage.scenario.n_users else visits
        fields = [users[field].reshape(len(kept), -1) for field in self._stage.taste_fields]
        tastes = np.concatenate(fields, axis=1)
        for index, name in enumerate(names.tolist()):
            if name not in self._places:
                self._places[name] = len(self._tastes)
                self._tastes.append(tastes[index])
        self._place[visits] = [self._places[name] for name in names.tolist()]

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns the overlap of similar people and of any two, and how much more than needed."""
        n = len(self._tastes)
        if n < 2:
            return {}
        order = np.argsort(list(self._places))  # of names: the same for all agents
        n_items, keys = self._stage.scenario.n_items, np.concatenate(self._consumed)
        cells = np.ones(len(keys)), (keys // n_items, keys % n_items)
        consumed = sparse.csr_matrix(cells, (n, n_items))[order]
        consumed.data[:] = 1.0  # what was consumed again was added up
        tastes = np.array(self._tastes, dtype=float)[order]
        found = {
            "overlap_similar": mean_overlap(consumed, nearest(tastes)),
            "overlap_others": mean_overlap(consumed, anybody(n)),
        }
        if backdrop is not None and backdrop.oracle is not None:
            needed = backdrop.oracle.values.get("overlap_similar", np.nan)
            found["homogenization"] = found["overlap_similar"] - needed
        return found

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns nothing that others are compared with."""
        return {}
