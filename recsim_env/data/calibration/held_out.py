"""Penalties, errors, noise and slope of choice, estimated on held-out rows."""

from __future__ import annotations

import math
import numbers
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.calibration.choice_fit import SlopeFit, fit_choice_slope
from recsim_env.data.calibration.factorization import FactorModel, fit_factors
from recsim_env.data.calibration.prediction import auc, rmse, user_auc
from recsim_env.data.calibration.rating_noise import RatingScale, fit_rating_noise, rating_shares
from recsim_env.data.calibration.unclicked import ratings_matrix, with_unclicked
from recsim_env.data.log import InteractionLog, n_by_chance

_FACTOR_PENALTIES = (6.0, 9.0, 13.0, 18.0, 25.0)
_BIAS_PENALTIES = (1.0, 2.0, 4.0, 8.0)


# No slope makes the best-rated of all score more than this above the worst.
_STEEPEST_RANGE = 100.0

# From and to, both allowed.
_WHOLE_NUMBERS = {
    "n_factors": (1, 256),
    "choice_slate_size": (1, 1000),
    "n_alternatives": (1, 1000),
    "unclicked_per_click": (1, 1000),
    "seed": (0, 2**63 - 1),
}

# Above and below, neither allowed.
_NUMBERS = {
    "held_out_share": (0.0, 1.0),
    "like_threshold": (-math.inf, math.inf),
    "session_gap_seconds": (0.0, 1e12),
    "choice_rate": (0.0, 1.0),
    "exposure_smoothing": (0.0, 1e9),
}


@dataclass(frozen=True)
class CalibrationSettings:
    """How a world is fitted.

    Attributes:
      n_factors: latent tastes per user and item.
      held_out_share: share of each user's rows, their last, to choose and measure with.
      like_threshold: the smallest rating that means liked; None: the first above the mean.
      session_gap_seconds: a longer pause starts a new session.
      choice_rate: assumed probability that someone chooses from a slate drawn by exposure; a log
        does not show what people saw and left.
      choice_slate_size: the size of that slate.
      n_alternatives: per consumed item, to estimate the slope of choice.
      exposure_smoothing: added to every item's count, so that none is never shown.
      unclicked_per_click: for logs of clicks, sampled items that stand for "not clicked".
      draws_tastes: whether tastes and biases are drawn from what the ratings leave possible; False
        takes the best guess of each, and people then differ too little. Only for ratings.
      seed: of every random part.
    """

    n_factors: int = 16
    held_out_share: float = 0.1
    like_threshold: float | None = None
    session_gap_seconds: float = 3600.0
    choice_rate: float = 0.5
    choice_slate_size: int = 5
    n_alternatives: int = 19
    exposure_smoothing: float = 1.0
    unclicked_per_click: int = 3
    draws_tastes: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _WHOLE_NUMBERS.items():
            value = getattr(self, name)
            is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
            if not is_whole or not low <= value <= high:
                raise ValueError(
                    f"{name}={value!r} is outside its range; give a whole number from {low} to"
                    f" {high}"
                )
        for name, (least, most) in _NUMBERS.items():
            value = getattr(self, name)
            if name == "like_threshold" and value is None:
                continue
            is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not is_number or not least < value < most:
                raise ValueError(
                    f"{name}={value!r} is outside its range; give a number above {least:g} and"
                    f" below {most:g}"
                )
        if not isinstance(self.draws_tastes, bool):
            raise ValueError(f"draws_tastes={self.draws_tastes!r}; give True or False")


@dataclass(frozen=True)
class HeldOutFit:
    """What was learned with the held-out rows unseen, and the report about it.

    `rating_noise` is the scatter of held-out ratings about predictions, whose errors it includes.
    """

    factor_penalty: float
    bias_penalty: float
    rating_noise: float
    slope: SlopeFit
    report: dict[str, Any]


def _hold_out(
    log: InteractionLog, settings: CalibrationSettings
) -> tuple[InteractionLog, InteractionLog]:
    if log.time is None:
        return log.hold_out_random(settings.held_out_share, seed=settings.seed)
    return log.hold_out_last(settings.held_out_share, seed=settings.seed)


def fit_held_out(
    log: InteractionLog, scale: RatingScale, settings: CalibrationSettings
) -> HeldOutFit:
    """Returns the choices, errors and slopes that need rows which the model has not seen."""
    seed, per_click = settings.seed, settings.unclicked_per_click
    train, held_out = _hold_out(log, settings)
    earlier, validation = _hold_out(train, settings)
    bias_penalty, factor_penalty = _choose_penalties(
        ratings_matrix(earlier, per_click, seed), with_unclicked(validation, log, 1, seed), settings
    )
    matrix = ratings_matrix(train, per_click, seed)
    biases = fit_factors(matrix, n_factors=0, bias_penalty=bias_penalty)
    model = fit_factors(
        matrix,
        n_factors=settings.n_factors,
        bias_penalty=bias_penalty,
        factor_penalty=factor_penalty,
        seed=seed,
    )
    rows = with_unclicked(held_out, log, 1, seed)
    noise = fit_rating_noise(model.liking(rows.user, rows.item), rows.rating, scale)
    counts = np.bincount(train.item, minlength=log.n_items).astype(np.float64)
    counts += settings.exposure_smoothing
    slope = fit_choice_slope(
        model,
        held_out,
        train.matrix(),
        counts / counts.sum(),
        steepest=_STEEPEST_RANGE / ((scale.maximum - scale.minimum) or 1.0),
        n_alternatives=settings.n_alternatives,
        seed=seed,
    )
    report = {
        "held_out": {
            "how": f"{'random' if log.time is None else 'last'} rows of each user",
            "n_rows": len(held_out),
            "n_by_chance": n_by_chance(train, held_out),
            "predictors": _compare_predictors(rows, counts, biases, model, scale),
        },
        "penalties": {"bias": bias_penalty, "factor": factor_penalty},
        "choice": asdict(slope),
        "rating_shares": _rating_check(rows, model, noise, scale) if log.is_explicit else None,
    }
    return HeldOutFit(factor_penalty, bias_penalty, noise, slope, report)


def _choose_penalties(
    matrix: sparse.csr_array, validation: InteractionLog, settings: CalibrationSettings
) -> tuple[float, float]:
    """Returns the bias and factor penalties with the smallest error on the validation rows."""

    def error(n_factors: int, bias_penalty: float, factor_penalty: float) -> float:
        model = fit_factors(
            matrix,
            n_factors=n_factors,
            bias_penalty=bias_penalty,
            factor_penalty=factor_penalty,
            seed=settings.seed,
        )
        return rmse(model.liking(validation.user, validation.item), validation.rating)

    bias = min(_BIAS_PENALTIES, key=lambda penalty: error(0, penalty, 1.0))
    factor = min(_FACTOR_PENALTIES, key=lambda penalty: error(settings.n_factors, bias, penalty))
    return bias, factor


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
