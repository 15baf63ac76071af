"""How alike people are made: what those of similar taste, and any two, both consumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from recsim_env.metrics.overlap import anybody, mean_overlap, nearest
from recsim_env.metrics.served import Served, Stage

if TYPE_CHECKING:
    from recsim_env.metrics.meter import Backdrop

#: People whose consumption is remembered, the first to come.
MOST_PEOPLE = 1000

#: Consumed items after which what is remembered twice is forgotten.
_PENDING = 2**18


class Overlap:
    """How much of what people consumed they have in common, all their visits together.

    Remembered are the first `MOST_PEOPLE` people by their `user_id`, or by the visit where they
    have none: 8 bytes for each item that one of them consumed, and their tastes.

    Source: see `recsim_env.metrics.overlap.mean_overlap`.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._visitor = np.full(stage.n_visits, -1)  # the place of who came, by visit
        self._places: dict[int, int] = {}
        self._tastes: list[np.ndarray] = []
        self._consumed: list[np.ndarray] = []
        self._n_pending = 0

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where it is known which items people consumed, and what they like."""
        return bool(stage.scenario.n_items and stage.knows_consumption and taste_fields(stage))

    def add(self, served: Served) -> None:
        """Adds slates."""
        self._meet(served)
        place = self._visitor[served.visit]
        counts = served.is_consumed & (place >= 0)[:, None]
        keys = place[:, None] * self._stage.scenario.n_items + served.item_id
        self._consumed.append(np.unique(keys[counts]))
        self._n_pending += len(self._consumed[-1])
        if self._n_pending > _PENDING:
            self._consumed, self._n_pending = [np.unique(np.concatenate(self._consumed))], 0

    def _meet(self, served: Served) -> None:
        """Notes who began a visit, and the taste of those who had not come before."""
        began = served.began
        names = began.user_id if self._stage.scenario.n_users else began.visit
        fields = taste_fields(self._stage)
        for visit, name, user in zip(began.visit, names.tolist(), began.users, strict=True):
            place = self._places.get(name, len(self._places))
            if place >= MOST_PEOPLE:
                continue
            if place == len(self._places):
                self._places[name] = place
                self._tastes.append(np.concatenate([np.ravel(user[field]) for field in fields]))
            self._visitor[visit] = place

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns the overlap of similar people and of any two, and how much more than needed."""
        n = len(self._places)
        if n < 2:
            return {}
        consumed, tastes = self._matrix(), np.array(self._tastes, dtype=float)
        found = {
            "overlap_similar": mean_overlap(consumed, nearest(tastes)),
            "overlap_others": mean_overlap(consumed, anybody(n)),
        }
        if backdrop is not None and backdrop.oracle is not None:
            needed = backdrop.oracle.values.get("overlap_similar", np.nan)
            found["homogenization"] = found["overlap_similar"] - needed
        return found

    def _matrix(self) -> sparse.csr_matrix:
        """Returns who consumed what, (n_people, n_items), 1 where they did."""
        n_items = self._stage.scenario.n_items
        keys = np.unique(np.concatenate([np.empty(0, np.int64), *self._consumed]))
        shape = (len(self._places), n_items)
        return sparse.csr_matrix((np.ones(len(keys)), (keys // n_items, keys % n_items)), shape)

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns nothing that others are compared with."""
        return {}


def taste_fields(stage: Stage) -> tuple[str, ...]:
    """Returns the fields of `user` that hold what people like; none where it is not declared."""
    return tuple(stage.scenario.state_groups.get("taste", ()))
