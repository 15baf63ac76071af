"""The task that a protocol makes of a log: whom to rank, over which items, and what is relevant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.agents.recommenders.query import RECENT, Query
from recsim_env.benchmark.ranking.protocol import RankingProtocol
from recsim_env.data.interactions import Interactions
from recsim_env.data.log import InteractionLog, n_by_chance

Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class RankingTask:
    """A log cut into training rows, and a question about every person who is ranked.

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
        log = log.canonical(seed=protocol.split_seed)
        log = log.core(min_user=protocol.min_user, min_item=protocol.min_item)
        is_held_out = _held_out(log, protocol)
        table = Interactions.of(log, seed=protocol.split_seed)
        train, later = table.select(~is_held_out), table.select(is_held_out)
        known, relevant = _pairs(train), _pairs(later.select(later.reward > 0))
        is_new = relevant - relevant.multiply(known) > 0
        was_met, consumed = np.diff(known.indptr) > 0, _pairs(table)
        is_asked = (np.diff(is_new.indptr) > 0) & was_met
        n_others = _n_others(protocol, known, is_new, consumed)
        _check_fit(protocol, log, n_others[is_asked])
        has_choice = n_others >= (protocol.negatives or 1)
        people = np.flatnonzero(is_asked & has_choice)
        if not (train.reward > 0).any():
            raise ValueError(f"all likes of {log.name} are held out; use a log with more of them")
        asking = np.flatnonzero(is_held_out)[np.unique(later.user, return_index=True)[1]]
        asking = asking[np.isin(table.user[asking], people)]
        kept = is_new[people]
        return cls(
            train=train,
            people=people,
            context=table.context[asking],
            recent=_recent(table, ~is_held_out, asking),
            relevant=kept,
            known=known[people],
            consumed=consumed[people],
            item_features=log.item_features,
            about=(
                *_about_size(log, protocol, kept),
                *_about_left_out(protocol, relevant, kept, is_asked, was_met, has_choice),
                *_about_likes(table),
                *_about_chance(log, protocol, is_held_out, people),
            ),
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
    """Returns which rows, which are in order of time, are held out."""
    if protocol.protocol == "time":
        if log.time is None:
            raise ValueError(f"{log.name} has no times; use the protocol leave-one-out")
        is_later = np.asarray(log.time > np.quantile(log.time, 1.0 - protocol.held_out))
        if not is_later.any():
            raise ValueError(
                f"held_out={protocol.held_out:g} cuts {log.name} within its last moment, which has "
                f"{np.mean(log.time == log.time.max()):.1%} of the rows; hold out more, or use the "
                "protocol leave-one-out"
            )
        return is_later
    latest_first = np.flatnonzero(log.rating > 0)[::-1]
    is_last = np.zeros(len(log), bool)
    is_last[latest_first[np.unique(log.user[latest_first], return_index=True)[1]]] = True
    return is_last


def _n_others(
    protocol: RankingProtocol,
    known: sparse.csr_array,
    is_new: sparse.csr_array,
    consumed: sparse.csr_array,
) -> Integers:
    """Returns how many items each person has besides the relevant ones, to rank or sample from."""
    had = known + is_new if protocol.negatives is None else consumed
    return known.shape[1] - np.diff(had.indptr)


def _check_fit(protocol: RankingProtocol, log: InteractionLog, n_others: Integers) -> None:
    """Raises ValueError where nobody can be ranked, or there are too few items for the lists."""
    if not len(n_others):
        raise ValueError(
            f"nobody in {log.name} has rows before and new liked items after the cut; liked are "
            "ratings above 0"
        )
    if max(protocol.k) > log.n_items:
        longest = max(protocol.k)
        raise ValueError(f"k={longest} exceeds the {log.n_items} items of the log; use less")
    most = n_others.max()
    if not most:
        raise ValueError(f"everybody in {log.name} had all items but the right ones; add items")
    if protocol.negatives is not None and protocol.negatives > most:
        raise ValueError(
            f"negatives={protocol.negatives} exceeds the {most} items that anybody never consumed; "
            "use fewer, or all"
        )


def _pairs(table: Interactions) -> sparse.csr_array:
    """Returns people x items, True where they have a row."""
    shape = (table.n_users, table.n_items)
    ones = np.ones(len(table), np.int32)
    return sparse.csr_array((ones, (table.user, table.item)), shape=shape) > 0


def _recent(table: Interactions, is_train: NDArray[np.bool_], asking: Integers) -> Integers:
    """Returns what was liked, in training rows, in the sessions to which the asking rows belong."""
    rows = np.concatenate([np.flatnonzero(is_train), asking])
    asked = replace(table.select(rows), slate=np.arange(len(rows)))
    return asked.recent(np.arange(len(rows) - len(asking), len(rows)), RECENT)


def _about_size(
    log: InteractionLog, protocol: RankingProtocol, kept: sparse.csr_array
) -> tuple[str, ...]:
    """Returns what was kept, in sentences."""
    return (
        f"{len(log):,} rows of {log.n_users:,} people and {log.n_items:,} items, after leaving out "
        f"items with fewer than {protocol.min_item} rows and people with fewer than "
        f"{protocol.min_user}.",
        f"{kept.shape[0]:,} people are ranked, with {kept.nnz:,} right items in all.",
    )


def _about_left_out(
    protocol: RankingProtocol,
    relevant: sparse.csr_array,
    kept: sparse.csr_array,
    is_asked: NDArray[np.bool_],
    was_met: NDArray[np.bool_],
    has_choice: NDArray[np.bool_],
) -> tuple[str, ...]:
    """Returns who and what is not ranked, in sentences."""
    n_strangers = int(((np.diff(relevant.indptr) > 0) & ~was_met).sum())
    n_repeats = int(relevant[was_met & (has_choice | ~is_asked)].nnz - kept.nnz)
    n_full, least = int((is_asked & ~has_choice).sum()), protocol.negatives or 1
    said = (
        f"Left out: {n_strangers:,} people without training rows, and {n_repeats:,} right items "
        "that their people had in training.",
    )
    if not n_full:
        return said
    return (*said, f"Left out too: {n_full:,} people who had all but fewer than {least} items.")


def _about_likes(table: Interactions) -> tuple[str, ...]:
    """Returns how many rows and people do not count as liking anything, in a sentence."""
    is_liked = table.reward > 0
    if is_liked.all():
        return ()
    n_people = len(np.unique(table.user)) - len(np.unique(table.user[is_liked]))
    return (
        f"{int((~is_liked).sum()):,} rows with a rating of 0 or less count as not liked; "
        f"{n_people:,} people liked nothing and are left out too.",
    )


def _about_chance(
    log: InteractionLog,
    protocol: RankingProtocol,
    is_held_out: NDArray[np.bool_],
    people: Integers,
) -> tuple[str, ...]:
    """Returns how many of the ranked people's held-out rows were drawn by chance, in a sentence.

    A cut by time leaves nothing to chance, but rows of one moment may make their share another one.
    """
    if protocol.protocol == "time":
        n = int(is_held_out.sum())
        if abs(n / len(log) - protocol.held_out) < 0.005:
            return ()
        return (f"As a moment is not cut, {n:,} rows, {n / len(log):.1%} of all, are held out.",)
    held_out = log.select(is_held_out & np.isin(log.user, people))
    n = n_by_chance(log.select(~is_held_out & (log.rating > 0)), held_out)
    of = (
        "several of their person's last moment"
        if log.time is not None
        else "all that they liked, as there are no times"
    )
    return (
        f"{n:,} of {len(held_out):,} held-out rows were drawn by chance from {of} "
        f"(split seed {protocol.split_seed}).",
    )
