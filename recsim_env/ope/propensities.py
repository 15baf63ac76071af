"""Propensities of a log that has none, estimated from what was shown, and how well they fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from recsim_env.ope.checks import Floats, check_probabilities
from recsim_env.ope.models import folds, with_constant


@dataclass(frozen=True, eq=False)
class Propensities:
    """Estimated probabilities of actions, and how well they fit.

    Attributes:
      probabilities: (n, n_actions), each row by a model of other users.
      logged: (n,), of the logged actions.
      temperature: by which logits were divided so that probabilities fit other users: above 1 where
        the model was too sure.
      calibration: predicted and observed frequencies; see `calibration`.
    """

    probabilities: Floats
    logged: Floats
    temperature: float
    calibration: Calibration


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often actions were shown against how often that was predicted, in bins of predictions.

    Attributes:
      predicted, observed: (n_bins,), mean prediction and share that was shown.
      count: (n_bins,), pairs of row and action in each.
      error: mean of |predicted - observed| over pairs (expected calibration error).
    """

    predicted: Floats
    observed: Floats
    count: NDArray[np.intp]
    error: float


def estimated_propensities(
    action: NDArray[np.integer],
    n_actions: int,
    *,
    context: ArrayLike | None = None,
    user: NDArray[Any] | None = None,
    n_folds: int = 5,
    ridge: float = 1.0,
    seed: int = 0,
) -> Propensities:
    """Returns probabilities of actions by a multinomial logistic model, fitted and calibrated.

    Estimated propensities are only as good as the model: what the logging policy knew and the
    context lacks (confounding) biases every estimator, and no check of the log can tell.

    Args:
      action: (n,), logged actions, 0 to n_actions - 1.
      n_actions: how many there were.
      context: (n, d), what the logging policy saw; None: the same probabilities everywhere.
      user: (n,), rows of one user are in one fold.
      n_folds, seed: as of `recsim_env.ope.models.folds`.
      ridge: penalty on squared coefficients, in rows.

    Raises:
      ValueError: an action out of its range, or fewer users than folds.

    Source: Rosenbaum and Rubin 1983, "The central role of the propensity score in observational
      studies for causal effects"; temperature: Guo, Pleiss, Sun and Weinberger 2017, "On
      calibration of modern neural networks".
    """
    action = np.asarray(action)
    if not len(action) or action.min() < 0 or action.max() >= n_actions:
        raise ValueError(f"action must hold one or more of 0 to {n_actions - 1}, n_actions - 1")
    inputs = with_constant(np.zeros((len(action), 0)) if context is None else context)
    if len(inputs) != len(action):
        raise ValueError(f"context has {len(inputs)} rows and action {len(action)}; use as many")
    fold = folds(len(action), user=user, n_folds=n_folds, seed=seed)
    logits = np.empty((len(action), n_actions))
    for each in range(n_folds):
        is_fitted = fold != each
        coefficients = _fit(inputs[is_fitted], action[is_fitted], n_actions, ridge)
        logits[~is_fitted] = inputs[~is_fitted] @ coefficients
    temperature = temperature_of(logits, action)
    found = np.exp(log_softmax(logits / temperature))
    logged = found[np.arange(len(action)), action]
    return Propensities(found, logged, temperature, calibration(found, action))


def calibration(
    probabilities: ArrayLike, action: NDArray[np.integer], *, n_bins: int = 10
) -> Calibration:
    """Returns predicted and observed frequencies of actions, in bins with as many pairs each.

    Args:
      probabilities: (n, n_actions), predicted.
      action: (n,), what was shown.
      n_bins: of pairs of row and action; fewer where predictions repeat.

    Source: Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using
      Bayesian binning" (expected calibration error).
    """
    table = np.asarray(probabilities, dtype=np.float64)
    check_probabilities(table, "probabilities")
    is_shown = np.zeros(table.shape, bool)
    is_shown[np.arange(len(action)), action] = True
    flat = table.ravel()
    edges = np.unique(np.quantile(flat, np.linspace(0, 1, n_bins + 1)[1:-1]))
    number = np.searchsorted(edges, flat, side="right")
    count = np.bincount(number, minlength=len(edges) + 1)
    size = np.maximum(count, 1)
    predicted = np.bincount(number, flat, len(edges) + 1) / size
    observed = np.bincount(number, is_shown.ravel(), len(edges) + 1) / size
    error = float(np.abs(predicted - observed) @ count / count.sum())
    is_used = count > 0
    return Calibration(predicted[is_used], observed[is_used], count[is_used], error)


def _fit(inputs: Floats, action: NDArray[np.integer], n_actions: int, ridge: float) -> Floats:
    """Returns coefficients, (d + 1, n_actions), of the largest penalised likelihood."""
    shape = inputs.shape[1], n_actions
    penalty = np.full(shape, ridge)
    penalty[-1] = 1e-3  # hardly any on constants, which keeps actions that were never shown finite
    counted = np.zeros(shape)
    np.add.at(counted.T, action, inputs)

    def loss(flat: Floats) -> tuple[float, Floats]:
        coefficients = flat.reshape(shape)
        logs = log_softmax(inputs @ coefficients)
        value = -float(logs[np.arange(len(action)), action].sum())
        value += float((penalty * coefficients**2).sum()) / 2
        gradient = inputs.T @ np.exp(logs) - counted + penalty * coefficients
        return value / len(action), gradient.ravel() / len(action)

    start = np.zeros(shape).ravel()
    options = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8}
    return np.asarray(
        optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    ).reshape(shape)


def temperature_of(logits: Floats, action: NDArray[np.integer]) -> float:
    """Returns by what to divide log odds, (n, n_actions), to make what was shown most likely."""
    rows = np.arange(len(action))

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / math.exp(log_temperature))[rows, action].mean())

    return math.exp(float(optimize.minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def log_softmax(logits: Floats) -> Floats:
    """Returns logarithms of probabilities, (n, n_actions), of log odds."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
