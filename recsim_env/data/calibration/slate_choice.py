"""How strongly liking drives clicks, estimated from what people were shown and passed over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.choice_fit import SlopeFit
from recsim_env.data.calibration.factorization import fit_factors
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.calibration.unclicked import ratings_matrix
from recsim_env.data.impressions import Impressions
from recsim_env.data.log import InteractionLog

Floats = NDArray[np.float64]

# Impressions that tell a slope: more would tell it more precisely than a world needs.
_MOST_SHOWN = 200_000

# Scores of items of a typical spread differ by no more than this.
_STEEPEST_SCORES = 20.0


def fit_slate_slope(
    log: InteractionLog,
    settings: CalibrationSettings,
    *,
    bias_penalty: float,
    factor_penalty: float,
) -> SlopeFit:
    """Returns how much one unit of liking adds to the log-odds of a click.

    A random share of slates is held out. Likings are fitted to the others, what was passed over in
    them included; in those held out people click by a multinomial logit of slope · liking against
    no click. As the log tells what was shown, a liking is all of it, and not only how it differs
    between people. Where it does not tell what was shown together, each item is a slate.

    Args:
      log: of clicks, with impressions; what is clicked again counts again.
      settings: of the fit.
      bias_penalty, factor_penalty: of the likings.
    """
    assert log.impressions is not None
    train, shown = _hold_slates_out(log, log.impressions, settings)
    if not len(train) or not shown.is_clicked.any():
        return SlopeFit(0.0, None, int(shown.is_clicked.sum()))
    model = fit_factors(
        ratings_matrix(train, settings.unclicked_per_click, settings.seed),
        n_factors=settings.n_factors,
        bias_penalty=bias_penalty,
        factor_penalty=factor_penalty,
        seed=settings.seed,
    )
    slate = np.arange(len(shown)) if shown.slate is None else shown.slate
    _, slate = np.unique(slate, return_inverse=True)
    return _slate_logit(model.liking(shown.user, shown.item), shown.is_clicked, slate)


def _hold_slates_out(
    log: InteractionLog, shown: Impressions, settings: CalibrationSettings
) -> tuple[InteractionLog, Impressions]:
    """Returns the clicks, first ones of a person and item, of most slates, and the other slates."""
    rng = np.random.default_rng([settings.seed, 8])
    slate = np.arange(len(shown)) if shown.slate is None else shown.slate
    drawn = rng.random(int(slate.max()) + 1)[slate]
    is_out = drawn < settings.held_out_share
    is_kept = np.ones(len(log), bool)
    is_kept[shown.row[is_out & shown.is_clicked]] = False
    is_kept[shown.row[~is_out & shown.is_clicked]] = True
    left = shown.select(~is_out).of_rows(is_kept, len(log))
    train = replace(log.select(is_kept), impressions=left)
    most = settings.held_out_share * min(1.0, _MOST_SHOWN / max(int(is_out.sum()), 1))
    return train.once("first"), shown.select(drawn < most)


def _slate_logit(
    liking: Floats, is_clicked: NDArray[np.bool_], slate: NDArray[np.int64]
) -> SlopeFit:
    """Returns the maximum-likelihood slope, beside a score of no click, by Newton's method."""
    n_clicks = np.bincount(slate, is_clicked)
    n_choices = np.maximum(n_clicks, 1.0)
    spread = float(liking.std())
    if spread <= 1e-9:
        return SlopeFit(0.0, None, int(n_clicks.sum()))
    x = (liking - liking.mean()) / spread
    slope, nothing, is_limited = 0.0, 0.0, False
    information = np.eye(2)
    for _ in range(100):
        weight = np.exp(slope * x)
        total = np.bincount(slate, weight) + np.exp(nothing)
        chance = weight / total[slate]
        none = np.exp(nothing) / total
        mean = np.bincount(slate, chance * x)
        gradient = np.array(
            [
                (x * is_clicked).sum() - (n_choices * mean).sum(),
                (n_clicks == 0).sum() - (n_choices * none).sum(),
            ]
        )
        of_slope = (n_choices * (np.bincount(slate, chance * x**2) - mean**2)).sum()
        both = -(n_choices * mean * none).sum()
        of_none = (n_choices * none * (1 - none)).sum()
        information = np.array([[of_slope, both], [both, of_none]]) + 1e-9 * np.eye(2)
        step = np.clip(np.linalg.solve(information, gradient), -2.0, 2.0)
        is_limited = bool(abs(slope + step[0]) > _STEEPEST_SCORES)
        slope = float(np.clip(slope + step[0], -_STEEPEST_SCORES, _STEEPEST_SCORES))
        nothing = float(np.clip(nothing + step[1], -50.0, 50.0))
        if is_limited or np.abs(step).max() < 1e-9:
            break
    error = float(np.linalg.inv(information)[0, 0] ** 0.5) / spread
    return SlopeFit(slope / spread, error, int(n_clicks.sum()), is_limited)
