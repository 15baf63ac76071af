"""What logs say that policies earn: rows of estimates, as tables show them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from recsim_env.results.intervals import Estimate
from recsim_env.results.wording import number, with_interval

#: What is estimated: the reward of a slate in the moments of a log, or of a session.
PER_SLATE, PER_SESSION = "slate", "session"

_HEAD = ("estimator", "value", "interval", "truth inside", "effective", "mean weight", "")


@dataclass(frozen=True)
class PolicyValue:
    """One estimate of what a policy earns.

    Attributes:
      policy: its name.
      per: what earns it, `PER_SLATE` or `PER_SESSION`.
      estimator: its name.
      estimate: the value, with its interval.
      truth: the true value with its own error, where it is known.
      effective: effective sample size of the weights; NaN where there are none.
      mean_weight: their mean, 1 in expectation under full support.
      warnings: sentences that say why not to believe it.
      setting: of the estimator, where the log chose one.
    """

    policy: str
    per: str
    estimator: str
    estimate: Estimate
    truth: Estimate | None = None
    effective: float = math.nan
    mean_weight: float = math.nan
    warnings: tuple[str, ...] = ()
    setting: str = ""

    @property
    def is_covered(self) -> bool | None:
        """Whether the interval holds the truth; None where one of them is unknown."""
        if self.truth is None or not self.estimate.has_interval:
            return None
        return self.estimate.low <= self.truth.mean <= self.estimate.high


def policy_columns(values: Sequence[PolicyValue]) -> dict[str, np.ndarray]:
    """Returns values as columns of a table."""
    rows = [_row(each) for each in values]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def policy_table(values: Iterable[PolicyValue]) -> list[list[str]]:
    """Returns values of one policy and `per` as rows of text, the head first."""
    rows = [list(_HEAD)]
    for each in values:
        found = each.estimate
        named = f"{each.estimator} ({each.setting})" if each.setting else each.estimator
        is_inside = {True: "yes", False: "NO", None: "–"}[each.is_covered]
        interval = with_interval(found).partition(" ")[2] or "–"
        effective = number(each.effective, 0)
        doubt = "do not believe" if each.warnings else ""
        weight = number(each.mean_weight, 3)
        rows.append([named, number(found.mean), interval, is_inside, effective, weight, doubt])
    return rows


def _row(each: PolicyValue) -> dict[str, Any]:
    truth = each.truth or Estimate(math.nan, math.nan, math.nan, 0, "")
    found: dict[str, Any] = {
        field.name: getattr(each, field.name)
        for field in fields(each)
        if field.name not in ("estimate", "truth", "warnings")
    }
    return found | {
        "value": each.estimate.mean,
        "low": each.estimate.low,
        "high": each.estimate.high,
        "true_value": truth.mean,
        "true_low": truth.low,
        "true_high": truth.high,
        "n_warnings": len(each.warnings),
    }
