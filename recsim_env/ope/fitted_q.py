"""Models of what the rest of a session, or of a slate, earns under a policy, fitted from logs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsim_env.ope.checks import Floats
from recsim_env.ope.logged import LoggedSlates
from recsim_env.ope.logged_sessions import LoggedSessions
from recsim_env.ope.models import folds, with_constant

#: How often the same coefficients are fitted at most, and the change, as a share, that ends it.
_MAX_FITS = 1_000
_STAYS = 1e-9


def fitted_q(
    log: LoggedSessions,
    features: ArrayLike,
    target_features: ArrayLike,
    *,
    by_step: bool = True,
    n_folds: int = 5,
    ridge: float = 1.0,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Returns `model_reward` (Q) and `model_value` (V), each (n,), of a linear model.

    Q of a step is fitted to its reward plus gamma times V of the next, V being the mean of Q over
    the target's choices; after a session's last step V is 0. Each fold of users is judged by a
    model of the others. Both are kept within what the log has seen the rest of a session earn:
    where the target does what was hardly ever done, a linear model alone may go to any number.

    Args:
      log: logged sessions.
      features: (n, d), of state and what was shown; a constant is added.
      target_features: (n, d), of the same state, the mean over the target's choices.
      by_step: coefficients for each step, fitted from the last to the first, for sessions with a
        horizon; otherwise the same for all steps, fitted again until values stay.
      n_folds: 2 or more.
      ridge: penalty on squared coefficients, in rows.
      seed: of the folds.

    Raises:
      ValueError: arrays differ in shape, or fewer users than folds.

    Source: Le, Voloshin and Yue 2019, "Batch policy learning under constraints".
    Differs: values are bounded.
    """
    inputs, means = with_constant(features), with_constant(target_features)
    if inputs.shape != means.shape or len(inputs) != len(log):
        raise ValueError(
            f"features, {np.shape(features)}, and target_features, {np.shape(target_features)}, "
            f"must both be (n, d), with n={len(log)} of the log"
        )
    fold = np.repeat(
        folds(len(log.starts), user=log.unit_user, n_folds=n_folds, seed=seed), log.lengths
    )
    fit = _fit_by_step if by_step else _fit_pooled
    bounds = log.rest_earned
    expected, value = np.empty(len(log)), np.empty(len(log))
    for each in range(n_folds):
        coefficients = fit(log, inputs, means, fold != each, ridge, bounds)  # (n_steps, d + 1)
        rows = np.flatnonzero(fold == each)
        own = coefficients[np.minimum(log.step[rows], len(coefficients) - 1)]
        expected[rows] = np.einsum("nd,nd->n", inputs[rows], own)
        value[rows] = np.einsum("nd,nd->n", means[rows], own)
    return np.clip(expected, *bounds), np.clip(value, *bounds)


def fitted_cascade(
    log: LoggedSlates,
    features: ArrayLike,
    target_features: ArrayLike,
    *,
    n_folds: int = 5,
    ridge: float = 1.0,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Returns `model_reward` and `model_value` of slates, each (n, slate_size), for cascade DR.

    Places are to a slate what steps are to a session.

    Args:
      log: logged slates.
      features: (n, slate_size, d), of the context and the items down to each place.
      target_features: (n, slate_size, d), the mean of the same over the target's item at that
        place, the items above being the logged ones.
      n_folds, ridge, seed: as of `fitted_q`.

    Raises:
      ValueError: arrays differ in shape, or fewer users than folds.
    """
    shown, means = (np.asarray(each, dtype=np.float64) for each in (features, target_features))
    if shown.ndim != 3 or shown.shape[:2] != log.reward.shape or means.shape != shown.shape:
        raise ValueError(
            f"features, {shown.shape}, and target_features, {means.shape}, must both be "
            f"(n, slate_size, d), with {log.reward.shape} of the log"
        )
    n, size = log.reward.shape
    certain = np.ones(n * size)  # a fit needs no propensities
    places = LoggedSessions(
        session=np.repeat(np.arange(n), size),
        reward=log.reward.ravel(),
        propensity=certain,
        target=certain,
        user=None if log.user is None else np.repeat(log.user, size),
    )
    flat = shown.reshape(n * size, -1), means.reshape(n * size, -1)
    expected, value = fitted_q(places, *flat, n_folds=n_folds, ridge=ridge, seed=seed)
    return expected.reshape(n, size), value.reshape(n, size)


def _fit_by_step(
    log: LoggedSessions,
    inputs: Floats,
    means: Floats,
    is_fitted: NDArray[np.bool_],
    ridge: float,
    bounds: tuple[float, float],
) -> Floats:
    n_steps = int(log.lengths.max())
    found, following = np.zeros((n_steps, inputs.shape[1])), np.zeros(len(log) + 1)
    for step in reversed(range(n_steps)):
        rows = log.starts[log.lengths > step] + step
        is_last = (log.lengths[log.lengths > step] == step + 1)[is_fitted[rows]]
        rows = rows[is_fitted[rows]]
        if not len(rows):
            continue
        outcome = log.reward[rows] + log.gamma * np.where(is_last, 0.0, following[rows + 1])
        moment = inputs[rows].T @ inputs[rows] + _penalty(ridge, inputs.shape[1])
        found[step] = np.linalg.solve(moment, inputs[rows].T @ outcome)
        following[rows] = np.clip(means[rows] @ found[step], *bounds)
    return found


def _fit_pooled(
    log: LoggedSessions,
    inputs: Floats,
    means: Floats,
    is_fitted: NDArray[np.bool_],
    ridge: float,
    bounds: tuple[float, float],
) -> Floats:
    is_last = np.zeros(len(log), dtype=bool)
    is_last[log.starts + log.lengths - 1] = True
    is_last, reward = is_last[is_fitted], log.reward[is_fitted]
    following = np.roll(means, -1, axis=0)[is_fitted]
    inputs = inputs[is_fitted]
    penalty = np.sqrt(_penalty(ridge, inputs.shape[1]))
    solve = np.linalg.pinv(np.vstack([inputs, penalty]))[:, : len(inputs)]
    coefficients, value = np.zeros(inputs.shape[1]), np.zeros(len(inputs))
    for _ in range(_MAX_FITS):
        coefficients = solve @ (reward + log.gamma * value)
        before, value = value, np.where(is_last, 0.0, np.clip(following @ coefficients, *bounds))
        if np.abs(value - before).max(initial=0.0) <= _STAYS * max(map(abs, bounds)):
            break
    return coefficients[None]


def _penalty(ridge: float, size: int) -> Floats:
    return np.diag(np.append(np.full(size - 1, ridge), 1e-9))  # the constant is free
