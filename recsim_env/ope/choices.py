"""How likely slates were shown, where a log does not say: a model of choices by features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from recsim_env.ope.checks import Floats
from recsim_env.ope.models import folds
from recsim_env.ope.propensities import log_softmax, temperature_of

#: So many rows, at most, are fitted to: more would take minutes and change little.
_MOST_ROWS = 5_000

#: Log odds of what a place above shows already.
_TAKEN = -1e9


def fitted_choices(
    features: ArrayLike,
    slates: NDArray[np.integer],
    *,
    user: NDArray[Any] | None = None,
    n_folds: int = 5,
    ridge: float = 1.0,
    seed: int = 0,
) -> tuple[Floats, float]:
    """Returns log odds of candidates, (n, n_candidates), and the temperature that divided them.

    A conditional logistic model: each place shows a candidate, of those that none above shows, by
    the softmax of a linear function of its features. Each row is judged by a model of other users.
    `recsim_env.ope.plackett_luce` makes probabilities of slates, places and prefixes of log odds.

    Args:
      features: (n, n_candidates, d), of candidates in their context.
      slates: (n, slate_size), candidates that were shown, none twice.
      user: (n,), rows of one user are in one fold.
      n_folds, seed: as of `recsim_env.ope.models.folds`.
      ridge: penalty on squared coefficients, in rows.

    Raises:
      ValueError: arrays differ in length, or fewer users than folds.

    Source: McFadden 1974, "Conditional logit analysis of qualitative choice behavior"; slates: Luce
      1959, "Individual choice behavior".
    """
    inputs = np.asarray(features, dtype=np.float64)
    if inputs.ndim != 3 or len(inputs) != len(slates):
        raise ValueError(
            f"features have shape {inputs.shape}; use (n, n_candidates, d), with n={len(slates)}"
        )
    taken = _taken(slates, inputs.shape[1])
    fold = folds(len(slates), user=user, n_folds=n_folds, seed=seed)
    rng = np.random.default_rng(seed)
    logits = np.empty(inputs.shape[:2])
    for each in range(n_folds):
        rows = np.flatnonzero(fold != each)
        rows = rng.permutation(rows)[:_MOST_ROWS]
        coefficients = _fit(inputs[rows], slates[rows], taken[rows], ridge)
        logits[fold == each] = inputs[fold == each] @ coefficients
    temperature = temperature_of(logits, slates[:, 0])
    return logits / temperature, temperature


def _taken(slates: NDArray[np.integer], n_candidates: int) -> Floats:
    """Returns what is added to log odds at each place, (n, slate_size, n_candidates)."""
    shown = slates[:, :, None] == np.arange(n_candidates)
    above = np.cumsum(shown, axis=1) - shown
    return np.where(above > 0, _TAKEN, 0.0)


def _fit(inputs: Floats, slates: NDArray[np.integer], taken: Floats, ridge: float) -> Floats:
    """Returns coefficients, (d,), of the largest penalised likelihood."""
    n, size = slates.shape
    counted = inputs[np.arange(n)[:, None], slates].sum(axis=(0, 1))
    flat = inputs.reshape(-1, inputs.shape[2])

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        logits = (flat @ coefficients).reshape(n, -1)
        chances, value = np.zeros_like(logits), 0.0
        for place in range(size):
            logs = log_softmax(logits + taken[:, place])
            value -= float(logs[np.arange(n), slates[:, place]].sum())
            chances += np.exp(logs)
        gradient = chances.ravel() @ flat - counted
        value += ridge * float(coefficients @ coefficients) / 2
        return value / n, (gradient + ridge * coefficients) / n

    options = {"maxiter": 200, "ftol": 1e-9}
    start = np.zeros(inputs.shape[2])
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x)
