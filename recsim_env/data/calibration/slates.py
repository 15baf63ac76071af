"""What is shown and chosen in a log whose recommender nobody knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from recsim_env.data.calibration.activity import Activity
from recsim_env.data.calibration.changes import tells_repetition
from recsim_env.data.calibration.choice_fit import (
    consumption_chances,
    exposure_behind,
    fit_no_choice_score,
)
from recsim_env.data.calibration.factorization import FactorModel
from recsim_env.data.calibration.gain import Found
from recsim_env.data.calibration.observed_choice import observed_exposure
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.log import InteractionLog
from recsim_env.data.repeats import n_repeats

# Typical times without repetition are as many as make a table of them × items of this size.
_MOST_PAIRS = 2_000_000


@dataclass(frozen=True)
class Slates:
    """What is shown and chosen when nobody recommends.

    Attributes:
      exposure: (n_items,).
      no_choice_score: the score of choosing nothing.
      excess: how much better what people choose is liked than what they consumed in the log.
    """

    exposure: NDArray[np.float64]
    no_choice_score: float
    excess: float


def fit_slates(
    log: InteractionLog,
    model: FactorModel,
    activity: Activity,
    slope: float,
    settings: CalibrationSettings,
    places: Found,
) -> Slates:
    """Returns the exposure and the score of choosing nothing, which depend on each other.

    What people have consumed they do not choose again: popular items run out, so that they are
    shown more often than they are consumed. Where people repeat things, nothing runs out; where
    they never do, it does for as long as the log goes on; else within a session.
    """
    counts = np.bincount(log.item, minlength=log.n_items) + settings.exposure_smoothing
    consumption = np.asarray(counts / counts.sum(), dtype=np.float64)
    user, n_consumed = _typical_times(log, activity, settings)
    liking = model.liking(user[:, None], np.arange(log.n_items))
    scores = slope * (liking - model.global_mean)
    size = settings.choice_slate_size
    observed = observed_exposure(log, settings.exposure_smoothing)
    appeal = places.world.get("place_appeal")
    if appeal is not None:
        appeal = appeal[np.minimum(np.arange(min(size, log.n_items)), len(appeal) - 1)]
    exposure, nothing = consumption if observed is None else observed, 0.0
    for _ in range(3 if observed is None else 1):
        nothing = fit_no_choice_score(
            scores,
            exposure,
            rate=settings.choice_rate,
            slate_size=size,
            seed=settings.seed,
            place_appeal=appeal,
        )
        if observed is None:
            exposure = exposure_behind(
                consumption, scores, n_consumed, no_choice_score=nothing, slate_size=size
            )
    chance, _ = consumption_chances(
        exposure, scores, n_consumed, no_choice_score=nothing, slate_size=size
    )
    chosen = float((chance * liking).sum() / chance.sum())
    return Slates(exposure, nothing, chosen - float(model.liking(log.user, log.item).mean()))


def _typical_times(
    log: InteractionLog, activity: Activity, settings: CalibrationSettings
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns whose they are, and how much is consumed in them, of times without repetition.

    They are a sample of sessions, whose sizes are spread evenly over quantiles, or of people with
    all that they consumed.
    """
    n_times = int(np.clip(_MOST_PAIRS // log.n_items, 100, 1000))
    rng = np.random.default_rng(settings.seed)
    most = max(log.n_items / 2, 1.0)
    repeats = n_repeats(log.user, log.item, log.n_items)
    if settings.repetition and not repeats and tells_repetition(log):
        n_rows = np.bincount(log.user, minlength=log.n_users)
        user = rng.choice(np.flatnonzero(n_rows), size=n_times)
        return user, np.clip(n_rows[user].astype(np.float64), 1.0, most)
    weight = activity.visit_weight
    user = rng.choice(len(weight), size=n_times, p=weight)
    if repeats:
        return user, np.ones(n_times)
    normal = rng.permutation(ndtri((np.arange(n_times) + 0.5) / n_times))
    spread = activity.session_log_sd
    size = activity.session_mean[user] * np.exp(spread * normal - spread**2 / 2)
    return user, np.clip(size, 1.0, most)
