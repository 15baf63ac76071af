"""Items that appear, age, and gain or lose appeal: how popularity moves while a log goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.gain import Effect, Found, Gain, gain_over_people, mean_by_person
from recsim_env.data.calibration.rates import fit_rates, rates_of
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.log import InteractionLog
from recsim_env.formats.rated_world import NEVER

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Parts of a log with as many rows, in which popularity stands still, and parts that a world has.
_N_SLICES, _N_PERIODS = 36, 12

# An item was not there before its first row where this is less likely to be chance.
_MOST_CHANCE = 1e-3

# Ages, in days, up to which items are as appealing; items that were always there have none.
_AGES = np.array([1.0, 3.0, 7.0, 14.0, 30.0, 90.0, np.inf])

# Rows that the rate of an item, of an age, and of an item in a period are drawn by.
_PRIOR, _PRIOR_OF_PERIOD = 1.0, 20.0

_DAY = 86_400.0

# What the popularity of a log that tells no slates may be instead.
_MAY_BE_EXPOSURE = "what is consumed less may only have been shown less: the log does not tell"

# Of what an item has later, before its first row: a few held-out rows come earlier.
_BEFORE = 1e-3


@dataclass(frozen=True)
class _Cells:
    """Items in slices of the log.

    Attributes:
      days: (n_slices + 1,), where slices begin and end, from the first row.
      alive: (n_items, n_slices), for which share of the slice the item is there.
      age: (n_items, n_slices), the group of its age, 0 where it was always there.
      is_born: (n_items,), whether it appeared while the log went on.
    """

    days: Floats
    alive: Floats
    age: Integers
    is_born: NDArray[np.bool_]


def fit_ages(log: InteractionLog, settings: CalibrationSettings) -> Found:
    """Returns how the popularity of items moves: they appear, they age, and tastes drift.

    The log is cut into slices of equally many rows. An item appears with its first row, if chance
    would hardly have let it wait so long. The share of an item in a slice is that of the item,
    while it is there, times an effect of its age, times one of the item in a third of the slices,
    drawn to 1. Each is fitted to some rows, and judged on others, drawn at random, against what was
    found before: a world is of the log's own time. First rows of items are left out, as they are of
    age 0 by definition.

    A log without impressions does not tell whether what is consumed less was shown less.

    Args:
      log: with times; without them there is nothing to find.
      settings: of the fit.
    """
    if (
        not (settings.ages and settings.sessions)
        or log.time is None
        or log.time.min() == log.time.max()
    ):
        return Found([], {})
    day = (log.time - log.time.min()) / _DAY
    ends = np.quantile(day, np.arange(1, _N_SLICES) / _N_SLICES)
    piece = np.searchsorted(ends, day, side="right")
    rng = np.random.default_rng([settings.seed, 7])
    is_held_out = rng.random(len(log)) < settings.held_out_share
    if is_held_out.all() or not is_held_out.any():
        return Found([], {})
    cells = _cells(
        log.item[~is_held_out], day[~is_held_out], log.n_items, np.append(ends, day.max())
    )
    return _found(log, cells, piece, is_held_out, _first_rows(log.item, day, ~is_held_out))


def _first_rows(item: NDArray[np.int32], day: Floats, is_asked: NDArray[np.bool_]) -> Integers:
    """Returns the first row of each item among some rows."""
    rows = np.flatnonzero(is_asked)
    rows = rows[np.argsort(day[rows], kind="stable")]
    return rows[np.unique(item[rows], return_index=True)[1]]


def _cells(item: NDArray[np.int32], day: Floats, n_items: int, ends: Floats) -> _Cells:
    """Returns when items were there, and how old they were."""
    days, n = np.append(0.0, ends), np.bincount(item, minlength=n_items)
    first = np.full(n_items, np.inf)
    np.minimum.at(first, item, day)
    before = np.searchsorted(np.sort(day), first) / len(day)
    is_born = (n > 0) & ((1 - before) ** n < _MOST_CHANCE)
    first = np.where(is_born, first, -np.inf)[:, None]
    length = np.maximum(days[1:] - days[:-1], 1e-9)
    alive = np.clip((days[1:] - first) / length, 0.0, 1.0)
    middle = (np.maximum(days[:-1], first) + days[1:]) / 2 - np.where(is_born[:, None], first, 0.0)
    age = np.where(is_born[:, None], 1 + np.searchsorted(_AGES, middle), 0)
    return _Cells(days, alive, np.minimum(age, len(_AGES)), is_born)


def _found(
    log: InteractionLog,
    cells: _Cells,
    piece: Integers,
    is_held_out: NDArray[np.bool_],
    first: Integers,
) -> Found:
    """Returns what each effect adds to those before it."""
    is_fitted = ~is_held_out
    is_fitted[first[cells.is_born[log.item[first]]]] = False
    size = (log.n_items, _N_SLICES)
    cell = log.item[is_fitted].astype(np.int64) * _N_SLICES + piece[is_fitted]
    events = np.bincount(cell, minlength=log.n_items * _N_SLICES).astype(np.float64)
    item, of_slice = (code.ravel() for code in np.indices(size))
    period = of_slice * _N_PERIODS // _N_SLICES
    codes = [of_slice, item, cells.age.ravel()]
    sizes, alive = [_N_SLICES, log.n_items, len(_AGES) + 1], cells.alive.ravel()
    held = log.user[is_held_out], log.item[is_held_out], piece[is_held_out]

    def share(trials: Floats, n: int) -> tuple[Floats, list[Floats]]:
        is_there = trials > 0
        kept = [code[is_there] for code in codes[:n]]
        priors = [_PRIOR] * n
        found = fit_rates(events[is_there], trials[is_there], kept, sizes=sizes[:n], priors=priors)
        rate = (trials * rates_of(found, codes[:n])).reshape(size)
        return rate / rate.sum(axis=0), found

    whole = float(events.sum()) / alive.sum()
    still, _ = share(np.full(len(events), whole), 2)
    there, _ = share(whole * np.maximum(alive, _BEFORE), 2)
    aged, effects = share(whole * np.maximum(alive, _BEFORE), 3)
    expected = (aged * events.reshape(size).sum(axis=0)).ravel()
    pair = item * _N_PERIODS + period
    ratio = (np.bincount(pair, events) + _PRIOR_OF_PERIOD) / (
        np.bincount(pair, expected) + _PRIOR_OF_PERIOD
    )
    drifted = aged * ratio[pair].reshape(size)
    drifted /= drifted.sum(axis=0)
    age = effects[2] / effects[2][1:].max()
    ages = ", ".join(f"{each:.2f}" for each in age[1:])
    made = [
        ("items appear", f"{cells.is_born.sum():,} of {log.n_items:,} do", still, there),
        ("age", f"appeal within 1, 3, 7, 14, 30, 90 days and later: {ages}", there, aged),
        ("drift", f"of log popularity by {np.log(ratio).std():.2f}", aged, drifted),
    ]
    reports, best = [], still
    note = {} if log.impressions else {"note": _MAY_BE_EXPOSURE}
    for name, text, _, new in made:
        gain = _gain(*held, best, new)
        reports.append(Effect(name, text, gain, note if name in ("age", "drift") else {}))
        best = new if gain.is_real else best
    return Found(reports, {} if best is still else _world(best, still, cells))


def _gain(
    user: NDArray[Any], item: NDArray[Any], piece: Integers, before: Floats, after: Floats
) -> Gain:
    """Returns how much better rows are told from others of their time, drawn by popularity."""
    change = np.log(np.maximum(after, 1e-12) / np.maximum(before, 1e-12))
    areas = np.empty(len(item))
    for k in range(before.shape[1]):
        rows = np.flatnonzero(piece == k)
        order = np.argsort(change[:, k], kind="stable")
        ranked, mass = change[order, k], np.append(0.0, np.cumsum(before[order, k]))
        own = change[item[rows], k]
        ends = (np.searchsorted(ranked, own + d) for d in (-1e-9, 1e-9))
        areas[rows] = sum(mass[end] for end in ends) / 2 - 0.5
    return gain_over_people(change[item, piece], user, mean_by_person(areas, user))


def _world(share: Floats, still: Floats, cells: _Cells) -> dict[str, Floats]:
    """Returns the appeal of items in periods, beside what popularity has in all of the log."""
    n_each = _N_SLICES // _N_PERIODS
    by_period = share.reshape(len(share), _N_PERIODS, n_each).mean(axis=2)
    there = cells.alive.reshape(len(share), _N_PERIODS, n_each).max(axis=2) > 0
    overall = np.maximum(share.mean(axis=1, keepdims=True), 1e-12)
    appeal = np.log(np.maximum(by_period, 1e-12) / overall)
    return {
        "period_days": cells.days[n_each::n_each],
        "item_period_appeal": np.where(there, np.clip(appeal, -20.0, 20.0), NEVER),
    }
