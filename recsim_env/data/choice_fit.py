"""How strongly liking drives choice, estimated from what people consumed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import brentq

from recsim_env.data.factorization import FactorModel
from recsim_env.data.log import InteractionLog

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SlopeFit:
    """The slope of choice on liking, its standard error, and the number of choices used."""

    slope: float
    standard_error: float
    n_choices: int


def fit_choice_slope(
    model: FactorModel,
    choices: InteractionLog,
    consumed: sparse.csr_array,
    exposure: Floats,
    *,
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
    return _conditional_logit(score, is_open)


def _conditional_logit(score: Floats, is_open: NDArray[np.bool_]) -> SlopeFit:
    """Returns the maximum-likelihood slope when column 0 was chosen, by Newton's method."""
    slope, information = 0.0, 0.0
    for _ in range(50):
        logits = np.where(is_open, slope * score, -np.inf)
        weight = np.exp(logits - logits.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        mean = (weight * score).sum(axis=1)
        information = float((weight * score**2).sum() - (mean**2).sum())
        if information <= 1e-12:
            return SlopeFit(0.0, float("inf"), len(score))
        step = float((score[:, 0] - mean).sum()) / information
        slope += float(np.clip(step, -10.0, 10.0))
        if abs(step) < 1e-9:
            break
    return SlopeFit(slope, information**-0.5, len(score))


def fit_no_choice_score(
    scores: Floats,
    exposure: Floats,
    *,
    rate: float,
    slate_size: int,
    seed: int,
) -> float:
    """Returns the score of choosing nothing that makes slates drawn by exposure succeed at `rate`.

    Args:
      scores: (n_visits, n_items), choice scores of typical visits' users.
      exposure: (n_items,), probabilities; a slate holds different items.
      rate: the wanted probability of a choice, averaged over visits, between 0 and 1.
      slate_size: number of items in a slate.
      seed: of the drawn slates.
    """
    rng = np.random.default_rng(seed)
    n_slates = 20_000
    visit = rng.integers(len(scores), size=n_slates)
    slates = draw_slates(exposure, n_slates, slate_size, rng)
    total = np.log(np.exp(scores[visit[:, None], slates]).sum(axis=1))

    def excess(score: float) -> float:
        return float(np.mean(1.0 / (1.0 + np.exp(score - total)))) - rate

    return float(brentq(excess, total.min() - 50.0, total.max() + 50.0))


def draw_slates(
    exposure: Floats, n_slates: int, slate_size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Returns (n_slates, slate_size) items drawn by exposure, slates with repeats redrawn."""
    slates = rng.choice(len(exposure), size=(n_slates, slate_size), p=exposure)
    for _ in range(100):
        ordered = np.sort(slates, axis=1)
        again = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
        if not len(again):
            break
        slates[again] = rng.choice(len(exposure), size=(len(again), slate_size), p=exposure)
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
    nobody consumes an item twice in a visit, so that the most popular ones run out in long visits.
    A multiplicative fixed-point iteration undoes both. In a visit of m consumptions, item i is
    consumed with probability 1 - exp(-x r_i), r_i being its exposure times the chance of being
    chosen when shown, and x making the sum m; the rest of a slate is replaced by its expectation.

    Args:
      consumption: (n_items,), observed shares, all positive, summing to 1.
      scores: (n_visits, n_items), choice scores of typical visits' users.
      session_size: (n_visits,), items consumed, at most half of the catalogue.
      no_choice_score: score of choosing nothing.
      slate_size: number of items in a slate.
      n_rounds: of the iteration.
    """
    attraction = np.exp(scores)
    exposure = consumption.copy()
    repeats = session_size.copy()
    for _ in range(n_rounds):
        rest = (slate_size - 1) * (attraction @ exposure) + np.exp(no_choice_score)
        rate = exposure * (attraction / (attraction + rest[:, None]))
        rate /= rate.sum(axis=1, keepdims=True)
        for _ in range(2):
            left = np.exp(-repeats[:, None] * rate)
            slope = (rate * left).sum(axis=1)
            repeats = repeats + (session_size - (1.0 - left).sum(axis=1)) / slope
        consumed = (1.0 - np.exp(-repeats[:, None] * rate)).sum(axis=0)
        exposure = exposure * consumption / (consumed / consumed.sum())
        exposure /= exposure.sum()
    return exposure
