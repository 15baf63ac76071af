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
        self._name = np.zeros(stage.n_visits, np.int64)  # of who came, by visit
        self._tastes: dict[int, np.ndarray] = {}
        self._consumed: list[np.ndarray] = []
        self._n_pending = 0

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where it is known which items people consumed, and what they like."""
        return bool(stage.scenario.n_items and stage.knows_consumption and stage.taste_fields)

    def add(self, served: Served) -> None:
        """Adds slates."""
        self._meet(served)
        counts = served.is_consumed & self._is_kept[served.visit][:, None]
        name = np.broadcast_to(self._name[served.visit][:, None], counts.shape)
        # What was consumed twice counts once.
        pairs = np.unique(np.stack([name[counts], served.item_id[counts]]), axis=1)
        self._consumed.append(pairs)
        self._n_pending += pairs.shape[1]
        if self._n_pending > _PENDING:
            self._consumed, self._n_pending = [self._all_consumed()], 0

    def _meet(self, served: Served) -> None:
        """Notes who began a visit, and the taste of those who had not come before."""
        began = served.began
        self._name[began.visit] = began.user_id if self._stage.scenario.n_users else began.visit
        names = self._name[began.visit]
        is_new = self._is_kept[began.visit] & ~np.isin(names, list(self._tastes))
        for name, user in zip(names[is_new].tolist(), began.users[is_new], strict=True):
            fields = (np.ravel(user[field]) for field in self._stage.taste_fields)
            self._tastes[name] = np.concatenate(list(fields))

    def _all_consumed(self) -> np.ndarray:
        return np.unique(np.concatenate(self._consumed, axis=1), axis=1)

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns the overlap of similar people and of any two, and how much more than needed."""
        n = len(self._tastes)
        if n < 2:
            return {}
        names = np.sort(np.array(list(self._tastes)))
        tastes = np.array([self._tastes[name] for name in names.tolist()], dtype=float)
        name, item = self._all_consumed()
        cells = np.ones(len(name)), (np.searchsorted(names, name), item)
        consumed = sparse.csr_matrix(cells, (n, self._stage.scenario.n_items))
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
