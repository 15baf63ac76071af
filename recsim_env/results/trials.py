"""Trials of estimators as rows of a result table: what logs say, and the truth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from recsim_env.results.estimator_quality import Trial
from recsim_env.results.intervals import Estimate, estimate
from recsim_env.results.layout import Layout, Row
from recsim_env.results.off_policy import PolicyValue

#: What rows tell of: an estimate, what a policy truly earns from the people of a log, and the end.
ESTIMATE, TRUTH, FINAL = "estimate", "truth", "final"

TRIALS = Layout(
    columns={
        "scenario": str,
        "agent": str,
        "seed": int,
        "phase": str,
        "policy": str,
        "per": str,
        "estimator": str,
        "setting": str,
        "n_sessions": int,
        "slate_size": int,
        "horizon": int,
        "value": float,
        "low": float,
        "high": float,
        "effective": float,
        "mean_weight": float,
        "n_warnings": int,
        "wall_seconds": float,
        "config_hash": str,
        "error": str,
    },
    world="scenario",
    phases=(ESTIMATE, TRUTH, FINAL, "failed"),
    needed={ESTIMATE: "value", TRUTH: "value"},
)
"""A run is one log, whose number is its seed, of an agent that explores."""

# Digits of numbers that are kept: an estimate's error is far larger.
_DIGITS = 7


def estimate_row(value: PolicyValue) -> dict[str, Any]:
    """Returns the columns of an estimate."""
    found = value.estimate
    numbers = {
        "value": found.mean,
        "low": found.low,
        "high": found.high,
        "effective": value.effective,
        "mean_weight": value.mean_weight,
    }
    names = ("policy", "per", "estimator", "setting")
    return {
        "phase": ESTIMATE,
        **{name: getattr(value, name) for name in names},
        **{name: float(f"{number:.{_DIGITS}g}") for name, number in numbers.items()},
        "n_warnings": len(value.warnings),
    }


def trials_of(rows: Iterable[Row]) -> list[Trial]:
    """Returns trials beside the truth: the mean over the logs whose people were served.

    Args:
      rows: of a table of `TRIALS`.
    """
    found = list(rows)
    truths: dict[tuple[str, str, str], list[float]] = {}
    for row in found:
        if row["phase"] == TRUTH:
            truths.setdefault(_asked(row), []).append(row["value"])
    known = {key: _of_means(means) for key, means in truths.items()}
    return [
        Trial(
            PolicyValue(
                row["policy"],
                row["per"],
                row["estimator"],
                Estimate(row["value"], row["low"], row["high"], row["n_sessions"], ""),
                known[_asked(row)],
                row["effective"],
                row["mean_weight"],
                ("a warning",) * row["n_warnings"],
                row["setting"],
            ),
            n_sessions=row["n_sessions"],
            slate_size=row["slate_size"],
            horizon=row["horizon"],
            repeat=row["seed"],
        )
        for row in found
        if row["phase"] == ESTIMATE and _asked(row) in known
    ]


def _asked(row: Row) -> tuple[str, str, str]:
    return row["scenario"], row["policy"], row["per"]


def _of_means(means: Sequence[float]) -> Estimate:
    """Returns the truth by several logs' people."""
    if len(means) > 1:
        return estimate(np.array(means))
    return Estimate(means[0], math.nan, math.nan, 1, "no interval (people of one log)")
