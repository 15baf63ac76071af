"""Sampled items that stand for "not clicked", for logs that hold clicks only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.calibration.observed_choice import passed_over
from recsim_env.data.impressions import Impressions
from recsim_env.data.log import InteractionLog
from recsim_env.data.repeats import distinct


def ratings_matrix(log: InteractionLog, unclicked_per_click: int, seed: int) -> sparse.csr_array:
    """Returns the ratings of a log, or of a log of clicks: 1 for a click, 0 for sampled others.

    Where the log tells what was shown, a click counts as the share of the times that the person was
    shown the item in which it was clicked.
    """
    rows = with_unclicked(log, log, unclicked_per_click, seed)
    if log.impressions is not None and not log.is_explicit:
        shares = _click_shares(log, log.impressions)
        rows = replace(rows, rating=np.append(shares, rows.rating[len(log) :]))
    return rows.matrix()


def _click_shares(log: InteractionLog, shown: Impressions) -> NDArray[np.float64]:
    """Returns, for each click, how many of the impressions of its user and item were clicked."""
    pair = shown.user.astype(np.int64) * log.n_items + shown.item
    known, number = np.unique(pair, return_inverse=True)
    share = np.bincount(number, shown.is_clicked) / np.bincount(number)
    own = log.user.astype(np.int64) * log.n_items + log.item
    place = np.minimum(np.searchsorted(known, own), len(known) - 1)
    return np.where(known[place] == own, share[place], 1.0)


def with_unclicked(
    log: InteractionLog, everything: InteractionLog, unclicked_per_click: int, seed: int
) -> InteractionLog:
    """Returns a log of clicks with sampled rows of rating 0 appended; ratings come back unchanged.

    For each click of a user, items are drawn uniformly among those that this user never clicked in
    `everything`, without repeats, as far as there are any. They stand for not clicking in the
    context of one of this user's clicks. Where the log tells what was shown, these are random ones
    of the items that were shown and not clicked, in the contexts in which they were.

    Args:
      log: the clicks.
      everything: what must not be drawn.
      unclicked_per_click: how many rows to append per click.
      seed: of the drawn items.
    """
    if log.is_explicit:
        return log
    n_items = log.n_items
    wanted = np.repeat(np.arange(len(log)), unclicked_per_click)
    user = log.user[wanted].astype(np.int64)
    taken = distinct(everything.user.astype(np.int64) * n_items + everything.item)
    if log.impressions is not None:
        rows = passed_over(log, log.impressions, taken, unclicked_per_click, seed)
        if len(rows):
            return _with_passed(log, log.impressions, rows)
    drawn = _distinct_pairs(user, n_items, taken, np.random.default_rng(seed))
    n_rows, owner = len(drawn), (drawn // n_items).astype(np.int32)
    context = None
    if log.context is not None:
        moment = _some_row_of(owner, log.user, np.random.default_rng([seed, 1]))
        context = np.concatenate([log.context, log.context[moment]])
    return replace(
        log,
        user=np.append(log.user, owner),
        item=np.append(log.item, (drawn % n_items).astype(np.int32)),
        rating=np.append(np.ones(len(log)), np.zeros(n_rows)),
        time=None,
        context=context,
    )


def _with_passed(
    log: InteractionLog, shown: Impressions, rows: NDArray[np.int64]
) -> InteractionLog:
    """Returns a log with impressions, by their rows, appended with rating 0."""
    context = log.context
    return replace(
        log,
        user=np.append(log.user, shown.user[rows]),
        item=np.append(log.item, shown.item[rows]),
        rating=np.append(np.ones(len(log)), np.zeros(len(rows))),
        time=None,
        context=None if context is None else np.concatenate([context, shown.context[rows]]),
    )


def _some_row_of(
    owner: NDArray[np.int32], user: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Returns for each owner a row of theirs, drawn at random."""
    order = np.argsort(user, kind="stable")
    count = np.bincount(user)
    first = np.cumsum(count) - count
    return order[first[owner] + (rng.random(len(owner)) * count[owner]).astype(np.int64)]


def _distinct_pairs(
    user: NDArray[np.int64], n_items: int, taken: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Returns user · n_items + item for random free items; collisions are redrawn a few times."""
    found = np.empty(0, np.int64)
    for _ in range(20):
        pair = user * n_items + rng.integers(n_items, size=len(user))
        is_free = ~np.isin(pair, taken) & ~np.isin(pair, found)
        fresh, first = np.unique(pair[is_free], return_index=True)
        found = np.append(found, fresh)
        user = np.delete(user, np.flatnonzero(is_free)[first])
        if not len(user):
            break
    return found
