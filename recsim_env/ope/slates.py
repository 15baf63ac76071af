"""Estimators of what a policy earns per slate, from logged slates.

Throughout, a slate earns the sum over its places k of rewards r_k, and w_k are weights, target over
logging probability, of what the estimator takes r_k to depend on: the less that is, the less the
weights vary, and the more is assumed. All assume full support of that, and correct propensities.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsim_env.ope.checks import Floats
from recsim_env.ope.diagnostics import WeightDiagnostics, weight_diagnostics
from recsim_env.ope.estimates import ValueEstimate, divided, estimated_from, mean, named, ratio
from recsim_env.ope.logged import LoggedSlates, modelled
from recsim_env.ope.uncertainty import Formula, Uncertainty


def sips(
    log: LoggedSlates, *, self_normalised: bool = False, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """Standard IPS: mean(w r), with the weight w of the whole slate and r what it earned.

    Nothing is assumed of what a reward depends on.

    Args:
      log: logged slates, with `slate` probabilities.
      self_normalised: divide by the mean weight.
      uncertainty: how the interval is made.

    Source: Horvitz and Thompson 1952, "A generalization of sampling without replacement from a
      finite universe"; for slates: McInerney et al. 2020, as below.
    """
    weights = log.weights("slate")
    return _weighted(log, "sips", weights, self_normalised, uncertainty)


def iips(
    log: LoggedSlates, *, self_normalised: bool = False, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """Independent IPS: mean(sum over places of w_k r_k), with w_k of the item at place k.

    Assumes that what a place earns depends on its item alone, as in position-based models.

    Args:
      log: logged slates, with `place` probabilities.
      self_normalised: divide each place by its mean weight.
      uncertainty: how the interval is made.

    Source: Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay and Wen 2018, "Offline evaluation of
      ranking policies with click models".
    """
    return _by_place(log, "iips", "place", self_normalised, uncertainty)


def rips(
    log: LoggedSlates, *, self_normalised: bool = False, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """Reward-interaction IPS: mean(sum over places of w_k r_k), with w_k of places 1 to k.

    Assumes that what a place earns depends on the items down to it, as where people read from the
    top.

    Args:
      log: logged slates, with `prefix` probabilities.
      self_normalised: divide each place by its mean weight.
      uncertainty: how the interval is made.

    Source: McInerney, Brost, Chandar, Mehrotra and Carterette 2020, "Counterfactual evaluation of
      slate recommendations with sequential reward interactions".
    Differs: rewards of places above may not be part of what a place depends on.
    """
    return _by_place(log, "rips", "prefix", self_normalised, uncertainty)


def cascade_dr(log: LoggedSlates, *, uncertainty: Uncertainty | None = None) -> ValueEstimate:
    """Cascade doubly robust: mean(sum over k of w_k (r_k - q_k) + w_(k-1) v_k), with w_0 = 1.

    Here q_k is a model's expected reward from place k down, given the items down to k, and v_k its
    mean over the target's item at k. Assumes what RIPS does, and has less variance where the model
    is good. `recsim_env.ope.fitted_q.fitted_cascade` makes one.

    Source: Kiyohara, Saito, Matsuhiro, Narita, Shimizu and Yamamoto 2022, "Doubly robust off-policy
      evaluation for ranking policies under the cascade behavior model".
    """
    expected, value = modelled(log)
    weights = log.weights("prefix")
    terms = value[:, 0] + weights[:, -1] * (log.reward[:, -1] - expected[:, -1])
    for place in range(log.slate_size - 1):
        rest = log.reward[:, place] - expected[:, place] + value[:, place + 1]
        terms += weights[:, place] * rest
    return _estimate(log, "cascade-dr", [terms], weights, uncertainty)


def pseudo_inverse(
    log: LoggedSlates, *, self_normalised: bool = False, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """Pseudo-inverse: mean(w r), with weights w that assume sums over places, and r of the slate.

    Assumes that the expected reward is a sum over places of what an item is worth there; unlike
    IIPS, it need not be seen which place earned it.

    Args:
      log: logged slates, with `pseudo_inverse_weight`.
      self_normalised: divide by the mean weight.
      uncertainty: how the interval is made.

    Source: Swaminathan et al. 2017, "Off-policy evaluation for slate recommendation".
    """
    weights = log.pseudo_inverse_weight
    if weights is None:
        raise ValueError(
            "the log has no pseudo_inverse_weight; recsim_env.ope.pseudo_inverse has three ways to "
            "compute it"
        )
    return _weighted(log, "pseudo-inverse", weights, self_normalised, uncertainty)


SLATE_ESTIMATORS: dict[str, Callable[..., ValueEstimate]] = {
    "sips": sips,
    "iips": iips,
    "rips": rips,
    "cascade-dr": cascade_dr,
    "pseudo-inverse": pseudo_inverse,
}
"""Names and functions of a log and `uncertainty`; all but cascade DR have `self_normalised`."""


def _weighted(
    log: LoggedSlates,
    name: str,
    weights: Floats,
    self_normalised: bool,
    uncertainty: Uncertainty | None,
) -> ValueEstimate:
    terms, name = weights * log.reward.sum(axis=1), named(name, self_normalised)
    if self_normalised:
        return _estimate(log, name, [terms, weights], weights, uncertainty, formula=ratio)
    return _estimate(log, name, [terms], weights, uncertainty)


def _by_place(
    log: LoggedSlates,
    name: str,
    kind: str,
    self_normalised: bool,
    uncertainty: Uncertainty | None,
) -> ValueEstimate:
    weights, name = log.weights(kind), named(name, self_normalised)
    if not self_normalised:
        terms = np.einsum("nk,nk->n", weights, log.reward)
        return _estimate(log, name, [terms], weights, uncertainty)
    size = log.slate_size
    columns = [*(weights * log.reward).T, *weights.T]

    def formula(sums: Floats) -> Floats:
        return divided(sums[..., :size], sums[..., size:-1]).sum(axis=-1)

    return _estimate(log, name, columns, weights, uncertainty, formula=formula)


def _estimate(
    log: LoggedSlates,
    name: str,
    columns: list[Floats],
    weights: Floats,
    uncertainty: Uncertainty | None,
    *,
    formula: Formula = mean,
) -> ValueEstimate:
    return estimated_from(
        log,
        name,
        columns,
        uncertainty,
        formula=formula,
        diagnose=lambda: _of_hardest_place(log, weights),
    )


def _of_hardest_place(log: LoggedSlates, weights: Floats) -> WeightDiagnostics:
    """Returns what weights look like; by place, those with the fewest effective rows."""
    if weights.ndim == 1:
        return weight_diagnostics(weights, user=log.user, context=log.context)
    totals, squares = weights.sum(axis=0), np.einsum("nk,nk->k", weights, weights)
    effective = divided(totals * totals, squares)
    hardest = weights[:, int(np.argmin(effective))]
    return weight_diagnostics(hardest, user=log.user, context=log.context)
