"""Penalties, errors, noise and slope of choice, estimated on held-out rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.choice_fit import SlopeFit, fit_choice_slope
from recsim_env.data.calibration.context_fit import ContextEffect, fit_contexts
from recsim_env.data.calibration.factorization import FactorModel, fit_factors
from recsim_env.data.calibration.prediction import auc, rmse, user_auc
from recsim_env.data.calibration.rating_noise import RatingScale, fit_rating_noise, rating_shares
from recsim_env.data.calibration.sampling import some_people
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.calibration.slate_choice import fit_slate_slope
from recsim_env.data.calibration.unclicked import ratings_matrix, with_unclicked
from recsim_env.data.log import InteractionLog, n_by_chance
from recsim_env.progress import progress

_FACTOR_PENALTIES = (6.0, 9.0, 13.0, 18.0, 25.0)
_BIAS_PENALTIES = (1.0, 2.0, 4.0, 8.0)

# Rows of people that penalties are tried on, rows that a noise is measured on, and choices that
# tell a slope: so many tell these numbers more precisely than a world needs.
_MOST_TRIED, _MOST_MEASURED, _MOST_CHOICES = 150_000, 200_000, 50_000
_MOST_IN_CONTEXT = 1_000_000

# Where all rows are fitted after some, from the items as these left them, fewer sweeps are enough.
_SWEEPS, _SWEEPS_AGAIN = 15, 4

# No slope makes the best-rated of all score more than this above the worst.
_STEEPEST_RANGE = 100.0


@dataclass(frozen=True)
class HeldOutFit:
    """What was estimated on held-out rows, and the report about it.

    `model` is fitted to the other rows; `rating_noise` is the scatter of held-out ratings about its
    predictions, whose errors it includes.
    """

    factor_penalty: float
    bias_penalty: float
    model: FactorModel
    rating_noise: float
    slope: SlopeFit
    contexts: list[ContextEffect]
    report: dict[str, Any]


def _hold_out(
    log: InteractionLog, settings: CalibrationSettings
) -> tuple[InteractionLog, InteractionLog]:
    if log.time is None:
        return log.hold_out_random(settings.held_out_share, seed=settings.seed)
    return log.hold_out_last(settings.held_out_share, seed=settings.seed)


def fit_held_out(
    log: InteractionLog,
    everything: InteractionLog,
    scale: RatingScale,
    settings: CalibrationSettings,
) -> HeldOutFit:
    """Returns penalties, errors, noise and slope of choice, estimated on held-out rows.

    Args:
      log: without repetitions.
      everything: with them, for the slope, if it tells what was shown.
      scale: of the ratings.
      settings: of the fit.
    """
    seed, per_click = settings.seed, settings.unclicked_per_click
    train, held_out = _hold_out(log, settings)
    bias_penalty, factor_penalty, tried = _choose_penalties(train, log, settings)
    matrix = ratings_matrix(train, per_click, seed)
    biases = fit_factors(matrix, n_factors=0, bias_penalty=bias_penalty)
    model = fit_factors(
        matrix,
        n_factors=settings.n_factors,
        bias_penalty=bias_penalty,
        factor_penalty=factor_penalty,
        start=tried if len(train) > _MOST_TRIED else None,
        n_sweeps=_SWEEPS_AGAIN if len(train) > _MOST_TRIED else _SWEEPS,
        seed=seed,
    )
    rows = with_unclicked(held_out, log, 1, seed)
    some = _at_most(rows, _MOST_MEASURED, seed)
    noise = fit_rating_noise(model.liking(some.user, some.item), some.rating, scale)
    counts = np.bincount(train.item, minlength=log.n_items).astype(np.float64)
    counts += settings.exposure_smoothing
    if everything.impressions is None:
        slope = _slope_of_clicks(train, held_out, model, counts, scale, settings)
    else:
        slope = fit_slate_slope(
            everything, settings, bias_penalty=bias_penalty, factor_penalty=factor_penalty
        )
    contexts = _fit_contexts(train, held_out, log, model, scale, settings)
    report = {
        "contexts": [effect.report() for effect in contexts],
        "held_out": {
            "how": f"{'random' if log.time is None else 'last'} rows of each user",
            "n_rows": len(held_out),
            "n_by_chance": n_by_chance(train, held_out),
            "predictors": _compare_predictors(rows, counts, biases, model, scale),
        },
        "penalties": {"bias": bias_penalty, "factor": factor_penalty},
        "choice": asdict(slope),
        "rating_shares": _rating_check(some, model, noise, scale) if log.is_explicit else None,
    }
    return HeldOutFit(factor_penalty, bias_penalty, model, noise, slope, contexts, report)


def _slope_of_clicks(
    train: InteractionLog,
    held_out: InteractionLog,
    model: FactorModel,
    counts: NDArray[np.float64],
    scale: RatingScale,
    settings: CalibrationSettings,
) -> SlopeFit:
    """Returns the slope of choice by what people consumed last, of what they had not consumed."""
    return fit_choice_slope(
        model,
        _at_most(held_out, _MOST_CHOICES, settings.seed),
        train.matrix(),
        counts / counts.sum(),
        steepest=_STEEPEST_RANGE / ((scale.maximum - scale.minimum) or 1.0),
        n_alternatives=settings.n_alternatives,
        seed=settings.seed,
    )


def _at_most(log: InteractionLog, n_rows: int, seed: int) -> InteractionLog:
    """Returns the log, or so many random rows of a longer one."""
    if len(log) <= n_rows:
        return log
    return log.select(np.sort(np.random.default_rng(seed).permutation(len(log))[:n_rows]))


def _choose_penalties(
    train: InteractionLog, log: InteractionLog, settings: CalibrationSettings
) -> tuple[float, float, FactorModel]:
    """Returns the bias and factor penalties of the best model on each user's last rows, and that.

    Of a large log it takes the rows of people drawn at random: a penalty is a ratio of variances,
    which more people would tell more precisely than there are penalties to choose from.
    """
    earlier, validation = _hold_out(some_people(train, _MOST_TRIED, settings.seed), settings)
    matrix = ratings_matrix(earlier, settings.unclicked_per_click, settings.seed)
    validation = with_unclicked(validation, log, 1, settings.seed)

    def fit(n_factors: int, bias_penalty: float, factor_penalty: float) -> FactorModel:
        model = fit_factors(
            matrix,
            n_factors=n_factors,
            bias_penalty=bias_penalty,
            factor_penalty=factor_penalty,
            seed=settings.seed,
        )
        bar.update()
        return model

    def error(model: FactorModel) -> float:
        return rmse(model.liking(validation.user, validation.item), validation.rating)

    n_tries = len(_BIAS_PENALTIES) + len(_FACTOR_PENALTIES)
    with progress(total=n_tries, desc="choosing penalties", unit="fit", leave=False) as bar:
        bias = min(_BIAS_PENALTIES, key=lambda penalty: error(fit(0, penalty, 1.0)))
        models = {each: fit(settings.n_factors, bias, each) for each in _FACTOR_PENALTIES}
    factor = min(models, key=lambda penalty: error(models[penalty]))
    return bias, factor, models[factor]


def _fit_contexts(
    train: InteractionLog,
    held_out: InteractionLog,
    log: InteractionLog,
    model: FactorModel,
    scale: RatingScale,
    settings: CalibrationSettings,
) -> list[ContextEffect]:
    """Returns the effects of contexts, fitted to rows of the training log and judged on others."""
    if not settings.contexts or log.context is None:
        return []
    seed = settings.seed
    some, others = (
        with_unclicked(rows, log, settings.unclicked_per_click, seed)
        for rows in (some_people(train, _MOST_IN_CONTEXT, seed), held_out)
    )
    return fit_contexts(
        some,
        model.liking(some.user, some.item),
        others,
        model.liking(others.user, others.item),
        like_threshold=scale.like_threshold,
        seed=seed,
    )


def _compare_predictors(
    rows: InteractionLog,
    counts: NDArray[np.float64],
    biases: FactorModel,
    model: FactorModel,
    scale: RatingScale,
) -> dict[str, dict[str, float | None]]:
    """Returns RMSE and AUC of each predictor on held-out rows; popularity predicts no rating."""
    is_liked = rows.rating >= scale.like_threshold
    scores = {
        "global mean": np.full(len(rows), model.global_mean),
        "popularity": counts[rows.item],
        "biases": biases.liking(rows.user, rows.item),
        "factors": model.liking(rows.user, rows.item),
    }
    compared: dict[str, dict[str, float | None]] = {}
    for name, score in scores.items():
        numbers = {
            "rmse": float("nan") if name == "popularity" else rmse(score, rows.rating),
            "auc": auc(score, is_liked),
            "user_auc": user_auc(score, is_liked, rows.user),
        }
        compared[name] = {k: value if np.isfinite(value) else None for k, value in numbers.items()}
    return compared


def _rating_check(
    rows: InteractionLog, model: FactorModel, noise: float, scale: RatingScale
) -> dict[str, list[float]]:
    """Returns the held-out share of every rating beside the share the world's noise leads to."""
    levels = scale.levels()
    nearest = np.rint((rows.rating - scale.minimum) / scale.step).astype(np.int64)
    real = np.bincount(nearest, minlength=len(levels)) / len(rows)
    expected = rating_shares(model.liking(rows.user, rows.item), noise, scale).mean(axis=0)
    return {"rating": levels.tolist(), "real": real.tolist(), "expected": expected.tolist()}
