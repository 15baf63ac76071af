"""What changes in people and items as time goes on: looked for in a log, effect by effect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.age_fit import fit_ages
from recsim_env.data.calibration.factorization import FactorModel
from recsim_env.data.calibration.gain import Found
from recsim_env.data.calibration.repetition_fit import fit_repetition
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.log import InteractionLog


def look_for_changes(
    log: InteractionLog,
    model: FactorModel,
    exposure: NDArray[np.float64],
    slope: float,
    settings: CalibrationSettings,
) -> Found:
    """Returns all effects that the settings ask for, and what of them a world has.

    Args:
      log: repetitions included, by time.
      model: of likings, fitted without everybody's last rows.
      exposure: (n_items,), how often items are met.
      slope: of choice on liking.
      settings: of the fit.
    """
    found = []
    if settings.repetition and tells_repetition(log):
        found.append(fit_repetition(log, model, exposure, slope, settings))
    found.append(fit_ages(log, settings))
    effects = [effect for each in found for effect in each.effects]
    return Found(effects, {name: v for each in found for name, v in each.world.items()})


def tells_repetition(log: InteractionLog) -> bool:
    """Returns whether rows that repeat a user and an item would be there."""
    was_cut = log.reading and any("repeat a user and item" in why for why in log.reading.left_out)
    return not was_cut and (log.is_explicit or bool((log.rating == 1.0).all()))
