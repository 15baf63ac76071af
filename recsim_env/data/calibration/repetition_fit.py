"""Whether people consume again what they consumed: how often, and how soon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from recsim_env.data.calibration.factorization import FactorModel
from recsim_env.data.calibration.gain import (
    Effect,
    Found,
    Gain,
    gain_over_people,
    mean_by_person,
)
from recsim_env.data.calibration.known_items import Choices, choices_of
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.log import InteractionLog
from recsim_env.data.repeats import distinct
from recsim_env.formats.rated_world import NEVER

Floats = NDArray[np.float64]

_DAY = 24.0

# Longest times, in hours, since an item was consumed last; the first is the session itself, and
# what was consumed before the last is as if it was then.
_HOURS = np.array([0.0, _DAY, 7 * _DAY, 30 * _DAY, 1e6])
_SINCE = ("in the same session", "within a day", "within a week", "within 30 days", "later")

# Of so many repetitions that chance leads to, it leaves none in 1 of 100 logs.
_MUST_HAPPEN = 4.6

# Repetitions added to those observed and to those expected, so that few of them say little.
_PRIOR = 2.0

_N_ROUNDS = 50

#: Rows after which habits count, where there are none.
NO_HABIT = 1e6


def fit_repetition(
    log: InteractionLog,
    model: FactorModel,
    exposure: Floats,
    slope: float,
    settings: CalibrationSettings,
) -> Found:
    """Returns whether people consume things again, and how that depends on the time since.

    Choices are among all items. Of somebody who has chosen N times, and an item n times of these,
    the chance is (a p + n) / (a + N), where p is that by exposure and liking: a Dirichlet prior
    about p, of a rows, and what the person did so far ("repetition"). The time since multiplies the
    chance of a known item by a factor for the session itself, a day, a week, 30 days and longer:
    what people tire of is below 1 at first, and recovers. Both are fitted to the earlier rows of
    people by maximum likelihood, the factors by scaling until as many rows repeat after each time
    as expected. Where nothing repeats though chance would lead to it, nothing is consumed twice.

    That people repeat what they like more than `model` knows counts as repetition; it does not
    depend on time.

    Args:
      log: repetitions included.
      model: of likings, if possible fitted without everybody's last rows.
      exposure: (n_items,), how often items are met.
      slope: of choice on liking.
      settings: of the fit.
    """
    hours = _HOURS if log.time is not None else _HOURS[-1:]
    choices = choices_of(
        log,
        model,
        exposure,
        hours,
        slope=slope,
        gap_seconds=settings.session_gap_seconds,
        held_out_share=settings.held_out_share,
        seed=settings.seed,
    )
    fitted, held_out = choices.select(~choices.is_held_out), choices.select(choices.is_held_out)
    observed = np.bincount(fitted.group[fitted.group >= 0], minlength=len(hours)).astype(float)
    expected = fitted.by_chance.sum(axis=0)
    detail = {"observed": observed.tolist(), "expected": expected.tolist(), "hours": hours.tolist()}
    pair = log.user.astype(np.int64) * log.n_items + log.item
    if len(distinct(pair)) == len(pair):
        return _never(held_out, hours, float(expected.sum()), detail)
    prior = _prior_rows(fitted)
    again = _gain_of_habit(held_out, prior)
    ratio = observed.sum() / expected.sum()
    effects = [
        Effect(
            "repetition",
            f"{ratio:.3g} times as often as by chance; habits outweigh it after {prior:,.0f} rows",
            again,
            detail | {"prior_rows": prior},
        )
    ]
    prior = prior if again.is_real else NO_HABIT
    appeal = _appeal(fitted, prior, observed)
    since = _gain_of_time(held_out, prior, appeal)
    said = (f"{_said(a)} {when}" for a, when in zip(appeal, _SINCE[-len(appeal) :], strict=True))
    error = (1 / np.sqrt(np.maximum(observed, 1.0))).tolist()
    effects.append(
        Effect(
            "time since",
            "chance " + ", ".join(said),
            since,
            detail | {"appeal": appeal.tolist(), "standard_error": error},
        )
    )
    kept = appeal if since.is_real else np.where(appeal <= NEVER, appeal, 0.0)
    return Found(effects, {"repeat_hours": hours, "repeat_appeal": kept, "habit_rows": prior})


def _never(held_out: Choices, hours: Floats, expected: float, detail: dict[str, object]) -> Found:
    """Returns that nothing is consumed twice, where chance would have led to it."""
    known = held_out.by_chance.sum(axis=1)
    gain = gain_over_people(
        -np.log1p(-np.minimum(known, 1 - 1e-9)),
        held_out.user,
        mean_by_person(known / 2, held_out.user),
    )
    size = f"nothing is consumed twice, {expected:,.0f} repetitions by chance"
    effect = Effect("repetition", size, gain, detail)
    is_real = gain.is_real and expected > _MUST_HAPPEN
    world = {"repeat_hours": hours, "repeat_appeal": np.full(len(hours), NEVER)}
    return Found([effect], world if is_real else {})


def _said(appeal: float) -> str:
    return "none" if appeal <= NEVER else f"× {np.exp(appeal):.2g}"


def _prior_rows(choices: Choices) -> float:
    """Returns after how many rows what people did counts as much as exposure and liking."""

    def loss(log_prior: float) -> float:
        return -float(_log_ratio(choices, np.exp(log_prior)).mean())

    ends = (np.log(0.1), np.log(NO_HABIT))
    return float(np.exp(minimize_scalar(loss, bounds=ends, method="bounded").x))


def _log_ratio(choices: Choices, prior: float) -> Floats:
    """Returns how much habits raise the log-likelihood of each choice."""
    times = choices.n_before * choices.habit
    raised = prior + times / np.maximum(choices.chance, 1e-300)
    return np.asarray(np.log(raised / (prior + choices.n_before)))


def _gain_of_habit(choices: Choices, prior: float) -> Gain:
    """Returns what habits add."""
    known = choices.by_chance.sum(axis=1)
    areas = mean_by_person(((choices.group >= 0) - known) / 2, choices.user)
    return gain_over_people(_log_ratio(choices, prior), choices.user, areas)


def _mixed(choices: Choices, prior: float) -> Floats:
    """Returns the chance of choosing from each group."""
    share = (choices.n_before / (prior + choices.n_before))[:, None]
    return (1 - share) * choices.by_chance + share * choices.by_habit


def _appeal(choices: Choices, prior: float, observed: Floats) -> Floats:
    """Returns the logarithm of what the time since multiplies the chance of known items by."""
    chance = _mixed(choices, prior)
    appeal = np.zeros(len(observed))
    for _ in range(_N_ROUNDS):
        raised = chance * np.exp(appeal)
        total = 1.0 + (raised - chance).sum(axis=1, keepdims=True)
        expected = (raised / total).sum(axis=0)
        appeal += np.log((observed + _PRIOR) / (expected + _PRIOR))
    is_barred = (observed == 0) & (chance.sum(axis=0) > _MUST_HAPPEN)
    return np.where(is_barred, NEVER, appeal)


def _gain_of_time(choices: Choices, prior: float, appeal: Floats) -> Gain:
    """Returns what the time since adds, to the likelihood and against items met by chance."""
    chance = _mixed(choices, prior)
    total = 1.0 + (chance * np.expm1(appeal)).sum(axis=1)
    appeals = np.append(np.maximum(appeal, np.log(1e-6)), 0.0)  # the last one of new items
    chosen = appeals[choices.group]
    others = np.column_stack([chance, 1.0 - chance.sum(axis=1)])
    is_above = (chosen[:, None] > appeals) + 0.5 * (chosen[:, None] == appeals)
    areas = mean_by_person((others * is_above).sum(axis=1) - 0.5, choices.user)
    return gain_over_people(chosen - np.log(total), choices.user, areas)
