"""Models of rewards for direct and doubly robust estimators, fitted to users they do not judge."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsim_env.ope.checks import Floats
from recsim_env.ope.diagnostics import clusters


def cross_fitted(
    features: ArrayLike,
    reward: ArrayLike,
    target_features: ArrayLike,
    *,
    user: NDArray[Any] | None = None,
    weights: ArrayLike | None = None,
    n_folds: int = 5,
    ridge: float = 1.0,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Returns `model_reward` and `model_value` of a linear model, each (n,), fitted across folds.

    Users are dealt into folds, and each fold is judged by a model that is fitted to the others:
    what a model has learned by heart would otherwise count as knowledge. A linear model of features
    needs no more than their mean over the target's choices, so that a log need not list actions.

    Args:
      features: (n, d), of context and logged action; a constant is added.
      reward: (n,).
      target_features: (n, d), of the same context, the mean over the target's choices: the sum over
        actions of the target's probability times the action's features.
      user: (n,), who it was; None: each row is its own.
      weights: (n,), of rows in the fit; importance weights make it good where the target is.
      n_folds: 2 or more.
      ridge: penalty on squared coefficients, in rows.
      seed: of the folds.

    Raises:
      ValueError: arrays differ in shape, a number out of its range, or fewer users than folds.

    Source: Chernozhukov et al. 2018, "Double/debiased machine learning for treatment and structural
      parameters" (cross-fitting).
    """
    inputs, means = with_constant(features), with_constant(target_features)
    outcome = np.asarray(reward, dtype=np.float64)
    if inputs.shape != means.shape or outcome.shape != inputs.shape[:1]:
        raise ValueError(
            f"features, {np.shape(features)}, target_features, {np.shape(target_features)}, and "
            f"reward, {outcome.shape}, differ in shape; use (n, d), (n, d) and (n,)"
        )
    if not ridge >= 0.0:
        raise ValueError(f"ridge={ridge} is below 0; 1 weighs as much as one row")
    fold = folds(len(outcome), user=user, n_folds=n_folds, seed=seed)
    scale = np.ones(len(outcome)) if weights is None else np.asarray(weights, dtype=np.float64)
    moments = [
        _moments(inputs[fold == each], outcome[fold == each], scale[fold == each])
        for each in range(n_folds)
    ]
    total = sum(moment for moment, _ in moments), sum(vector for _, vector in moments)
    penalty = ridge * np.eye(inputs.shape[1])
    penalty[-1, -1] = 1e-9  # the constant is free
    expected, value = np.empty(len(outcome)), np.empty(len(outcome))
    for each, (moment, vector) in enumerate(moments):
        rows = fold == each
        coefficients = np.linalg.lstsq(total[0] - moment + penalty, total[1] - vector)[0]
        expected[rows], value[rows] = inputs[rows] @ coefficients, means[rows] @ coefficients
    return expected, value


def folds(
    n: int, *, user: NDArray[Any] | None = None, n_folds: int = 5, seed: int = 0
) -> NDArray[np.intp]:
    """Returns the fold of each row, (n,), 0 to n_folds - 1; rows of a user share it.

    Raises:
      ValueError: fewer than two folds, or fewer users than folds.
    """
    group, n_groups = clusters(user, n)
    if not 2 <= n_folds <= n_groups:
        raise ValueError(f"n_folds={n_folds} is not in 2 to {n_groups}, the users or rows")
    dealt = np.random.default_rng(seed).permutation(n_groups) % n_folds
    return np.asarray(dealt if group is None else dealt[group])


def _moments(inputs: Floats, outcome: Floats, scale: Floats) -> tuple[Floats, Floats]:
    scaled = inputs * scale[:, None]
    return scaled.T @ inputs, scaled.T @ outcome


def with_constant(features: ArrayLike) -> Floats:
    """Returns features with a last column of ones, (n, d + 1)."""
    found = np.asarray(features, dtype=np.float64)
    if found.ndim != 2:
        raise ValueError(f"features have shape {found.shape}; use (n, d)")
    return np.column_stack([found, np.ones(len(found))])
