"""Estimators of what a policy earns per session, from logged sessions.

Throughout, a session earns the sum over its steps t of gamma^t r_t, and w_t is the product of
target over logging probabilities from its first step to t. Products of many weights vary with the
exponential of the number of steps, so these estimators suit short sessions or near policies;
`recsim_env.ope.marginalized` suits long ones where the state is known.

A session that has ended stays in self-normalised means with its last weight, earning nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recsim_env.ope.checks import Floats
from recsim_env.ope.diagnostics import limit_warnings, weight_diagnostics
from recsim_env.ope.estimates import ValueEstimate, divided, estimated_from, mean, named, ratio
from recsim_env.ope.logged import modelled
from recsim_env.ope.logged_sessions import LoggedSessions
from recsim_env.ope.uncertainty import Uncertainty


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
    weights = log.session_weights
    terms = weights * _session_sums(log, log.reward)
    columns, formula = ([terms, weights], ratio) if self_normalised else ([terms], mean)
    return estimated_from(log, named("tis", self_normalised), columns, uncertainty, formula=formula)


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
    terms, name = log.weights * log.reward, named("pdis", self_normalised)
    if not self_normalised:
        return estimated_from(log, name, [_session_sums(log, terms)], uncertainty)
    weights = _by_step(log, log.weights, stays=True)
    columns = [*_by_step(log, terms, stays=False), *weights]
    formula = _ratios(_discounts(log))
    return estimated_from(log, name, columns, uncertainty, formula=formula)


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
    expected, value = modelled(log)
    name, before = named("seq-dr", self_normalised), _before(log)
    rest = log.weights * (log.reward - expected)
    if not self_normalised:
        columns = [_session_sums(log, rest + before * value)]
        return estimated_from(log, name, columns, uncertainty)
    above = [*_by_step(log, rest, stays=False), *_by_step(log, before * value, stays=False)]
    weights = _by_step(log, log.weights, stays=True)
    below = [*weights, np.ones(len(log.starts)), *weights[:-1]]
    formula = _ratios(np.tile(_discounts(log), 2))
    return estimated_from(log, name, [*above, *below], uncertainty, formula=formula)


def fqe(log: LoggedSessions, *, uncertainty: Uncertainty | None = None) -> ValueEstimate:
    """Fitted Q evaluation: the model's mean value where sessions begin, mean(V_0).

    Assumes that the model is right; the interval takes it as given. `fitted_q` makes one, and keeps
    its values within what the log has seen: a warning says where they lie at that limit.

    Source: Le, Voloshin and Yue 2019, "Batch policy learning under constraints".
    """
    value = modelled(log)[1][log.starts]
    found = estimated_from(
        log,
        "fqe",
        [value],
        uncertainty,
        diagnose=lambda: weight_diagnostics(log.target / log.propensity, user=log.user),
        is_modelled=True,
    )
    if uncertainty is not None and uncertainty.method == "none":
        return found
    return replace(found, warnings=found.warnings + limit_warnings(value, log.rest_earned))


SESSION_ESTIMATORS: dict[str, Callable[..., ValueEstimate]] = {
    "tis": trajectory_is,
    "pdis": per_decision_is,
    "seq-dr": sequential_dr,
    "fqe": fqe,
}
"""Names and functions of a log and `uncertainty`; all but FQE have `self_normalised`."""


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
