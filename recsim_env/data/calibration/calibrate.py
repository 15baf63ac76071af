"""Fits a world of users and items to a log of what real people consumed."""

from __future__ import annotations

import warnings
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from recsim_env.core.settings import check_names
from recsim_env.data.calibration.activity import fit_activity
from recsim_env.data.calibration.cautions import cautions_of_people, cautions_of_scale
from recsim_env.data.calibration.changes import look_for_changes
from recsim_env.data.calibration.context_world import world_contexts
from recsim_env.data.calibration.factorization import (
    FactorModel,
    consumed_taste_sd,
    fit_factors,
    taste_sd,
)
from recsim_env.data.calibration.held_out import HeldOutFit, fit_held_out
from recsim_env.data.calibration.moments import in_moments
from recsim_env.data.calibration.observed_choice import with_observed_choice
from recsim_env.data.calibration.place_fit import fit_places
from recsim_env.data.calibration.posterior import TasteDraw, draw_factors
from recsim_env.data.calibration.rating_noise import RatingScale, rating_scale
from recsim_env.data.calibration.session_fit import session_associations
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.calibration.slates import fit_slates
from recsim_env.data.calibration.unclicked import ratings_matrix
from recsim_env.data.calibration.visits import lengths_of_visits, visits_of_users
from recsim_env.data.log import InteractionLog
from recsim_env.data.repeats import n_repeats
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.progress import progress


class CalibrationWarning(UserWarning):
    """A world was fitted, but something about it should be known before it is trusted."""


def calibrate(
    log: InteractionLog, settings: CalibrationSettings | None = None, **changes: Any
) -> RatedWorld:
    """Returns a world whose users like, choose, rate and come as the people in the log did.

    1. The last tenth of each user's rows is held out (a random tenth in a log without times; where
       some of one moment are the last, random ones of these: `report["held_out"]` counts them). The
       penalties of the factor model are chosen on the tenth before that; the errors in the report
       and the slope of choice are measured on the held-out rows, with predicted likings; the slope
       of a log of impressions on slates held out at random, with all that was passed over.
    2. The factors are then fitted to the whole log with the same penalties. These are predictions:
       they vary less between people than true tastes do. The people and items of the world are
       therefore one draw from their posterior (`draw_factors`), together with the
       rating noise. Several chains draw until they agree; where they do not, or where drawn tastes
       are weaker than predicted ones, a warning says so, here and in `report["warnings"]`.
    3. The score of choosing nothing makes a slate drawn by exposure succeed at `choice_rate`, which
       is an assumption. The exposure is the one under which items are consumed as often as in the
       log. A log of impressions tells both, and how large slates are. Sessions follow from the
       timestamps.
    4. Where held-out rows show that items, or people, are liked differently in some contexts, the
       world's people come in contexts as in the log, and like accordingly (`report["contexts"]`).
       Other effects, such as repetition, are looked for likewise (`report["effects"]`).
    5. People choose what they like, in the log as in the world, so that they like what they did
       not consume less than their ratings of the rest suggest. All likings are lowered alike, until
       what is consumed in the world is liked as much as what was consumed in the log.

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
      ValueError: an unknown setting, one outside its range, or a log too small to hold rows out.
    """
    check_names(CalibrationSettings, changes)
    settings = replace(settings or CalibrationSettings(), **changes)
    settings = with_observed_choice(log, settings)
    with progress(total=4, desc="calibrating", unit="stage", leave=False) as bar:
        everything = log.select(log.by_time(seed=settings.seed))  # however its rows were stored
        if settings.contexts:
            everything = in_moments(everything)
        log = without_repeats(everything)
        n_left_out = len(everything) - len(log)
        if n_left_out and not settings.repetition:
            everything = log
        scale = rating_scale(log, settings.like_threshold)
        bar.update()
        held_out_fit = fit_held_out(log, everything, scale, settings)
        bar.update()
        model, rating_noise, tastes = _fit_people(log, scale, held_out_fit, settings)
        bar.update()
        activity = fit_activity(everything, settings.session_gap_seconds)
        slope = max(held_out_fit.slope.slope, 0.0)
        places = fit_places(everything, held_out_fit.model, settings)
        slates = fit_slates(everything, model, activity, slope, settings, places)
        of_sessions = settings.session_gap_seconds, settings.seed
        visits = visits_of_users(everything, *of_sessions)
        change = look_for_changes(everything, held_out_fit.model, slates.exposure, slope, settings)
        bar.update()
    cautions = [*cautions_of_scale(log, scale), *cautions_of_people(tastes, held_out_fit)]
    if n_left_out and not settings.repetition:
        cautions.append(
            f"{n_left_out:,} of {n_left_out + len(log):,} clicks repeat a user and an item, and"
            " were left out: the world's people consume nothing twice in a session"
        )
    for caution in cautions:
        warnings.warn(f"{log.name}: {caution}", CalibrationWarning, stacklevel=2)
    report = held_out_fit.report | {
        "effects": [effect.report() for effect in (*change.effects, *places.effects)],
        "associations": session_associations(
            everything, held_out_fit.model, settings.session_gap_seconds
        ),
        "log": everything.summary(),
        "settings": asdict(settings),
        "tastes": tastes,
        "warnings": cautions,
        "has_impressions": log.impressions is not None,
        "sessions": {"n_sessions": activity.n_sessions, "log_sd": activity.session_log_sd},
    }
    return RatedWorld(
        name=log.name,
        item_factors=model.item_factors.astype(np.float32),
        item_bias=(model.item_bias - slates.excess).astype(np.float32),
        item_features=log.item_features,
        item_feature_names=log.item_feature_names,
        item_exposure=slates.exposure,
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
        no_choice_score=slates.no_choice_score - slope * slates.excess,
        choice_rate=settings.choice_rate,
        choice_slate_size=settings.choice_slate_size,
        **world_contexts(everything, held_out_fit.contexts, visits),
        **(lengths_of_visits(everything, visits, *of_sessions) if settings.sessions else {}),
        **change.world,
        **places.world,
        report=report,
    )


def _fit_people(
    log: InteractionLog, scale: RatingScale, held_out_fit: HeldOutFit, settings: CalibrationSettings
) -> tuple[FactorModel, float, dict[str, Any]]:
    """Returns users and items as they enter the world, the rating noise, and a report on both."""
    ratings = ratings_matrix(log, settings.unclicked_per_click, settings.seed)
    if settings.draws_tastes and log.is_explicit:
        draw = draw_factors(ratings, scale, n_factors=settings.n_factors, seed=settings.seed)
        model, noise, predicted = draw.model, draw.rating_noise, held_out_fit.model
        tastes = {"are": "one draw from the posterior"} | _about_draw(draw)
    else:
        model = predicted = fit_factors(
            ratings,
            n_factors=settings.n_factors,
            factor_penalty=held_out_fit.factor_penalty,
            bias_penalty=held_out_fit.bias_penalty,
            seed=settings.seed,
        )
        noise, tastes = held_out_fit.rating_noise, {"are": "predictions"}
    tastes |= {
        "sd": taste_sd(model),
        "consumed_sd": consumed_taste_sd(model, log.user, log.item),
        "rating_noise": noise,
        "sd_of_predictions": taste_sd(predicted),
        "consumed_sd_of_predictions": consumed_taste_sd(predicted, log.user, log.item),
        "rating_noise_of_predictions": held_out_fit.rating_noise,
    }
    return model, noise, tastes


def _about_draw(draw: TasteDraw) -> dict[str, Any]:
    """Returns what a report says of a draw."""
    return {
        "n_chains": draw.n_chains,
        "n_sweeps": draw.n_sweeps,
        "r_hat": draw.r_hat,
        "have_converged": draw.has_converged,
        "sample": draw.sample,
    }


def without_repeats(log: InteractionLog) -> InteractionLog:
    """Returns a log of clicks with the first of those that repeat a user and item.

    These are what tastes are fitted to.

    Raises:
      ValueError: ratings repeat.
    """
    repeats = n_repeats(log.user, log.item, log.n_items)
    if not repeats:
        return log
    if log.is_explicit:
        raise ValueError(
            f"{log.name}: {repeats:,} rows repeat a user and an item; keep one of each"
            ' (repeats="first" or "last" where the log is read)'
        )
    return log.once("first")
