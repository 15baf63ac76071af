"""Estimators by embeddings of actions: topics, or any features that rewards go through.

Among thousands of actions, importance weights of single actions vary wildly. If an action matters
only through its embedding e, such as its topic, then weights of embeddings do as well:

    w(x, e) = p(e | x, target) / p(e | x, logging) = E[w(x, a) | x, e]

Source: Saito and Joachims 2022, "Off-policy evaluation for large action spaces via embeddings".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsim_env.ope.checks import Floats
from recsim_env.ope.diagnostics import WeightDiagnostics, weight_diagnostics
from recsim_env.ope.estimates import ValueEstimate, estimated_from, mean, named, ratio
from recsim_env.ope.logged import LoggedActions
from recsim_env.ope.models import cross_fitted
from recsim_env.ope.uncertainty import Uncertainty


def mips(
    log: LoggedActions,
    weights: ArrayLike,
    *,
    self_normalised: bool = False,
    is_regressed: bool = False,
    uncertainty: Uncertainty | None = None,
) -> ValueEstimate:
    """Marginalized IPS: mean(w(x, e) r).

    Assumes that an action changes the reward only through its embedding, and that the logging
    policy shows each embedding that the target shows; what it must not lack are single actions.

    Args:
      log: logged choices, of which rewards, users and contexts are used.
      weights: (n,), of the embeddings: `topic_weights`, or `regressed_weights`.
      self_normalised: divide by the mean weight.
      is_regressed: the weights are of `regressed_weights`: their mean is that of the actions', and
        as uncertain.
      uncertainty: how the interval is made.

    Source: as above.
    """
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != log.reward.shape:
        raise ValueError(f"weights have shape {found.shape}; use {log.reward.shape}, one a row")
    columns = [found * log.reward, *([found] if self_normalised else [])]

    def diagnose() -> WeightDiagnostics:
        own = weight_diagnostics(found, user=log.user, context=log.context)
        return replace(own, mean_error=log.diagnostics.mean_error) if is_regressed else own

    return estimated_from(
        log,
        named("mips", self_normalised),
        columns,
        uncertainty,
        formula=ratio if self_normalised else mean,
        diagnose=diagnose,
    )


def topic_weights(
    logging: ArrayLike, target: ArrayLike, topics: NDArray[Any], shown: NDArray[Any]
) -> Floats:
    """Returns the weights of topics, (n,), where both policies' probabilities are known.

    Args:
      logging, target: (n, n_actions), probabilities of all actions under the two policies.
      topics: (n_actions,), or (n, n_actions) where candidates differ, the topic of each action; any
        labels, and of several columns combined if they are numbered.
      shown: (n,), the topic of the logged action.

    Raises:
      ValueError: a row's topic has no chance under the logging policy.
    """
    is_alike = topics == shown[:, None]
    above = (np.asarray(target) * is_alike).sum(axis=1)
    below = (np.asarray(logging) * is_alike).sum(axis=1)
    if not (below > 0.0).all():
        row = int(np.argmax(below <= 0.0))
        raise ValueError(
            f"shown[{row}]={shown[row]!r} has probability 0 under the logging policy, but was "
            "logged; check topics and logging"
        )
    return np.asarray(above / below, dtype=np.float64)


def regressed_weights(
    log: LoggedActions,
    features: ArrayLike,
    *,
    n_folds: int = 5,
    ridge: float = 1.0,
    seed: int = 0,
) -> Floats:
    """Returns weights of any embedding, (n,): what weights of actions are in the mean, given it.

    A linear regression of the weights of logged actions on features of context and embedding,
    fitted across folds of users, cut off at 0 and scaled to the mean of the weights of actions.

    Args:
      log: logged choices.
      features: (n, d), of the context and the embedding of the logged action.
      n_folds, ridge, seed: as of `recsim_env.ope.models.cross_fitted`.

    Source: as above, section 3.3.
    Differs: the paper estimates probabilities of actions given embeddings by a classifier, and sums
      over all actions; a regression of the weights needs only those that were logged.
    """
    weights = log.weights
    how: dict[str, Any] = {"n_folds": n_folds, "ridge": ridge, "seed": seed}
    expected, _ = cross_fitted(features, weights, features, user=log.user, **how)
    found = np.maximum(expected, 0.0)
    total = float(found.sum())
    return found * (float(weights.sum()) / total) if total else found
