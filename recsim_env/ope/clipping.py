"""The clipping curve: what an estimate becomes as ever larger weights are left as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recsim_env.ope.bandits import ips
from recsim_env.ope.checks import Floats
from recsim_env.ope.estimates import ValueEstimate
from recsim_env.ope.logged import LoggedActions
from recsim_env.ope.uncertainty import Uncertainty

#: Clips lie at these quantiles of the weights where none are given.
_QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


@dataclass(frozen=True)
class ClippedEstimate:
    """A point of the clipping curve.

    Attributes:
      clip: the largest weight.
      estimate: clipped IPS.
      clipped_rows: the share of rows of which the weight was cut.
      lost_weight: the share of all weight that was cut; the bias is at most that share of the
        value if rewards are alike.
    """

    clip: float
    estimate: ValueEstimate
    clipped_rows: float
    lost_weight: float


def clipping_curve(
    log: LoggedActions,
    clips: Sequence[float] | None = None,
    *,
    uncertainty: Uncertainty | None = None,
) -> tuple[ClippedEstimate, ...]:
    """Returns clipped IPS at several clips, from the smallest to the largest.

    A curve that is flat from some clip on says that the largest weights do not matter; one that
    still rises at its end rests on a few rows. `recsim_env.ope.slope.slope` chooses a point of it.

    Args:
      log: logged choices.
      clips: largest weights, above 0; None takes quantiles of the weights, up to the largest.
      uncertainty: how the intervals are made.

    Source: Ionides 2008, "Truncated importance sampling".
    """
    weights = log.weights
    total = float(weights.sum())
    found = []
    for clip in clips_of(weights) if clips is None else sorted(map(float, clips)):
        cut = float(np.maximum(weights - clip, 0.0).sum())
        found.append(
            ClippedEstimate(
                clip=clip,
                estimate=ips(log, clip=clip, uncertainty=uncertainty),
                clipped_rows=float((weights > clip).mean()),
                lost_weight=cut / total if total else 0.0,
            )
        )
    return tuple(found)


def clips_of(weights: Floats) -> list[float]:
    """Returns quantiles of weights, ascending and above 0: from half of the rows on, to all."""
    return sorted({each for each in np.quantile(weights, _QUANTILES).tolist() if each > 0.0})
