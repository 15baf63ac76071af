"""What should be known of a fitted world before it is trusted."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsim_env.data.calibration.convergence import AGREED
from recsim_env.data.calibration.held_out import HeldOutFit
from recsim_env.data.calibration.rating_noise import RatingScale
from recsim_env.data.log import InteractionLog


def cautions_of_scale(log: InteractionLog, scale: RatingScale) -> list[str]:
    """Returns what should be known of ratings that do not lie at even distances."""
    levels = np.unique(log.rating)
    if not log.is_explicit or scale.step > 0.9 * np.diff(levels).min():
        return []
    return [
        f"ratings lie at uneven distances, {', '.join(f'{each:g}' for each in levels[:10])}: people"
        f" of the world also give those between, by steps of {scale.step:g}; number the ratings"
        " evenly (0, 1, 2 …) if only those of the log can be given"
    ]


def cautions_of_people(tastes: dict[str, Any], held_out_fit: HeldOutFit) -> list[str]:
    """Returns what should be known of a world before it is trusted."""
    cautions = []
    drawn, predicted = tastes["consumed_sd"], tastes["consumed_sd_of_predictions"]
    if not tastes.get("have_converged", True):
        furthest = max(tastes["r_hat"], key=tastes["r_hat"].__getitem__)
        cautions.append(
            f"after {tastes['n_sweeps']:,} sweeps, chains from different starts still disagree on"
            f" the variance of {furthest} (R-hat {tastes['r_hat'][furthest]:.2f}, wanted below"
            f" {AGREED:g}): people's tastes may be too strong or too weak; lower n_factors, or set"
            " draws_tastes=False to take predictions"
        )
    if drawn < predicted:
        cautions.append(
            f"drawn tastes vary less on consumed pairs than predicted ones, {drawn:.3g} against"
            f" {predicted:.3g}, which real tastes cannot: the ratings say too little of tastes;"
            " lower n_factors, or set draws_tastes=False to take predictions"
        )
    if held_out_fit.slope.is_limited:
        cautions.append(
            "predicted liking tells consumed items from others nearly without error, so that the"
            f" slope of choice was cut to {held_out_fit.slope.slope:.3g}; a larger log tells more"
        )
    return cautions
