"""Estimators of what a policy earns per session, from logged sessions.

Throughout, a session earns the sum over its steps t of gamma^t r_t, and w_t is the product of
target over logging probabilities from its first step to t. Products of many weights vary with the
exponential of the number of steps, so these estimators suit short sessions or near policies;
`recsim_env.ope.marginalized` suits long ones where the state is known.

A session that has ended stays in self-normalised means with its last weight, earning nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsim_env.ope.checks import Floats
from recsim_env.ope.diagnostics import WeightDiagnostics, weight_diagnostics
from recsim_env.ope.estimates import (
    Uncertainty,
    ValueEstimate,
    divided,
    estimated,
    mean,
    ratio,
)
from recsim_env.ope.logged import LoggedSessions


def trajectory_is(
    log: LoggedSessions, *, self_normalised: bool = False, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """Trajectory-wise importance sampling: mean over sessions of w_last times what each earned.

    Args:
      log: logged sessions.
      self_normalised: divide by the mean weight (weighted importance sampling).
      uncertainty: how the interval is made.

    Source: Precup, Sutton and Singh 2000, "Eligibility traces for off-policy policy evaluation".
    """
    weights = _last(log)
    terms = weights * _session_sums(log, log.reward)
    columns = [terms, weights] if self_normalised else [terms]
    formula = ratio if self_normalised else mean
    return _estimate(log, _named("tis", self_normalised), columns, formula, uncertainty)


def per_decision_is(
    log: LoggedSessions, *, self_normalised: bool = False, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """Per-decision importance sampling: mean over sessions of the sum of gamma^t w_t r_t.

    A reward does not depend on what is shown later, so that later weights may be left out.

    Args:
      log: logged sessions.
      self_normalised: divide the rewards of each step by the mean weight up to it (consistent
        weighted per-decision importance sampling).
      uncertainty: how the interval is made.

    Source: Precup et al. 2000, as above; self-normalised: Thomas 2015, "Safe reinforcement
      learning".
    """
    terms, name = log.weights * log.reward, _named("pdis", self_normalised)
    if not self_normalised:
        return _estimate(log, name, [_session_sums(log, terms)], mean, uncertainty)
    weights = _by_step(log, log.weights, stays=True)
    columns = [*_by_step(log, terms, stays=False), *weights]
    return _estimate(log, name, columns, _ratios(_discounts(log)), uncertainty)


def sequential_dr(
    log: LoggedSessions, *, self_normalised: bool = False, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """Doubly robust: mean over sessions of the sum of gamma^t (w_t (r_t - Q_t) + w_(t-1) V_t).

    With w_(-1) = 1. Unbiased with any model where propensities are right, and exact where the model
    is and rewards are certain.

    Args:
      log: logged sessions, with `model_reward` (Q) and `model_value` (V), for example of
        `recsim_env.ope.fitted_q.fitted_q`.
      self_normalised: divide by mean weights of each step.
      uncertainty: how the interval is made.

    Source: Jiang and Li 2016, "Doubly robust off-policy value evaluation for reinforcement
      learning"; self-normalised: Thomas and Brunskill 2016, "Data-efficient off-policy policy
      evaluation for reinforcement learning".
    """
    expected, value = _modelled(log)
    name, before = _named("seq-dr", self_normalised), _before(log)
    rest = log.weights * (log.reward - expected)
    if not self_normalised:
        columns = [_session_sums(log, rest + before * value)]
        return _estimate(log, name, columns, mean, uncertainty)
    above = [*_by_step(log, rest, stays=False), *_by_step(log, before * value, stays=False)]
    weights = _by_step(log, log.weights, stays=True)
    below = [*weights, np.ones(len(log.starts)), *weights[:-1]]
    formula = _ratios(np.tile(_discounts(log), 2))
    return _estimate(log, name, [*above, *below], formula, uncertainty)


def fqe(log: LoggedSessions, *, uncertainty: Uncertainty | None = None) -> ValueEstimate:
    """Fitted Q evaluation: the model's mean value where sessions begin, mean(V_0).

    Assumes that the model is right; the interval takes it as given. `fitted_q` makes one.

    Source: Le, Voloshin and Yue 2019, "Batch policy learning under constraints".
    """
    value = _modelled(log)[1][log.starts]
    return estimated(
        "fqe",
        [value],
        user=log.session_user,
        uncertainty=uncertainty,
        diagnose=lambda: weight_diagnostics(log.target / log.propensity, user=log.user),
        is_modelled=True,
    )


SESSION_ESTIMATORS: dict[str, Callable[..., ValueEstimate]] = {
    "tis": trajectory_is,
    "pdis": per_decision_is,
    "seq-dr": sequential_dr,
    "fqe": fqe,
}
"""Names and functions of a log and `uncertainty`; all but FQE have `self_normalised`."""


def _named(name: str, self_normalised: bool) -> str:
    return f"sn-{name}" if self_normalised else name


def _estimate(
    log: LoggedSessions,
    name: str,
    columns: list[Floats],
    formula: Callable[[Floats], Floats],
    uncertainty: Uncertainty | None,
) -> ValueEstimate:
    return estimated(
        name,
        columns,
        formula,
        user=log.session_user,
        uncertainty=uncertainty,
        diagnose=lambda: _diagnosed(log),
    )


def _diagnosed(log: LoggedSessions) -> WeightDiagnostics:
    return weight_diagnostics(_last(log), user=log.session_user, context=log.session_context)


def _modelled(log: LoggedSessions) -> tuple[Floats, Floats]:
    if log.model_reward is None or log.model_value is None:
        raise ValueError(
            "the log has no model_reward and model_value; give them, for example by "
            "recsim_env.ope.fitted_q, or choose an estimator without a model"
        )
    return log.model_reward, log.model_value


def _last(log: LoggedSessions) -> Floats:
    """Returns the weight of each whole session, (n_sessions,)."""
    return log.weights[log.starts + log.lengths - 1]


def _before(log: LoggedSessions) -> Floats:
    """Returns the weights up to the step before each, (n,); 1 at the first."""
    found = np.roll(log.weights, 1)
    found[log.starts] = 1.0
    return found


def _discounts(log: LoggedSessions) -> Floats:
    return np.asarray(log.gamma ** np.arange(int(log.lengths.max())), dtype=np.float64)


def _session_sums(log: LoggedSessions, terms: Floats) -> Floats:
    """Returns discounted sums of rows by session, (n_sessions,)."""
    if log.gamma < 1.0:
        terms = terms * _discounts(log)[log.step]
    return np.asarray(np.add.reduceat(terms, log.starts))


def _by_step(log: LoggedSessions, rows: Floats, *, stays: bool) -> Floats:
    """Returns rows as a table, (n_steps, n_sessions).

    Args:
      log: the sessions that they are of.
      rows: (n,).
      stays: whether what a session ends with goes on; otherwise 0 does.
    """
    found = np.zeros((int(log.lengths.max()), len(log.starts)))
    for step, column in enumerate(found):
        is_going = log.lengths > step
        column[is_going] = rows[log.starts[is_going] + step]
        if stays and step:
            column[~is_going] = found[step - 1, ~is_going]
    return found


def _ratios(discounts: Floats) -> Callable[[Floats], Floats]:
    """Returns the formula of a discounted sum of ratios: first all above, then all below."""
    n = len(discounts)

    def formula(sums: Floats) -> Floats:
        return np.asarray(divided(sums[..., :n], sums[..., n : 2 * n]) @ discounts)

    return formula
