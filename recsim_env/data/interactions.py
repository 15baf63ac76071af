"""Who was shown what and how it went: the one table that every recommender is fitted to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.log import InteractionLog


@dataclass(frozen=True, eq=False, kw_only=True)
class Interactions:
    """One row for each item that somebody was shown, or consumed, in order of time.

    A real log tells what people consumed; a run's log also tells what they were shown and passed
    over, and what they saw around it.

    Attributes:
      user, item: (n,), dense ids, 0 <= user < n_users and 0 <= item < n_items.
      reward: (n,) float, what the item earned: a rating, 1 for a click, 0 where it was passed over.
      n_users, n_items: how many there are, with or without rows.
      examination_probability: (n,) float, how likely the person looked at the item, in [0, 1].
      session: (n,), whole numbers: rows of one session have the same.
      slate: (n,), whole numbers: rows shown together have the same; it never falls.
      features: (n, F) float32, the item as it looked then; F may be 0.
      context: (n, G) float32, the person and the moment; G may be 0.
    """

    user: NDArray[np.integer[Any]]
    item: NDArray[np.integer[Any]]
    reward: NDArray[np.floating[Any]]
    n_users: int
    n_items: int
    examination_probability: NDArray[np.floating[Any]]
    session: NDArray[np.integer[Any]]
    slate: NDArray[np.integer[Any]]
    features: NDArray[np.float32]
    context: NDArray[np.float32]

    @classmethod
    def of(cls, log: InteractionLog, *, seed: int = 0) -> Interactions:
        """Returns the rows of a real log in the order of `InteractionLog.by_time`."""
        order = log.by_time(seed=seed)
        user, item = log.user[order], log.item[order]
        return cls(
            user=user,
            item=item,
            reward=log.rating[order],
            n_users=log.n_users,
            n_items=log.n_items,
            examination_probability=np.ones(len(log), np.float32),
            session=log.sessions()[order],
            slate=np.arange(len(log)),
            features=log.item_features[item],
            context=log.user_features[user],
        )

    def __len__(self) -> int:
        return len(self.user)

    def select(self, rows: NDArray[Any] | slice) -> Interactions:
        """Returns the table of some rows (a slice, a mask, or positions in order)."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        columns = {k: v[rows] for k, v in values.items() if isinstance(v, np.ndarray)}
        return Interactions(**(values | columns))

    @cached_property
    def liking(self) -> NDArray[np.float64]:
        """(n,), how much each row was liked: its reward, in units of a typical liked row's.

        What was consumed without earning anything, or at a loss, was not liked.
        """
        reward = np.maximum(self.reward.astype(np.float64), 0.0)
        typical = reward[reward > 0].mean() if (reward > 0).any() else 1.0
        return np.asarray(reward / typical)

    def evidence(self, skip_weight: float) -> tuple[NDArray[np.float64], float]:
        """Returns how much each row speaks for its item, and how much one not liked against it.

        A liked row counts for its item by `liking`, any other one against it by its examination
        probability times skip_weight sum(liking) / sum(examination probability of the others): at
        skip_weight 1 a log counts as much for as against, however rare likes are.
        """
        is_liked = self.liking > 0
        passed = np.where(is_liked, 0.0, self.examination_probability)
        against = float(skip_weight * self.liking.sum() / max(passed.sum(), 1.0))
        return np.where(is_liked, self.liking, -against * passed), against

    def likes(self) -> sparse.csr_array:
        """Returns people x items, (n_users, n_items), what they liked; repeated rows are summed."""
        liked = self.liking > 0
        values = (self.liking[liked], (self.user[liked], self.item[liked]))
        return sparse.csr_array(values, shape=(self.n_users, self.n_items))

    def recent(self, rows: NDArray[np.integer[Any]], length: int) -> NDArray[np.int64]:
        """Returns what each row's person had liked in the same session, before that slate.

        Args:
          rows: (m,) positions.
          length: how many items at most.

        Returns:
          (m, length), the latest last; -1 where there were fewer.
        """
        return _latest(
            *self._liked_before(self.session, self.session[rows], self.slate[rows]), length
        )

    def history(self, rows: NDArray[np.integer[Any]], length: int) -> NDArray[np.int64]:
        """Returns what each row's person had liked before that slate, ever; see `recent`."""
        return _latest(*self.liked_before(rows), length)

    def histories(self, length: int) -> NDArray[np.int64]:
        """Returns what everybody liked, (n_users, length), the latest last; -1 is none."""
        everybody = np.arange(self.n_users)
        return _latest(*self._liked_before(self.user, everybody, self._n_slates), length)

    def liked_before(
        self, rows: NDArray[np.integer[Any]]
    ) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64], NDArray[np.int64]]:
        """Returns all that was liked, and which part of it each row's person had liked before.

        Returns:
          The liked items, one person after the other, each in order of time; where in it the
          person of each row begins, (m,), and where what they liked before the slate ends, (m,).
        """
        return self._liked_before(self.user, self.user[rows], self.slate[rows])

    @property
    def _n_slates(self) -> int:
        """More than the number of any slate."""
        return int(self.slate[-1]) + 1 if len(self) else 1

    def _liked_before(
        self, owner: NDArray[Any], whose: NDArray[Any], slate: NDArray[Any] | int
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        """Returns what was liked, by owner, and where that of `whose` begins and ends."""
        n_slates = self._n_slates + 1
        key = owner.astype(np.int64) * n_slates + self.slate
        liked = np.flatnonzero(self.liking > 0)
        liked = liked[np.argsort(key[liked], kind="stable")]
        start = whose.astype(np.int64) * n_slates
        first, end = np.searchsorted(key[liked], start), np.searchsorted(key[liked], start + slate)
        return self.item[liked], first, end


def _latest(
    item: NDArray[Any], first: NDArray[np.int64], end: NDArray[np.int64], length: int
) -> NDArray[np.int64]:
    """Returns the last items of parts of a list, (n_parts, length), -1 where there are fewer."""
    place = end[:, None] - np.arange(length, 0, -1)
    found = np.append(item, -1)[np.clip(place, 0, len(item))]
    return np.where(place >= first[:, None], found, -1)
