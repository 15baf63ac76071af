"""Compares simulated behaviour with real behaviour, measure by measure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.distances import Distance, distances
from recsim_env.data.calibration.held_out import fit_held_out
from recsim_env.data.calibration.prediction import auc, rmse, user_auc
from recsim_env.data.calibration.rating_noise import RatingScale
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.log import InteractionLog
from recsim_env.data.ranking_metrics import gini
from recsim_env.formats.rated_world import RatedWorld

Floats = NDArray[np.float64]

_TOP_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
_ERRORS = {"rmse": "RMSE", "auc": "AUC", "user_auc": "AUC within users"}
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class FidelityTable:
    """How close simulated people are to real ones.

    Attributes:
      rows: one per number, with `measure`, `label`, `real` and `simulated`; a distance stands in
        `simulated`, with 0 in `real`; None where a number does not exist.
      curves: arrays for a figure, each with a real and a simulated one under "<name>/real" and
        "<name>/simulated": `ratings` (share of each level of "ratings/level"), `popularity`
        (cumulative share of consumption, most consumed items first, n_items values), `activity`
        (sorted session sizes).
      distances: of each distribution, beside those between halves of the real people.
    """

    rows: list[dict[str, Any]]
    curves: dict[str, NDArray[Any]]
    distances: tuple[Distance, ...] = ()

    def number(self, measure: str, label: str) -> tuple[float | None, float | None]:
        """Returns the real and the simulated value of one row; KeyError where there is none."""
        for row in self.rows:
            if (row["measure"], row["label"]) == (measure, label):
                return row["real"], row["simulated"]
        raise KeyError(f"no row {measure!r}, {label!r}")


def fidelity_table(
    real: InteractionLog,
    simulated: InteractionLog,
    world: RatedWorld,
    *,
    activity_log: InteractionLog | None = None,
    session_gap_seconds: float = 3600.0,
) -> FidelityTable:
    """Returns how a simulated log differs from a real one.

    Ratings, where there are any, are compared by share and by total variation distance; popularity
    by the share of the consumption that the most consumed items have, and by its Gini coefficient,
    both logs being thinned to the size of the smaller one; activity by quantiles of session size;
    predictability by the errors, on held-out rows, of predictors fitted to the other rows of the
    real log (from the world's report) and, in the same way, to those of the simulated log, where
    what is consumed again does not count. Rows labelled "true likings" are what the simulated
    ratings were made from; what real people truly like is unknown. All are None for a log that is
    too small. Taste is compared with its own predictions, which stand in `real`: drawn tastes must
    vary more.

    Args:
      real: real behaviour, if possible held out from the fit.
      simulated: what simulated users did, with the world's own ids; times must separate sessions.
      world: the fitted world.
      activity_log: the real log to take sessions from, where `real` holds only parts of sessions.
      session_gap_seconds: a longer pause starts a new session.

    Raises:
      ValueError: the logs have other users or items than the world.
    """
    for name, log in (("real", real), ("simulated", simulated)):
        if (log.n_users, log.n_items) != (world.n_users, world.n_items):
            raise ValueError(
                f"the {name} log has {log.n_users} users and {log.n_items} items, the world"
                f" {world.n_users} and {world.n_items}; use the ids of the log it was fitted to"
            )
    rows: list[dict[str, Any]] = []
    curves: dict[str, NDArray[Any]] = {}
    _compare_ratings(real, simulated, world, rows, curves)
    _compare_popularity(real, simulated, rows, curves)
    sizes = [
        np.sort(np.bincount(log.sessions(session_gap_seconds)))
        for log in (activity_log or real, simulated)
    ]
    curves["activity/real"], curves["activity/simulated"] = sizes
    for quantile in _QUANTILES:
        label = f"{100 * quantile:g} % quantile"
        rows.append(_row("session size", label, *(np.quantile(size, quantile) for size in sizes)))
    rows.append(_row("session size", "mean", *(size.mean() for size in sizes)))
    tastes = world.report.get("tastes", {})
    predicted, drawn = tastes.get("consumed_sd_of_predictions"), tastes.get("consumed_sd")
    rows.append(_row("taste", "predicted / drawn", predicted, drawn))
    _compare_predictors(simulated, world, rows)
    far = distances(
        real, simulated, activity_log=activity_log, session_gap_seconds=session_gap_seconds
    )
    return FidelityTable(rows, curves, tuple(far))


def _row(measure: str, label: str, real: float | None, simulated: float | None) -> dict[str, Any]:
    """Returns one row; numbers that do not exist become None."""
    values = [None if v is None or not np.isfinite(v) else float(v) for v in (real, simulated)]
    return {"measure": measure, "label": label, "real": values[0], "simulated": values[1]}


def _compare_ratings(
    real: InteractionLog,
    simulated: InteractionLog,
    world: RatedWorld,
    rows: list[dict[str, Any]],
    curves: dict[str, NDArray[Any]],
) -> None:
    """Adds rating shares, mean, spread, liked share, and the distance of the distributions."""
    n_levels = round((world.rating_max - world.rating_min) / world.rating_step) + 1
    levels = world.rating_min + world.rating_step * np.arange(n_levels)
    shares = []
    for log in (real, simulated):
        nearest = np.rint((log.rating - world.rating_min) / world.rating_step).astype(np.int64)
        shares.append(np.bincount(np.clip(nearest, 0, n_levels - 1), minlength=n_levels) / len(log))
    curves["ratings/level"] = levels
    curves["ratings/real"], curves["ratings/simulated"] = shares
    if n_levels == 1:  # clicks have nothing to compare
        return
    for level, *pair in zip(levels, *shares, strict=True):
        rows.append(_row("rating share", f"{level:g}", *pair))
    rows.append(_row("rating", "mean", real.rating.mean(), simulated.rating.mean()))
    rows.append(_row("rating", "standard deviation", real.rating.std(), simulated.rating.std()))
    liked = [(log.rating >= world.like_threshold).mean() for log in (real, simulated)]
    rows.append(_row("rating", "liked share", *liked))
    distance = 0.5 * float(np.abs(shares[0] - shares[1]).sum())
    rows.append(_row("rating", "total variation distance", 0.0, distance))


def _compare_popularity(
    real: InteractionLog,
    simulated: InteractionLog,
    rows: list[dict[str, Any]],
    curves: dict[str, NDArray[Any]],
) -> None:
    """Adds how much of the consumption goes to the most consumed items."""
    n = min(len(real), len(simulated))
    counts = []
    for log in (real, simulated):
        kept = log.by_time()[np.random.default_rng(0).permutation(len(log))[:n]]
        counts.append(np.bincount(log.item[kept], minlength=log.n_items))
    curve = [np.cumsum(np.sort(count)[::-1]) / n for count in counts]
    curves["popularity/real"], curves["popularity/simulated"] = curve
    for share in _TOP_SHARES:
        last = max(int(np.ceil(share * real.n_items)), 1) - 1
        rows.append(
            _row("share of consumption", f"top {100 * share:g} % items", *(c[last] for c in curve))
        )
    rows.append(_row("share of consumption", "Gini", *(gini(count) for count in counts)))
    same_item = float(np.corrcoef(counts[0], counts[1])[0, 1]) if np.ptp(counts[0]) else np.nan
    rows.append(_row("share of consumption", "correlation over items", 1.0, same_item))


def _compare_predictors(
    simulated: InteractionLog, world: RatedWorld, rows: list[dict[str, Any]]
) -> None:
    """Adds the errors of predictors fitted alike to the real log and to the simulated one."""
    reported = world.report.get("held_out", {}).get("predictors", {})
    refitted = _predict_held_out(simulated, world)
    for name in ("global mean", "popularity", "biases", "factors"):
        known, found = reported.get(name, {}), refitted.get(name, {})
        for key, measure in _ERRORS.items():
            if (key, name) != ("rmse", "popularity"):
                rows.append(_row(measure, name, known.get(key), found.get(key)))
    liking = world.liking(simulated.user, simulated.item)
    is_liked = simulated.rating >= world.like_threshold
    for measure, number in (
        ("RMSE", rmse(liking, simulated.rating)),
        ("AUC", auc(liking, is_liked)),
        ("AUC within users", user_auc(liking, is_liked, simulated.user)),
    ):
        rows.append(_row(measure, "true likings", None, number))


def _predict_held_out(
    simulated: InteractionLog, world: RatedWorld
) -> dict[str, dict[str, float | None]]:
    """Returns what a world fitted to the simulated log would report of its predictors."""
    order = simulated.by_time()
    pair = simulated.user[order].astype(np.int64) * simulated.n_items + simulated.item[order]
    first = np.zeros(len(simulated), bool)
    first[order[np.unique(pair, return_index=True)[1]]] = True
    once = replace(simulated.select(first), impressions=None)  # which tell clicks alone
    scale = RatingScale(world.rating_min, world.rating_max, world.rating_step, world.like_threshold)
    settings = CalibrationSettings(**world.report.get("settings", {}))
    try:
        fit = fit_held_out(once, once, scale, settings)
    except ValueError:
        return {}
    return dict(fit.report["held_out"]["predictors"])
