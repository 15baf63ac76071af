"""Fits a world of users and items to a log of what real people consumed."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from recsim_env.data.activity import Activity, fit_activity
from recsim_env.data.choice_fit import exposure_behind, fit_no_choice_score
from recsim_env.data.factorization import FactorModel, fit_factors, taste_sd
from recsim_env.data.held_out import CalibrationSettings, HeldOutFit, fit_held_out
from recsim_env.data.log import InteractionLog
from recsim_env.data.posterior import draw_factors
from recsim_env.data.rating_noise import RatingScale, fit_rating_noise, rating_scale
from recsim_env.data.unclicked import ratings_matrix
from recsim_env.rated_world import RatedWorld
from recsim_env.spelling import did_you_mean

# Typical visits are as many as make a table of visits × items of at most this size.
_MOST_PAIRS = 2_000_000


def calibrate(
    log: InteractionLog, settings: CalibrationSettings | None = None, **changes: Any
) -> RatedWorld:
    """Returns a world whose users like, choose, rate and visit as the people in the log did.

    1. The last tenth of each user's rows is held out (a random tenth in a log without times; where
       some of one moment are the last, random ones of these: `report["held_out"]` counts them). The
       penalties of the factor model are chosen on the tenth before that; the errors in the report
       and the slope of choice are measured on the held-out rows, with predicted likings.
    2. The factors are then fitted to the whole log with the same penalties. These are predictions:
       they vary less between people than true tastes do. The people and items of the world are
       therefore one draw from what the ratings leave possible (`draw_factors`), and the rating
       noise is the scatter of the ratings about that draw.
    3. The score of choosing nothing makes a slate drawn by exposure succeed at `choice_rate`, which
       is an assumption. The exposure is the one under which items are consumed as often as in the
       log. Visits follow from the timestamps.

    With `draws_tastes=False` the predictions themselves are the world's people, and the rating
    noise is the error of predicting held-out ratings: ratings vary as much in all, but people
    differ too little in their tastes. The same holds for a log of clicks, where items that users
    did not click are sampled with the value 0 against 1 for a click, and every consumption is then
    liked. `report["tastes"]` compares drawn tastes with predicted ones; all that stands under
    `report["held_out"]` is about predictions.

    Args:
      log: at least a few users need 10 rows or more.
      settings: all defaults if None.
      **changes: single settings by name, e.g. `n_factors=32`.

    Raises:
      ValueError: a setting outside its range, or a log too small to hold anything out.
    """
    settings = _settled(settings, changes)
    log = log.select(log.by_time(seed=settings.seed))  # however its rows were stored
    scale = rating_scale(log, settings.like_threshold)
    held_out_fit = fit_held_out(log, scale, settings)
    model, rating_noise, tastes = _fit_people(log, scale, held_out_fit, settings)
    activity = fit_activity(log, settings.session_gap_seconds)
    slope = max(held_out_fit.slope.slope, 0.0)
    exposure, no_choice_score = _fit_slates(log, model, activity, slope, settings)
    report = held_out_fit.report | {
        "log": log.summary(),
        "settings": asdict(settings),
        "tastes": tastes,
        "sessions": {"n_sessions": activity.n_sessions, "log_sd": activity.session_log_sd},
    }
    return RatedWorld(
        name=log.name,
        item_factors=model.item_factors.astype(np.float32),
        item_bias=model.item_bias.astype(np.float32),
        item_features=log.item_features,
        item_feature_names=log.item_feature_names,
        item_exposure=exposure,
        item_labels=log.item_titles,
        user_factors=model.user_factors.astype(np.float32),
        user_bias=model.user_bias.astype(np.float32),
        user_features=log.user_features,
        user_feature_names=log.user_feature_names,
        user_visit_weight=activity.visit_weight,
        user_session_mean=activity.session_mean,
        user_labels=log.user_labels,
        global_mean=model.global_mean,
        rating_noise=rating_noise,
        rating_min=scale.minimum,
        rating_max=scale.maximum,
        rating_step=scale.step,
        like_threshold=scale.like_threshold,
        session_log_sd=activity.session_log_sd,
        choice_slope=slope,
        no_choice_score=no_choice_score,
        choice_rate=settings.choice_rate,
        choice_slate_size=settings.choice_slate_size,
        report=report,
    )


def _settled(settings: CalibrationSettings | None, changes: dict[str, Any]) -> CalibrationSettings:
    known = [entry.name for entry in fields(CalibrationSettings)]
    for name in changes:
        if name not in known:
            raise TypeError(
                f"unknown setting {name!r}; the settings are {', '.join(known)}"
                f"{did_you_mean(name, known)}"
            )
    return replace(settings or CalibrationSettings(), **changes)


def _fit_people(
    log: InteractionLog, scale: RatingScale, held_out_fit: HeldOutFit, settings: CalibrationSettings
) -> tuple[FactorModel, float, dict[str, Any]]:
    """Returns users and items as they enter the world, the rating noise, and a report on both."""
    ratings = ratings_matrix(log, settings.unclicked_per_click, settings.seed)
    predicted = fit_factors(
        ratings,
        n_factors=settings.n_factors,
        factor_penalty=held_out_fit.factor_penalty,
        bias_penalty=held_out_fit.bias_penalty,
        seed=settings.seed,
    )
    model, noise = predicted, held_out_fit.rating_noise
    is_drawn = settings.draws_tastes and log.is_explicit
    if is_drawn:
        model = draw_factors(ratings, predicted, seed=settings.seed)
        noise = fit_rating_noise(model.liking(log.user, log.item), log.rating, scale)
    tastes = {
        "are": "one draw from the posterior" if is_drawn else "predictions",
        "sd": taste_sd(model),
        "rating_noise": noise,
        "sd_of_predictions": taste_sd(predicted),
        "rating_noise_of_predictions": held_out_fit.rating_noise,
    }
    return model, noise, tastes


def _fit_slates(
    log: InteractionLog,
    model: FactorModel,
    activity: Activity,
    slope: float,
    settings: CalibrationSettings,
) -> tuple[NDArray[np.float64], float]:
    """Returns the exposure and the score of choosing nothing, which depend on each other."""
    counts = np.bincount(log.item, minlength=log.n_items) + settings.exposure_smoothing
    consumption = np.asarray(counts / counts.sum(), dtype=np.float64)
    visitor, session_size = _typical_visits(activity, log.n_items, settings.seed)
    liking = model.liking(visitor[:, None], np.arange(log.n_items))
    scores = slope * (liking - model.global_mean)
    exposure, no_choice_score = consumption, 0.0
    for _ in range(3):
        no_choice_score = fit_no_choice_score(
            scores,
            exposure,
            rate=settings.choice_rate,
            slate_size=settings.choice_slate_size,
            seed=settings.seed,
        )
        exposure = exposure_behind(
            consumption,
            scores,
            session_size,
            no_choice_score=no_choice_score,
            slate_size=settings.choice_slate_size,
        )
    return exposure, no_choice_score


def _typical_visits(
    activity: Activity, n_items: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the users and the sizes of a sample of visits, sizes spread evenly over quantiles."""
    n_visits = int(np.clip(_MOST_PAIRS // n_items, 100, 1000))
    rng = np.random.default_rng(seed)
    weight = activity.visit_weight
    visitor = rng.choice(len(weight), size=n_visits, p=weight)
    normal = rng.permutation(ndtri((np.arange(n_visits) + 0.5) / n_visits))
    spread = activity.session_log_sd
    size = activity.session_mean[visitor] * np.exp(spread * normal - spread**2 / 2)
    return visitor, np.clip(size, 1.0, max(n_items / 2, 1.0))
