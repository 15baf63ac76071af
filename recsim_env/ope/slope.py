"""Choice of an estimator's setting, such as a clip, by the log alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from recsim_env.ope.estimates import ValueEstimate
from recsim_env.ope.uncertainty import Uncertainty

_C = math.sqrt(6.0) - 1.0

#: Of the bootstrap where estimates are compared with each other only.
_RESAMPLES = 200


def slope(estimates: Sequence[ValueEstimate]) -> int:
    """Returns which estimate balances bias and variance best: its position.

    Settings trade bias for variance: the less an estimate varies, the more it is biased. From the
    widest interval to the narrowest, estimates are taken as long as each agrees with all before,

        |value_i - value_j| <= half_i + (sqrt(6) - 1) half_j    for all j before i

    where half is half the width of the interval. The error of the last is, with high probability,
    within a constant of the best.

    Args:
      estimates: of one log and policy, at several settings of one estimator; any order.

    Raises:
      ValueError: there are none, or one has no interval.

    Source: Su, Srinath and Krishnamurthy 2020, "Adaptive estimator selection for off-policy
      evaluation"; the constant: Tucker and Lee 2021, "Improved estimator selection for off-policy
      evaluation".
    Differs: bootstrap intervals stand for bounds of the deviation.
    """
    if not estimates:
        raise ValueError("there is no estimate to choose from; give one or more")
    for at, each in enumerate(estimates):
        if not each.estimate.has_interval:
            raise ValueError(f"estimates[{at}], {each.estimator}, has no interval to choose by")
    order = sorted(range(len(estimates)), key=lambda at: -_half(estimates[at]))
    for i, at in enumerate(order):
        for before in order[:i]:
            apart = abs(estimates[at].value - estimates[before].value)
            if apart > _half(estimates[at]) + _C * _half(estimates[before]):
                return order[i - 1]
    return order[-1]


def chosen_by_slope(
    estimator: Callable[..., ValueEstimate],
    log: Any,
    name: str,
    values: Sequence[float],
    *,
    uncertainty: Uncertainty | None = None,
) -> ValueEstimate:
    """Returns the estimate by that value of a setting which `slope` chooses, and says which.

    Its interval takes the setting as given.

    Args:
      estimator: a function of a log, `uncertainty` and the setting.
      log: its log.
      name: of the setting.
      values: of the setting, one or more.
      uncertainty: how the interval is made, of the returned estimate; of those that are compared
        it is the bootstrap with few resamples.
    """
    by = Uncertainty(n_resamples=_RESAMPLES, seed=(uncertainty or Uncertainty()).seed)
    found = [estimator(log, uncertainty=by, **{name: value}) for value in values]
    has_intervals = all(each.estimate.has_interval for each in found)
    value = values[slope(found) if has_intervals else -1]
    chosen = estimator(log, uncertainty=uncertainty, **{name: value})
    return replace(chosen, setting=f"{name}={value:.3g}")


def _half(estimate: ValueEstimate) -> float:
    return (estimate.high - estimate.low) / 2
