"""How strongly liking drives choice, estimated from what people consumed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import brentq
from scipy.special import expit, logit, logsumexp

from recsim_env.data.calibration.factorization import FactorModel
from recsim_env.data.log import InteractionLog
from recsim_env.progress import progress

Floats = NDArray[np.float64]

# Scores that differ by as much as this between typical items leave nothing to chance.
_STEEPEST_SCORES = 20.0

# Standard errors from 0 below which a slope without end is chance.
_LEAST_EVIDENCE = 3.0

# However popular, no item is shown a billion times more often than another.
_RAREST_EXPOSURE = 1e-9

# People cannot consume a catalogue to its end in finitely many slates.
_MOST_OF_CATALOGUE = 0.9


@dataclass(frozen=True)
class SlopeFit:
    """The slope of choice on liking, as far as choices tell it.

    Attributes:
      slope: what one unit of liking adds to the log-odds.
      standard_error: of the slope; None where the choices say nothing about it.
      n_choices: number of choices used.
      is_limited: whether the best slope is beyond all bounds, and this one the steepest allowed.
    """

    slope: float
    standard_error: float | None
    n_choices: int
    is_limited: bool = False


def fit_choice_slope(
    model: FactorModel,
    choices: InteractionLog,
    consumed: sparse.csr_array,
    exposure: Floats,
    *,
    steepest: float = math.inf,
    n_alternatives: int = 19,
    seed: int = 0,
) -> SlopeFit:
    """Returns how much one unit of liking adds to the log-odds of consuming an item.

    A conditional logit: each consumed item is compared with alternatives drawn by exposure from
    what the user had not consumed yet. What everyone likes about an item is absorbed by a constant
    of that item, since a log cannot tell it from how often the item was shown; the slope is
    therefore estimated from how tastes differ, (liking of this user) - (mean liking of all users).

    Args:
      model: fitted without `choices`; otherwise the slope is too steep.
      choices: what was consumed.
      consumed: (n_users, n_items), stored entries are what users had consumed before.
      exposure: (n_items,), probabilities by which alternatives are drawn.
      steepest: the largest slope to return, of either sign.
      n_alternatives: per choice; those consumed before are dropped.
      seed: of the drawn alternatives.

    Source: McFadden 1974, "Conditional logit analysis of qualitative choice behavior"; sampled
      alternatives: McFadden 1978, "Modelling the choice of residential location".
    """
    rng = np.random.default_rng(seed)
    weights = np.bincount(choices.user, minlength=len(model.user_bias)) / len(choices)
    tastes = model.user_factors - weights @ model.user_factors
    drawn = rng.choice(len(exposure), size=(len(choices), n_alternatives), p=exposure)
    options = np.concatenate([choices.item[:, None], drawn], axis=1)
    score = np.einsum("nk,njk->nj", tastes[choices.user], model.item_factors[options])
    known = consumed[np.repeat(choices.user, n_alternatives), drawn.ravel()]
    is_gone = (np.asarray(known).reshape(drawn.shape) != 0) | (drawn == choices.item[:, None])
    is_open = np.concatenate([np.ones((len(choices), 1), bool), ~is_gone], axis=1)
    return _conditional_logit(score, is_open, steepest)


def _conditional_logit(
    score: Floats, is_open: NDArray[np.bool_], steepest: float = math.inf
) -> SlopeFit:
    """Returns the maximum-likelihood slope when column 0 was chosen, by Newton's method.

    Where nearly all choices are of the best option, the likelihood rises for ever; the slope ends
    where typical options differ by `_STEEPEST_SCORES`, or at the steepest. Where choices do not
    tell such a slope from 0, by the score test, it is 0: options then hardly differ in liking.
    """
    spread = float(score[is_open].std())
    if spread <= 1e-9:
        return SlopeFit(0.0, None, len(score))
    score, most = score / spread, min(_STEEPEST_SCORES, steepest * spread)
    slope, information, is_limited, evidence = 0.0, 0.0, False, None
    for _ in range(100):
        logits = np.where(is_open, slope * score, -np.inf)
        weight = np.exp(logits - logits.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        mean = (weight * score).sum(axis=1)
        information = float((weight * (score - mean[:, None]) ** 2).sum())
        gradient = float((score[:, 0] - mean).sum())
        if information <= 1e-12:
            break
        evidence = gradient * information**-0.5 if evidence is None else evidence
        step = float(np.clip(gradient / information, -2.0, 2.0))
        is_limited = abs(slope + step) > most
        slope = float(np.clip(slope + step, -most, most))
        if is_limited and evidence < _LEAST_EVIDENCE:
            return SlopeFit(0.0, information**-0.5 / spread, len(score))
        if is_limited or abs(step) < 1e-9:
            break
    error = information**-0.5 / spread if information > 1e-12 else None
    return SlopeFit(slope / spread, error, len(score), is_limited)


def fit_no_choice_score(
    scores: Floats,
    exposure: Floats,
    *,
    rate: float,
    slate_size: int,
    seed: int,
    place_appeal: Floats | None = None,
) -> float:
    """Returns the score of choosing nothing that makes slates drawn by exposure succeed at `rate`.

    Args:
      scores: (n_sessions, n_items), choice scores of typical sessions' users.
      exposure: (n_items,), probabilities; a slate holds different items.
      rate: the wanted probability of a choice, averaged over sessions, between 0 and 1.
      slate_size: number of items in a slate.
      seed: of the drawn slates.
      place_appeal: (slate_size,), added to the scores of what stands there; None is nothing.
    """
    rng = np.random.default_rng(seed)
    n_slates = 20_000
    session = rng.integers(len(scores), size=n_slates)
    slates = draw_slates(exposure, n_slates, slate_size, rng)
    shown = scores[session[:, None], slates]
    total = logsumexp(shown if place_appeal is None else shown + place_appeal, axis=1)

    def excess(score: float) -> float:
        return float(np.mean(expit(total - score))) - rate

    # Where all slates were as good as the best, or as bad as the worst.
    ends = np.array([total.min() - 1e-6, total.max() + 1e-6]) - logit(rate)
    return float(brentq(excess, ends[0], ends[1]))


def draw_slates(
    exposure: Floats, n_slates: int, slate_size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Returns (n_slates, slate_size) different items drawn by exposure, slates with repeats anew.

    Slates that repeat items again and again, as where few items have all the exposure, are drawn
    item by item without replacement. With fewer items than places, all are in every slate.
    """
    slate_size = min(slate_size, len(exposure))
    slates = rng.choice(len(exposure), size=(n_slates, slate_size), p=exposure)
    again = np.arange(n_slates)
    for _ in range(100):
        ordered = np.sort(slates[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        if not len(again):
            break
        slates[again] = rng.choice(len(exposure), size=(len(again), slate_size), p=exposure)
    log_exposure = np.log(np.maximum(exposure, 1e-300))
    for part in np.array_split(again, len(again) * len(exposure) // 10_000_000 + 1):
        race = log_exposure + rng.gumbel(size=(len(part), len(exposure)))
        slates[part] = np.argpartition(-race, slate_size - 1, axis=1)[:, :slate_size]
    return slates


def exposure_behind(
    consumption: Floats,
    scores: Floats,
    session_size: Floats,
    *,
    no_choice_score: float,
    slate_size: int,
    n_rounds: int = 25,
) -> Floats:
    """Returns the exposure under which people consume items in the observed shares.

    Two things part what is consumed from what is shown: liked items are chosen more often, and
    nobody consumes an item twice in a session, so that the most popular ones run out in long
    sessions. A multiplicative fixed-point iteration undoes both. In a session of m consumptions,
    item i is consumed with probability 1 - exp(-x r_i), r_i being its exposure times the chance of
    being chosen when shown, and x making the sum m; the rest of a slate is replaced by its
    expectation. Where no exposure leads to these shares, as where everybody has all of a small
    catalogue, the one that is nearest after so many rounds is returned; no item's is less than a
    billionth.

    Args:
      consumption: (n_items,), observed shares, all positive, summing to 1.
      scores: (n_sessions, n_items), choice scores of typical sessions' users.
      session_size: (n_sessions,), items consumed; what exceeds 0.9 of the catalogue is cut off.
      no_choice_score: score of choosing nothing.
      slate_size: number of items in a slate.
      n_rounds: of the iteration.
    """
    exposure, start = consumption / consumption.sum(), np.log(session_size)
    rounds = range(n_rounds)
    for _ in progress(iterable=rounds, desc="finding what was shown", leave=False):
        chance, start = consumption_chances(
            exposure,
            scores,
            session_size,
            no_choice_score=no_choice_score,
            slate_size=slate_size,
            start=start,
        )
        consumed = chance.sum(axis=0)
        exposure = exposure * consumption / np.maximum(consumed / consumed.sum(), 1e-12)
        exposure = np.maximum(exposure / exposure.sum(), _RAREST_EXPOSURE)
        exposure /= exposure.sum()
    return exposure


def consumption_chances(
    exposure: Floats,
    scores: Floats,
    session_size: Floats,
    *,
    no_choice_score: float,
    slate_size: int,
    start: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Returns how likely each item is consumed in each session, (n_sessions, n_items).

    Args:
      exposure: (n_items,), all positive, summing to 1.
      scores, session_size, no_choice_score, slate_size: as for `exposure_behind`.
      start: (n_sessions,), the second result for a like exposure, which saves time.

    Returns:
      The chances, and the logarithm of the slates that a session takes, in units of its own.
    """
    session_size = np.minimum(session_size, _MOST_OF_CATALOGUE * len(exposure))
    best = scores.max(axis=1)
    # Only differences matter; what lies hundreds below the best is as good as nothing.
    attraction = np.exp(np.maximum(scores - best[:, None], -300.0))
    nothing = np.exp(np.clip(no_choice_score - best, -300.0, 300.0))
    rest = (slate_size - 1) * (attraction @ exposure) + nothing
    rate = exposure * (attraction / (attraction + rest[:, None]))
    rate /= rate.sum(axis=1, keepdims=True)
    return _consumed(rate, session_size, np.log(session_size) if start is None else start)


def _consumed(rate: Floats, size: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Returns 1 - exp(-x r_i), and log x, where x makes the sum over items the size.

    The sum rises with x, so that Newton's method in log x is kept between bounds that close in.

    Args:
      rate: (n_sessions, n_items), r, each row summing to 1.
      size: (n_sessions,), less than n_items.
      start: (n_sessions,), a guess of log x.
    """
    # 1 - exp(-x r) <= x r, so that x is no less than the size.
    low, high = np.log(size), np.log(size) + 60.0
    found = np.clip(start, low, high)
    for step in range(100):
        repeats = np.exp(found)[:, None]
        left = np.exp(-repeats * rate)
        missing = size - (1.0 - left).sum(axis=1)
        if step == 99 or (np.abs(missing) < 1e-6 * size).all():
            break
        low, high = np.where(missing > 0, found, low), np.where(missing < 0, found, high)
        slope = (repeats * rate * left).sum(axis=1)
        newton = found + missing / np.maximum(slope, 1e-300)
        is_inside = (newton > low) & (newton < high)
        found = np.where(is_inside, newton, (low + high) / 2)
    return 1.0 - left, found
