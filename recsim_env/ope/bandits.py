"""Estimators of what a policy earns per choice, from logged single choices.

Throughout, a row has a reward r, the weight w = target / logging probability of the logged action,
a model's expected reward q of that action, and the model's value v of the target policy in that
context, the mean of q over the target's choices. IPS alone asks for no more than correct
propensities and full support: what the target may show, the logging policy shows at times. DM asks
for a correct model instead, and DR for either.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from recsim_env.ope.checks import Floats
from recsim_env.ope.estimates import ValueEstimate, divided, estimated_from, ratio
from recsim_env.ope.logged import LoggedActions, modelled
from recsim_env.ope.uncertainty import Uncertainty


def dm(log: LoggedActions, *, uncertainty: Uncertainty | None = None) -> ValueEstimate:
    """Direct method: what the model expects of the target policy, mean(v).

    Assumes that the model is right; its bias is that of the model. The interval takes the model as
    given. Fit it to other users than it judges: `recsim_env.ope.models.cross_fitted`.

    Source: Beygelzimer and Langford 2009, "The offset tree for learning with partial labels".
    """
    return estimated_from(log, "dm", [modelled(log)[1]], uncertainty, is_modelled=True)


def ips(
    log: LoggedActions, *, clip: float = math.inf, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """Inverse propensity score: mean(min(w, clip) r).

    Unbiased without a clip under full support. A clip lowers the variance, and the value of
    rewards above 0, by what the largest weights carried.

    Args:
      log: logged choices.
      clip: largest weight, above 0.
      uncertainty: how the interval is made.

    Source: Horvitz and Thompson 1952, "A generalization of sampling without replacement from a
      finite universe"; clipped: Ionides 2008, "Truncated importance sampling".
    """
    _check_above_zero("clip", clip)
    weights = log.weights if clip == math.inf else np.minimum(log.weights, clip)
    name = "ips" if clip == math.inf else "clipped-ips"
    return estimated_from(log, name, [weights * log.reward], uncertainty)


def snips(log: LoggedActions, *, uncertainty: Uncertainty | None = None) -> ValueEstimate:
    """Self-normalised IPS: sum(w r) / sum(w).

    Its bias falls as 1 / n, it stays within the range of rewards, and does not change when all
    rewards are shifted.

    Source: Swaminathan and Joachims 2015, "The self-normalized estimator for counterfactual
      learning".
    """
    columns = [log.weights * log.reward, log.weights]
    return estimated_from(log, "snips", columns, uncertainty, formula=ratio)


def sub_gaussian_ips(
    log: LoggedActions, *, shrinkage: float = 0.1, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """IPS with harmonically shrunk weights: mean(w / (1 - s + s w) r).

    No weight exceeds 1 / s, and deviations are sub-Gaussian.

    Args:
      log: logged choices.
      shrinkage: s in [0, 1]; 0 is IPS, 1 gives every row weight 1.
      uncertainty: how the interval is made.

    Source: Metelli, Russo and Restelli 2021, "Subgaussian and differentiable importance sampling
      for off-policy evaluation and learning".
    """
    if not 0.0 <= shrinkage <= 1.0:
        raise ValueError(f"shrinkage={shrinkage} is not in [0, 1]; 0 is IPS")
    weights = divided(log.weights, 1.0 - shrinkage + shrinkage * log.weights)
    terms = [weights * log.reward]
    return estimated_from(log, "sub-gaussian-ips", terms, uncertainty)


def dr(log: LoggedActions, *, uncertainty: Uncertainty | None = None) -> ValueEstimate:
    """Doubly robust: mean(v + w (r - q)).

    Unbiased where propensities are right, whatever the model; where the model is right it has the
    least variance.

    Source: Dudík, Langford and Li 2011, "Doubly robust policy evaluation and learning".
    """
    return _doubly_robust(log, "dr", log.weights, uncertainty)


def sndr(log: LoggedActions, *, uncertainty: Uncertainty | None = None) -> ValueEstimate:
    """Self-normalised DR: mean(v) + sum(w (r - q)) / sum(w).

    Source: Thomas and Brunskill 2016, "Data-efficient off-policy policy evaluation for
      reinforcement learning" (weighted doubly robust).
    """
    expected, value = modelled(log)

    def formula(sums: Floats) -> Floats:
        return np.asarray(sums[..., 0] / sums[..., -1] + divided(sums[..., 1], sums[..., 2]))

    columns = [value, log.weights * (log.reward - expected), log.weights]
    return estimated_from(log, "sndr", columns, uncertainty, formula=formula)


def switch_dr(
    log: LoggedActions, *, threshold: float = 10.0, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """DR for weights up to a threshold, the model alone beyond: mean(v + [w <= t] w (r - q)).

    Args:
      log: logged choices.
      threshold: t, 0 or above; 0 is DM, infinity DR.
      uncertainty: how the interval is made.

    Source: Wang, Agarwal and Dudík 2017, "Optimal and adaptive off-policy evaluation in contextual
      bandits".
    """
    if not threshold >= 0.0:
        raise ValueError(f"threshold={threshold} is below 0; 0 is DM, infinity DR")
    weights = np.where(log.weights <= threshold, log.weights, 0.0)
    return _doubly_robust(log, "switch-dr", weights, uncertainty)


def dros(
    log: LoggedActions, *, shrinkage: float = 100.0, uncertainty: Uncertainty | None = None
) -> ValueEstimate:
    """DR with optimistically shrunk weights: mean(v + l w / (w^2 + l) (r - q)).

    Args:
      log: logged choices.
      shrinkage: l, 0 or above; 0 is DM, infinity DR.
      uncertainty: how the interval is made.

    Source: Su, Dimakopoulou, Krishnamurthy and Dudík 2020, "Doubly robust off-policy evaluation
      with shrinkage".
    """
    if not shrinkage >= 0.0:
        raise ValueError(f"shrinkage={shrinkage} is below 0; 0 is DM, infinity DR")
    weights = log.weights
    if shrinkage < math.inf:
        weights = divided(shrinkage * weights, weights * weights + shrinkage)
    return _doubly_robust(log, "dros", weights, uncertainty)


BANDIT_ESTIMATORS: dict[str, Callable[..., ValueEstimate]] = {
    "dm": dm,
    "ips": ips,
    "snips": snips,
    "sub-gaussian-ips": sub_gaussian_ips,
    "dr": dr,
    "sndr": sndr,
    "switch-dr": switch_dr,
    "dros": dros,
}
"""Names and functions of a log and `uncertainty`; clipped IPS is `ips` with a clip."""


def _doubly_robust(
    log: LoggedActions, name: str, weights: Floats, uncertainty: Uncertainty | None
) -> ValueEstimate:
    expected, value = modelled(log)
    terms = [value + weights * (log.reward - expected)]
    return estimated_from(log, name, terms, uncertainty)


def _check_above_zero(name: str, value: float) -> None:
    if not value > 0.0:
        raise ValueError(f"{name}={value} is not above 0; infinity leaves weights as they are")
