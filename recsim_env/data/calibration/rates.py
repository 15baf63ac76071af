"""Rates that are products of effects: fitted by letting each effect in turn match its events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_N_ROUNDS = 30


def fit_rates(
    events: Floats,
    trials: Floats,
    codes: Sequence[NDArray[np.integer]],
    *,
    sizes: Sequence[int],
    priors: Sequence[float],
) -> list[Floats]:
    """Returns effects whose product, times the trials, is the expected number of events.

    Iterative proportional fitting, which is maximum likelihood of Poisson counts; each effect has a
    gamma prior about 1, of as many events as `priors` says.

    Args:
      events: (n,), of each row.
      trials: (n,), what the rate of each row is multiplied by.
      codes: the level of each effect, (n,) each.
      sizes: how many levels each effect has.
      priors: of each effect, positive.

    Source: Deming and Stephan 1940, "On a least squares adjustment of a sampled frequency table
      when the expected marginal totals are known".
    """
    effects = [np.ones(size) for size in sizes]
    happened = [np.bincount(c, events, minlength=n) for c, n in zip(codes, sizes, strict=True)]
    rate = trials.astype(np.float64)
    for _ in range(_N_ROUNDS):
        for k, code in enumerate(codes):
            expected = np.bincount(code, rate, minlength=sizes[k]) / effects[k]
            new = (happened[k] + priors[k]) / (expected + priors[k])
            rate *= (new / effects[k])[code]
            effects[k] = new
    return effects


def rates_of(effects: Sequence[Floats], codes: Sequence[NDArray[np.integer]]) -> Floats:
    """Returns the product of the effects at these levels."""
    rate = np.ones(len(codes[0]))
    for effect, code in zip(effects, codes, strict=True):
        rate *= effect[code]
    return rate
