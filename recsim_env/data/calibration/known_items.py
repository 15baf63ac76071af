"""What people choose from, where they know some items already: the rows of a log as choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.factorization import FactorModel
from recsim_env.data.log import InteractionLog

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# As many pairs of people and items, and of rows and known items, tell enough; of more, people are
# drawn.
_MOST_PAIRS, _MOST_KNOWN = 20_000_000, 10_000_000

# Rows of a person that are taken: the first ones.
_MOST_ROWS = 2_000

_HOUR = 3600.0


@dataclass(frozen=True)
class Choices:
    """Rows of people who knew some items, as choices among all items.

    Were known items like others, the chance of each item would be its exposure times what liking
    makes of it. Known ones are grouped by how long ago they were consumed last.

    Attributes:
      user: (n,), whose choice.
      group: (n,), of the item chosen; -1 where it was new.
      by_chance: (n, n_groups), the chance of choosing from each group, were they like others.
      by_habit: (n, n_groups), the share of earlier choices that were of items of each group.
      chance, habit: (n,), the same of the item chosen.
      n_before: (n,), earlier choices of the person.
      is_held_out: (n,), whether it is one of the last of its person.
    """

    user: Integers
    group: Integers
    by_chance: Floats
    by_habit: Floats
    chance: Floats
    habit: Floats
    n_before: Integers
    is_held_out: NDArray[np.bool_]

    def select(self, rows: NDArray[np.bool_]) -> Choices:
        """Returns some of the choices."""
        return Choices(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def choices_of(
    log: InteractionLog,
    model: FactorModel,
    exposure: Floats,
    hours: Floats,
    *,
    slope: float,
    gap_seconds: float,
    held_out_share: float,
    seed: int,
) -> Choices:
    """Returns the rows in which people knew some items.

    Args:
      log: repetitions included.
      model: of likings.
      exposure: (n_items,), how often items are met.
      hours: (n_groups,), the longest time since an item was consumed, of each group; the first
        group, of 0 hours, is the session itself. Without times there is one group.
      slope: of choice on liking.
      gap_seconds: a longer pause starts a new session.
      held_out_share: of each person's rows, the last.
      seed: of who is drawn of many, and of the order of rows without times.
    """
    order = log.by_time(seed=seed)
    order = order[np.argsort(log.user[order], kind="stable")]
    user, item = log.user[order], log.item[order]
    time = np.zeros(len(log)) if log.time is None else log.time[order]
    session = log.sessions(gap_seconds)[order]
    first = np.append(np.flatnonzero(np.diff(user, prepend=-1)), len(user))
    parts, n_known = [], 0
    people = np.random.default_rng([seed, 4]).permutation(len(first) - 1)
    for one in people[: max(_MOST_PAIRS // log.n_items, 1)]:
        rows = slice(first[one], min(first[one + 1], first[one] + _MOST_ROWS))
        owner = int(user[first[one]])
        liking = model.user_factors[owner] @ model.item_factors.T + model.item_bias
        attraction = exposure * np.exp(slope * (liking - liking.max()))
        known, code = np.unique(item[rows], return_inverse=True)
        chance = (attraction / attraction.sum())[known]
        group = _groups(code, time[rows], session[rows], hours)
        parts.append(_of_person(owner, code, chance, group, len(hours), held_out_share))
        n_known += group.size
        if n_known > _MOST_KNOWN:
            break
    return Choices(
        *(
            np.concatenate([getattr(p, name) for p in parts])
            for name in Choices.__dataclass_fields__
        )
    )


def _of_person(
    owner: int,
    code: Integers,
    chance: Floats,
    group: NDArray[np.int8],
    n_groups: int,
    held_out_share: float,
) -> Choices:
    """Returns the choices of a person, all but the first, of items by number."""
    n, row = len(code), np.arange(len(code))
    is_chosen = np.zeros(group.shape)
    is_chosen[row, code] = 1.0
    habit = (np.cumsum(is_chosen, axis=0) - is_chosen) / np.maximum(row, 1)[:, None]
    is_in = [group == g for g in range(n_groups)]
    chosen = group[row, code].astype(np.int64)
    return Choices(
        np.full(n, owner),
        chosen,
        np.stack([each @ chance for each in is_in], axis=1),
        np.stack([(each * habit).sum(axis=1) for each in is_in], axis=1),
        chance[code],
        habit[row, code],
        row,
        row >= n - np.floor(n * held_out_share + 1e-9),
    ).select(row > 0)


def _groups(code: Integers, time: Floats, session: Integers, hours: Floats) -> NDArray[np.int8]:
    """Returns the group of each known item before each row, (n, n_items); -1 where it is new."""
    n = len(code)
    at = np.full((n, int(code.max()) + 1), -1)
    at[np.arange(n), code] = np.arange(n)
    last = np.roll(np.maximum.accumulate(at, axis=0), 1, axis=0)  # the last row that consumed it
    last[0] = -1
    since = (time[:, None] - time[last]) / _HOUR
    group = np.minimum(np.searchsorted(hours, since), len(hours) - 1)
    if len(hours) > 1:
        group = np.where(session[last] == session[:, None], 0, np.maximum(group, 1))
    return np.where(last < 0, -1, group).astype(np.int8)
