"""What people did: a log of ratings or clicks with dense ids."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.impressions import Impressions
from recsim_env.data.log_checks import (
    check_context,
    check_described,
    check_ids,
    check_lengths,
    check_share,
)
from recsim_env.data.log_file import read_entries, write_entries
from recsim_env.data.order import by_label, pair_hash
from recsim_env.data.reading import Reading
from recsim_env.data.repeats import one_per_pair
from recsim_env.data.thresholds import rows_of_many, thresholds_that_leave

#: What may stand for several rows of one user and item; see `InteractionLog.once`.
REPEATS = ("error", "first", "last", "sum", "count")


@dataclass(frozen=True, eq=False, kw_only=True)
class InteractionLog:
    """Who consumed what, when, and how they rated it.

    Attributes:
      user, item: (n,) int32, dense ids, 0 <= user < n_users and 0 <= item < n_items.
      rating: (n,) float64; 1.0 everywhere in a log of clicks.
      time: (n,) seconds, >= 0, or None where the log has no times.
      is_explicit: whether people rated (True) or only clicked (False).
      user_labels, item_labels: (n_users,) and (n_items,) text, the source's own ids.
      item_titles: (n_items,) text to show to people; the labels where the source has no titles.
      item_features: (n_items, F) float32, e.g. one column per genre; F may be 0.
      item_feature_names: (F,) text.
      user_features: (n_users, G) float32; G may be 0.
      user_feature_names: (G,) text.
      name: what the log is, for reports.
      context: (n, C) int32, the context of each row, such as its device: one column for each of
        `context_labels`, places in these; None where the log has no contexts.
      context_labels: the labels of each context, in the order of the columns, by its name.
      impressions: what people were shown, in a log of clicks that tells it.
      reading: how it was read from a file, if it was; `print(log.reading)` says which column was
        taken for what, and which rows were left out.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    rating: NDArray[np.float64]
    time: NDArray[np.float64] | None
    is_explicit: bool
    user_labels: NDArray[np.str_]
    item_labels: NDArray[np.str_]
    item_titles: NDArray[np.str_]
    item_features: NDArray[np.float32]
    item_feature_names: NDArray[np.str_]
    user_features: NDArray[np.float32]
    user_feature_names: NDArray[np.str_]
    name: str = "log"
    context: NDArray[np.int32] | None = None
    context_labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    impressions: Impressions | None = None
    reading: Reading | None = None

    def __post_init__(self) -> None:
        users = self.user, self.user_labels, self.user_features, self.user_feature_names
        items = self.item, self.item_labels, self.item_features, self.item_feature_names
        for what, of in (("user", users), ("item", items)):
            check_described(what, *of)
        if len(self.item_titles) != self.n_items:
            raise ValueError(
                f"there are {len(self.item_titles):,} titles of {self.n_items:,} items"
            )
        check_lengths((self.user, self.item, self.rating, self.time, self.context))
        check_ids("user", self.user, self.n_users)
        check_ids("item", self.item, self.n_items)
        check_context(self.context, self.context_labels)
        for what, numbers in (("rating", self.rating), ("time", self.time)):
            if numbers is not None and not np.isfinite(numbers).all():
                raise ValueError(f"{what} holds NaN or infinite numbers")

    @property
    def n_users(self) -> int:
        """The number of users, with or without interactions."""
        return len(self.user_labels)

    @property
    def n_items(self) -> int:
        """The number of items, with or without interactions."""
        return len(self.item_labels)

    def __len__(self) -> int:
        return len(self.user)

    def matrix(self, *, repeats: str = "sum") -> sparse.csr_array:
        """Returns the ratings as a sparse (n_users, n_items) matrix of SciPy.

        Args:
          repeats: what stands for rows that repeat a user and item; see `once`.
        """
        log = self if repeats == "sum" else self.once(repeats)  # SciPy sums
        return sparse.csr_array((log.rating, (log.user, log.item)), (self.n_users, self.n_items))

    def once(self, repeats: str = "last") -> InteractionLog:
        """Returns the log with one row for each user and item that have any.

        Impressions of clicks that it stands for are then of that row.

        Args:
          repeats: what stands for several: the "first" or the "last" row, by time, and where that
            does not tell by place; the last with the "sum" of their ratings, or with how many they
            are instead ("count"); or "error", which refuses them.

        Raises:
          ValueError: an unknown rule, or a pair that repeats under "error".
        """
        if repeats not in REPEATS:
            raise ValueError(f"repeats={repeats!r} is not allowed; use one of {', '.join(REPEATS)}")
        pair = self.user.astype(np.int64) * self.n_items + self.item
        _, number, count = np.unique(pair, return_inverse=True, return_counts=True)
        if repeats == "error" and len(count) < len(pair):
            row = int(np.argmax(count[number] > 1))
            raise ValueError(
                f"{len(pair) - len(count):,} rows of {self.name} repeat a user and an item, as user"
                f" {self.user_labels[self.user[row]]} and item {self.item_labels[self.item[row]]}"
                f" do; say what stands for them by repeats, one of {', '.join(REPEATS[1:])}"
            )
        rows = one_per_pair(pair, self.time, "first" if repeats == "first" else "last")
        log = self.select(rows)
        if self.impressions is not None:
            place = np.empty(len(count), np.int64)
            place[number[rows]] = np.arange(len(rows))
            click = self.impressions.row
            new = np.where(click >= 0, place[number[click]], -1)
            log = replace(log, impressions=replace(self.impressions, row=new))
        if repeats == "sum":
            return replace(log, rating=np.bincount(number, self.rating)[number[rows]])
        if repeats == "count":
            return replace(log, rating=count[number[rows]].astype(np.float64), is_explicit=False)
        return log

    def select(self, rows: NDArray[Any]) -> InteractionLog:
        """Returns the log of some rows (a mask or positions), with the same users and items.

        Impressions of clicks in other rows are left out; those without a click stay.
        """
        shown = self.impressions
        return replace(
            self,
            user=self.user[rows],
            item=self.item[rows],
            rating=self.rating[rows],
            time=None if self.time is None else self.time[rows],
            context=None if self.context is None else self.context[rows],
            impressions=None if shown is None else shown.of_rows(rows, len(self)),
        )

    def core(self, *, min_user: int = 1, min_item: int = 1) -> InteractionLog:
        """Returns the log of the people and items that have at least so many rows in it.

        Items with fewer are taken out first, then people with fewer, and so on until all have
        enough. Those that are left are numbered anew, in the same order.

        Raises:
          ValueError: nothing is left.
        """
        least = {"min_user": min_user, "min_item": min_item}
        rows = rows_of_many(self.user, self.item, **least)
        if not len(rows):
            raise ValueError(
                f"no people with at least {min_user} rows and items with at least {min_item} are "
                f"left of {self.name}; ask for fewer: "
                + thresholds_that_leave(self.user, self.item, **least)
            )
        return self._numbered_anew(rows)

    def _numbered_anew(self, rows: NDArray[np.int64]) -> InteractionLog:
        """Returns the log of some rows, without the users and items that have none of them."""
        users, items = np.unique(self.user[rows]), np.unique(self.item[rows])
        return self.select(rows)._of(users, items)

    def _of(self, users: NDArray[Any], items: NDArray[Any]) -> InteractionLog:
        """Returns the log with these people and items, which all rows are of, in this order."""
        user, item = np.full(self.n_users, -1), np.full(self.n_items, -1)
        user[users], item[items] = np.arange(len(users)), np.arange(len(items))
        shown = self.impressions
        return replace(
            self,
            user=user[self.user].astype(np.int32),
            item=item[self.item].astype(np.int32),
            user_labels=self.user_labels[users],
            user_features=self.user_features[users],
            item_labels=self.item_labels[items],
            item_titles=self.item_titles[items],
            item_features=self.item_features[items],
            impressions=None if shown is None else shown.renumbered(user, item),
        )

    def canonical(self, *, seed: int = 0) -> InteractionLog:
        """Returns the same log, however its rows were stored and its people and items numbered.

        People and items stand in the order of their labels, rows in that of `by_time`.

        Args:
          seed: of the order of rows of one moment.
        """
        log = self._of(by_label(self.user_labels), by_label(self.item_labels))
        return log.select(log.by_time(seed=seed))

    def by_time(self, *, seed: int = 0) -> NDArray[np.int64]:
        """Returns the row positions in order of time.

        Rows of one moment, in a log without times all rows, come in a random order, by a hash of
        seed, person and item: where a row is stored does not matter.
        """
        if self.time is None:
            return np.lexsort(self._random_keys(seed))  # the last key counts most
        order = np.argsort(self.time, kind="stable")
        is_same = np.diff(self.time[order]) == 0
        is_tied = np.append(is_same, False) | np.append(False, is_same)
        tied = order[is_tied]
        order[is_tied] = tied[np.lexsort((*self._random_keys(seed, tied), self.time[tied]))]
        return order

    def sessions(self, gap_seconds: float = 3600.0) -> NDArray[np.int64]:
        """Returns the session number of every row: 0, 1, … by user, then by time.

        A user's session ends when they do nothing for more than `gap_seconds`. Without times, all
        that a user did is one session.
        """
        if not gap_seconds > 0:
            raise ValueError(f"gap_seconds={gap_seconds} must be positive")
        order = np.lexsort((self.user,) if self.time is None else (self.time, self.user))
        user = self.user[order]
        is_new = np.append(True, user[1:] != user[:-1])
        if self.time is not None:
            is_new[1:] |= np.diff(self.time[order]) > gap_seconds
        session = np.empty(len(self), np.int64)
        session[order] = np.cumsum(is_new) - 1
        return session

    def split_by_time(self, held_out_share: float = 0.1) -> tuple[InteractionLog, InteractionLog]:
        """Returns what came before and after one moment; the later log has about that share.

        Raises:
          ValueError: the log has no times, or too few different ones.
        """
        check_share(held_out_share)
        if self.time is None:
            raise ValueError("the log has no times; use hold_out_random")
        is_later = self.time > np.quantile(self.time, 1.0 - held_out_share)
        return self._split(is_later, "times")

    def hold_out_last(
        self, held_out_share: float = 0.1, *, seed: int = 0
    ) -> tuple[InteractionLog, InteractionLog]:
        """Returns each user's earlier and last interactions.

        The last `held_out_share` of a user's rows, rounded down, are held out; a user with fewer
        than 1 / held_out_share rows keeps them all. Which of the rows of one moment, or of a log
        without times, come last is random; see `by_time` and `n_by_chance`.
        """
        return self._hold_out(self.by_time(seed=seed), held_out_share)

    def hold_out_random(
        self, held_out_share: float = 0.1, *, seed: int = 0
    ) -> tuple[InteractionLog, InteractionLog]:
        """Returns each user's interactions split at random, in the shares of `hold_out_last`.

        As there, a hash of seed, person and item decides, and not where a row is stored.
        """
        return self._hold_out(np.lexsort(self._random_keys(seed)), held_out_share)

    def summary(self) -> dict[str, Any]:
        """Returns the numbers that describe the log, as JSON values."""
        values, counts = np.unique(self.rating, return_counts=True)
        top = np.argsort(-counts, kind="stable")[:20]
        return {
            "name": self.name,
            "n_interactions": len(self),
            "n_users": self.n_users,
            "n_items": self.n_items,
            "density": len(self) / (self.n_users * self.n_items),
            "is_explicit": self.is_explicit,
            "mean_rating": float(self.rating.mean()),
            "rating_counts": {f"{values[k]:g}": int(counts[k]) for k in sorted(top)},
            "first_time": None if self.time is None else float(self.time.min()),
            "last_time": None if self.time is None else float(self.time.max()),
            "item_feature_names": self.item_feature_names.tolist(),
            "user_feature_names": self.user_feature_names.tolist(),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the log to one .npz file without pickles."""
        write_entries(path, {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> InteractionLog:
        """Returns the log stored at `path`; raises ValueError for any other file."""
        return cls(**read_entries(path, {f.name for f in fields(cls)}))

    def _random_keys(
        self, seed: int, rows: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[Any], ...]:
        """Returns keys that sort all rows, or some, at random: by person, item and a seed.

        Rows of the same person and item differ by time and rating; where those are the same too, it
        does not matter which is which.
        """
        pair = self.user.astype(np.int64) * self.n_items + self.item
        values: tuple[NDArray[Any], ...] = (self.rating,)
        values += () if self.time is None else (self.time,)
        repeat = _repeats(pair, values)
        user, item = self.user, self.item
        if rows is not None:
            user, item, pair, repeat = user[rows], item[rows], pair[rows], repeat[rows]
            values = tuple(each[rows] for each in values)
        labels = self.user_labels, self.item_labels
        return (*values, pair, pair_hash(user, item, *labels, repeat=repeat, seed=seed))

    def _hold_out(
        self, order: NDArray[np.int64], share: float
    ) -> tuple[InteractionLog, InteractionLog]:
        """Returns the rows but for, and then, the last `share` of every user's in this order."""
        check_share(share)
        order = order[np.argsort(self.user[order], kind="stable")]
        counts = np.bincount(self.user, minlength=self.n_users)
        first = np.cumsum(counts) - counts
        user = self.user[order]
        rank = np.arange(len(self)) - first[user]
        is_last = np.empty(len(self), bool)
        is_last[order] = rank >= counts[user] - np.floor(counts[user] * share + 1e-9)
        return self._split(is_last, "interactions per user")

    def _split(
        self, is_held_out: NDArray[np.bool_], lacking: str
    ) -> tuple[InteractionLog, InteractionLog]:
        """Returns the rows outside and inside the mask; neither may be empty."""
        if not is_held_out.any() or is_held_out.all():
            change = "lower" if is_held_out.any() else "raise"
            raise ValueError(
                f"nothing can be held out: too few {lacking} of {self.name}; give a longer log, or"
                f" {change} held_out_share"
            )
        return self.select(~is_held_out), self.select(is_held_out)


def _repeats(pair: NDArray[np.int64], values: tuple[NDArray[Any], ...]) -> NDArray[np.int64]:
    """Returns how many rows of the same pair come before each, in the order of their values."""
    repeat, ordered = np.zeros(len(pair), np.int64), np.sort(pair)
    if (ordered[1:] == ordered[:-1]).any():
        order = np.lexsort((*values, pair))
        is_first = np.append(True, np.diff(pair[order]) != 0)
        repeat[order] = np.arange(len(pair)) - np.flatnonzero(is_first)[np.cumsum(is_first) - 1]
    return repeat


def n_by_chance(kept: InteractionLog, held_out: InteractionLog) -> int:
    """Returns how many held-out rows are no later than some row that their person kept.

    Time does not say which of these came last; it was chance.
    """
    moments = [log.time if log.time is not None else np.zeros(len(log)) for log in (kept, held_out)]
    moment = np.unique(np.concatenate(moments), return_inverse=True)[1]
    latest = np.full(kept.n_users, -1)
    np.maximum.at(latest, kept.user, moment[: len(kept)])
    return int((moment[len(kept) :] <= latest[held_out.user]).sum())
