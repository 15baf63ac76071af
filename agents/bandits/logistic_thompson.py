"""A linear model of the log-odds of a click that is tried as often as it may be right."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from recsim_env.agents.bandits.linear_bandit import LinearBandit, LinearSettings
from recsim_env.agents.bandits.linear_models import LinearModel, SharedModel
from recsim_env.agents.bandits.linear_posterior import LinearPosterior
from recsim_env.agents.core.features import JointFeatures
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.core.search import Search
from recsim_env.core.settings import setting

_MAX_STEPS, _MAX_HALVINGS = 50, 30

# Newton's method ends when no log-odds moves by more; it converges quadratically.
_TOLERANCE = 1e-6

# Where a click is this sure, its curvature is rounded up, so that it can be divided by.
_MIN_CURVATURE = 1e-12


@dataclass(frozen=True, kw_only=True)
class LogisticThompsonSettings(LinearSettings):
    """What `LogisticThompson` is given."""

    v: float = setting(
        1.0,
        search=Search(0.03, 3.0, log=True),
        low=0.0,
        doc="by which posterior deviations are multiplied",
    )
    precision: str = setting(
        "full", choices=("full", "diagonal"), doc="diagonal takes weights for independent"
    )


class LogisticThompson(LinearBandit):
    """Shows what is most likely to be clicked under weights drawn from what is believed of them.

    Idea: a click is a yes or no, so its log-odds are linear in features, and not its chance.
    Update: P(click) = 1 / (1 + exp(-w·x)), w ~ N(m, Q⁻¹). A batch moves m to the w that minimises
      (w - m)ᵀ Q (w - m) / 2 + sum c ln(1 + exp(-y w·x)), where y is 1 for a click and -1 for none,
      and c how likely the place was looked at; Q grows by the curvature there, sum c p (1 - p)
      x xᵀ, p the chance of a click at the new m, or by its diagonal alone. For every decision w is
      drawn from N(m, v² Q⁻¹), and the score is w·x. Before, the past fades: Q <- ridge I +
      discount^n (Q - ridge I) and Q m <- discount^n Q m, n the interactions of the batch.
    Cost: that of "shared" in `LinearBandit`, about 5 times for learning, as Newton takes steps.
    Source: Chapelle and Li 2011, "An empirical evaluation of Thompson sampling", algorithm 3, which
      is precision "diagonal".
    Differs: the full precision is the default; x of person and item together; it learns from every
      place that may have been looked at. It models the first column of the observation `response`,
      the click, and ranks by its chance: how large a reward is plays no part.
    """

    Settings = LogisticThompsonSettings
    settings: LogisticThompsonSettings
    draws_slates = "scores"

    def make_model(self, features: JointFeatures) -> LinearModel:
        """Returns a model of clicks."""
        is_diagonal = self.settings.precision == "diagonal"
        return LogisticModel(features, self.settings.ridge, is_diagonal=is_diagonal)

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the log-odds under drawn weights, or where `deterministic` under their mean."""
        if deterministic:
            return self.model.mean(observation)
        return self.model.draw(observation, self.rng, scale=self.settings.v)


class LogisticModel(SharedModel):
    """One vector of weights for the log-odds of a click on any item; means are log-odds."""

    def __init__(self, features: JointFeatures, ridge: float, *, is_diagonal: bool) -> None:
        super().__init__(features, ridge)
        self.is_diagonal = is_diagonal

    def add(self, transition: Transition) -> None:
        """See `LinearModel`."""
        seen = transition.examination_probability > 0
        x = self.features.of_slates(transition.observation, transition.slates)[seen]
        is_clicked = transition.next_observation["response"][:, :, 0][seen] > 0
        self.posterior = laplace(
            self.posterior, x, is_clicked, transition.examination_probability[seen]
        )
        if self.is_diagonal:
            _forget_covariances(self.posterior)


def laplace(
    prior: LinearPosterior, x: np.ndarray, is_clicked: np.ndarray, weights: np.ndarray
) -> LinearPosterior:
    """Returns the Gaussian around the most likely weights, with the curvature there.

    A step of Newton's method is a weighted least squares problem, and so the posterior of a linear
    model; it is halved where it would overshoot.

    Args:
      prior: what is believed before.
      x: (n, n_features).
      is_clicked, weights: (n,).
    """
    w = prior.mean
    for _ in range(_MAX_STEPS):
        odds = x @ w
        chance = expit(odds)
        curvature = np.maximum(chance * (1.0 - chance), _MIN_CURVATURE)
        posterior = prior.copy()
        posterior.add(x, odds + (is_clicked - chance) / curvature, weights * curvature)
        step = posterior.mean - w
        if np.abs(x @ step).max(initial=0.0) <= _TOLERANCE:
            break
        before = _loss(prior, w, x, is_clicked, weights)
        for _ in range(_MAX_HALVINGS):
            if _loss(prior, w + step, x, is_clicked, weights) <= before:
                break
            step = step / 2.0
        w = w + step
    return posterior


def _loss(
    prior: LinearPosterior,
    w: np.ndarray,
    x: np.ndarray,
    is_clicked: np.ndarray,
    weights: np.ndarray,
) -> float:
    """Returns the negative logarithm of the posterior density, up to a constant."""
    sign = np.where(is_clicked, -1.0, 1.0)
    away = w - prior.mean
    quadratic = 0.5 * away @ prior.precision @ away
    return float(quadratic + weights @ np.logaddexp(0.0, sign * (x @ w)))


def _forget_covariances(posterior: LinearPosterior) -> None:
    """Keeps the mean of a posterior, and of its precision the diagonal."""
    diagonal = np.diag(posterior.precision).copy()
    posterior.precision[...] = np.diag(diagonal)
    posterior.covariance[...] = np.diag(1.0 / diagonal)
    posterior.moment[...] = diagonal * posterior.mean
