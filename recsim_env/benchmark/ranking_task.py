"""What is asked of recommenders on a real log: whom to rank, over which items, what is right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.agents.recommender import RECENT, Query
from recsim_env.data.interactions import Interactions
from recsim_env.data.log import InteractionLog

PROTOCOLS = ("leave-one-out", "time")

Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True)
class RankingProtocol:
    """Which rows of a log are held out, and among what they are to be found.

    The defaults are those of the published table in `Source`: of everybody the last row is held
    out, and its item is ranked with 99 items that the person never consumed.

    Attributes:
      protocol: "leave-one-out" holds out everybody's last row that earned anything. Of rows at the
        same last moment it is the one whose item comes first in the log. "time" holds out
        all rows after one moment.
      negatives: items sampled for each person beside the right one, from those that the person
        never consumed; None ranks all items but those that the person had in training.
      held_out: share of rows after the moment ("time" only).
      min_user, min_item: rows that people and items have at least; see `InteractionLog.core`.
      k: lengths of lists.

    Raises:
      ValueError: a setting out of range.

    Source: Ferrari Dacrema et al. 2021, "A troubling analysis of reproducibility and progress in
      recommender systems research", table 98, for MovieLens-100K.
    """

    protocol: str = "leave-one-out"
    negatives: int | None = 99
    held_out: float = 0.1
    min_user: int = 20
    min_item: int = 5
    k: tuple[int, ...] = (10,)

    def __post_init__(self) -> None:
        is_time = self.protocol == "time"
        self._require("protocol", self.protocol in PROTOCOLS, f"one of {', '.join(PROTOCOLS)}")
        self._require("held_out", 0 < self.held_out < 1, "more than 0 and less than 1")
        for name in ("min_user", "min_item"):
            self._require(name, getattr(self, name) >= 1, "1 or more")
        is_given = self.negatives is None or self.negatives >= 1
        self._require("negatives", is_given, "all, or 1 or more")
        self._require("negatives", not is_time or self.negatives is None, "all with protocol time")
        self._require("k", bool(self.k) and min(self.k) >= 1, "lengths of 1 or more")
        if self.negatives is not None:
            self._require("k", max(self.k) <= self.negatives + 1, "at most the candidates")

    def _require(self, name: str, holds: bool, allowed: str) -> None:
        if not holds:
            raise ValueError(f"{name}={getattr(self, name)!r} is not allowed; use {allowed}")


@dataclass(frozen=True, eq=False, kw_only=True)
class RankingTask:
    """A log cut into what recommenders are fitted to and what they are asked.

    Attributes:
      train: what they are fitted to.
      people: (n,), who is ranked; they have rows in `train`.
      context: (n, G), of these people.
      recent: (n, RECENT), what they had just liked when the held-out rows begin; see `Query`.
      relevant: people x items, what they went on to like and did not have yet.
      known: people x items, what they had in training.
      consumed: people x items, what they ever had.
      item_features: (n_items, F).
      about: sentences on what was kept and left out.
    """

    train: Interactions
    people: Integers
    context: NDArray[np.float32]
    recent: Integers
    relevant: sparse.csr_array
    known: sparse.csr_array
    consumed: sparse.csr_array
    item_features: NDArray[np.float32]
    about: tuple[str, ...]

    @classmethod
    def of(cls, log: InteractionLog, protocol: RankingProtocol) -> RankingTask:
        """Returns the task that a protocol makes of a log.

        Raises:
          ValueError: nobody is left to be ranked, nothing was liked before, a log without times is
            to be cut by time, or there are too few items.
        """
        log = log.core(min_user=protocol.min_user, min_item=protocol.min_item)
        is_held_out = _held_out(log, protocol)
        if log.time is not None:
            order = np.argsort(log.time, kind="stable")
            log, is_held_out = log.select(order), is_held_out[order]
        table = Interactions.of(log)
        train, later = table.select(~is_held_out), table.select(is_held_out)
        known, relevant = _pairs(train), _pairs(later.select(later.reward > 0))
        is_new = relevant - relevant.multiply(known) > 0
        was_met = np.diff(known.indptr) > 0
        people = np.flatnonzero((np.diff(is_new.indptr) > 0) & was_met)
        if not len(people):
            raise ValueError(
                f"nobody in {log.name} has rows before and new liked items after the cut"
            )
        asking = np.flatnonzero(is_held_out)[np.unique(later.user, return_index=True)[1]]
        asking = asking[np.isin(table.user[asking], people)]
        consumed = _pairs(table)[people]
        _check_fit(protocol, consumed)
        if not (train.reward > 0).any():
            raise ValueError(f"all likes of {log.name} are held out; use a log with more of them")
        return cls(
            train=train,
            people=people,
            context=table.context[asking],
            recent=_recent(table, ~is_held_out, asking),
            relevant=is_new[people],
            known=known[people],
            consumed=consumed,
            item_features=log.item_features,
            about=_about(log, protocol, relevant, is_new[people], was_met),
        )

    def query(self, rows: slice, item: Integers | None) -> Query:
        """Returns the question about some of the people; see `Query` for `item`."""
        n, features = len(self.people[rows]), None
        if self.item_features.shape[1] and item is not None:
            features = self.item_features[item]
        elif self.item_features.shape[1]:
            features = np.broadcast_to(self.item_features, (n, *self.item_features.shape))
        return Query(
            user=self.people[rows],
            item=item,
            features=features,
            context=self.context[rows],
            recent=self.recent[rows],
        )

    def sampled(self, n: int, rng: np.random.Generator) -> Integers:
        """Returns each person's right item and n that they never consumed, (n_people, 1 + n)."""
        n_items = self.train.n_items
        candidates = np.empty((len(self.people), 1 + n), np.int64)
        candidates[:, 0] = self.relevant.indices
        for row in range(len(self.people)):
            start, stop = self.consumed.indptr[row : row + 2]
            had = np.sort(self.consumed.indices[start:stop])
            place = rng.choice(n_items - len(had), n, replace=False)
            # The j-th item not had is j + how many had items come before it.
            candidates[row, 1:] = place + np.searchsorted(had - np.arange(len(had)), place, "right")
        return candidates


def _held_out(log: InteractionLog, protocol: RankingProtocol) -> NDArray[np.bool_]:
    """Returns which rows are held out."""
    if protocol.protocol == "time":
        if log.time is None:
            raise ValueError(f"{log.name} has no times; use the protocol leave-one-out")
        return np.asarray(log.time > np.quantile(log.time, 1.0 - protocol.held_out))
    time = np.arange(len(log)) if log.time is None else log.time
    appearance = np.full(log.n_items, len(log))
    np.minimum.at(appearance, log.item, np.arange(len(log)))
    order = np.lexsort((appearance[log.item], -time, log.rating <= 0, log.user))
    is_last = np.zeros(len(log), bool)
    is_last[order[np.append(True, np.diff(log.user[order]) != 0)]] = True
    return is_last & (log.rating > 0)


def _check_fit(protocol: RankingProtocol, consumed: sparse.csr_array) -> None:
    """Raises ValueError where there are too few items for the lists, or for the negatives."""
    n_items = consumed.shape[1]
    if max(protocol.k) > n_items:
        raise ValueError(f"k={max(protocol.k)} exceeds the {n_items} items of the log; use less")
    n_open = n_items - np.diff(consumed.indptr).max()
    if protocol.negatives is not None and protocol.negatives > n_open:
        raise ValueError(
            f"negatives={protocol.negatives} exceeds the {n_open} items that somebody never "
            "consumed; use fewer, or all"
        )


def _pairs(table: Interactions) -> sparse.csr_array:
    """Returns people x items, True where they have a row."""
    shape = (table.n_users, table.n_items)
    ones = np.ones(len(table), np.int32)
    return sparse.csr_array((ones, (table.user, table.item)), shape=shape) > 0


def _recent(table: Interactions, is_train: NDArray[np.bool_], asking: Integers) -> Integers:
    """Returns what was liked, in training rows, in the visits to which the asking rows belong."""
    rows = np.concatenate([np.flatnonzero(is_train), asking])
    asked = replace(table.select(rows), slate=np.arange(len(rows)))
    return asked.recent(np.arange(len(rows) - len(asking), len(rows)), RECENT)


def _about(
    log: InteractionLog,
    protocol: RankingProtocol,
    relevant: sparse.csr_array,
    kept: sparse.csr_array,
    was_met: NDArray[np.bool_],
) -> tuple[str, ...]:
    """Returns what was kept and left out, in sentences."""
    has_later = np.diff(relevant.indptr) > 0
    n_strangers = int((has_later & ~was_met).sum())
    n_repeats = int(relevant[was_met].nnz - kept.nnz)
    return (
        f"{len(log):,} rows of {log.n_users:,} people and {log.n_items:,} items, after leaving out "
        f"items with fewer than {protocol.min_item} rows and people with fewer than "
        f"{protocol.min_user}.",
        f"{kept.shape[0]:,} people are ranked, with {kept.nnz:,} right items in all.",
        f"Left out: {n_strangers:,} people without training rows, and {n_repeats:,} right items "
        "that their people had in training.",
    )
