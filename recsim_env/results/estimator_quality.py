"""How good estimators of policies' values are: bias, variance, coverage, and what they choose."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from recsim_env.results.off_policy import PolicyValue, policy_columns
from recsim_env.results.wording import number


@dataclass(frozen=True)
class Trial:
    """One estimate of one policy by one of many logs.

    Attributes:
      value: the estimate, with the truth.
      n_sessions: size of the log.
      slate_size, horizon: of the scenario; 0 is no horizon.
      repeat: number of the log.
    """

    value: PolicyValue
    n_sessions: int
    slate_size: int
    horizon: int
    repeat: int

    @property
    def kind(self) -> tuple[str, int, int, int]:
        """What is estimated, slate size, horizon, and sessions of the log."""
        return self.value.per, self.slate_size, self.horizon, self.n_sessions


@dataclass(frozen=True)
class Quality:
    """How good an estimator is over many logs and policies.

    Errors are relative to the true value of each policy, whose size is 1.

    Attributes:
      estimator: its name.
      bias2: squared bias, the mean over policies.
      variance: over logs, the mean over policies.
      error: root of the mean squared error.
      coverage: how often the interval holds the truth.
      trusted: how often there is no warning.
      trusted_coverage: coverage where there is none; NaN where there always is one.
      rank_correlation: Spearman's, of estimates and truths over policies, the mean over logs.
      regret: what the policy with the highest estimate earns less than the best, as a share of
        what lies between the best and the worst; the mean over logs.
      found_best: how often that policy is the best.
    """

    estimator: str
    bias2: float
    variance: float
    error: float
    coverage: float
    trusted: float
    trusted_coverage: float
    rank_correlation: float
    regret: float
    found_best: float


def qualities(trials: Iterable[Trial]) -> dict[tuple[str, int, int, int], list[Quality]]:
    """Returns the qualities of all estimators for each kind of trial; see `Trial.kind`."""
    kinds: dict[tuple[str, int, int, int], dict[str, list[Trial]]] = {}
    for each in trials:
        kinds.setdefault(each.kind, {}).setdefault(each.value.estimator, []).append(each)
    return {
        kind: [_quality(name, found) for name, found in estimators.items()]
        for kind, estimators in kinds.items()
    }


def _quality(name: str, trials: Sequence[Trial]) -> Quality:
    policies = list(dict.fromkeys(each.value.policy for each in trials))
    repeats = list(dict.fromkeys(each.repeat for each in trials))
    values = np.full((len(repeats), len(policies)), np.nan)
    truths = np.zeros(len(policies))
    for each in trials:
        at = policies.index(each.value.policy)
        assert each.value.truth is not None
        values[repeats.index(each.repeat), at] = each.value.estimate.mean
        truths[at] = each.value.truth.mean
    scaled = values / np.where(truths != 0.0, np.abs(truths), 1.0)
    bias2 = (scaled.mean(axis=0) - np.sign(truths)) ** 2
    variance = scaled.var(axis=0, ddof=1)
    covered = np.array([bool(each.value.is_covered) for each in trials])
    trusted = np.array([not each.value.warnings for each in trials])
    correlation, regret, found_best = _choices(values, truths)
    return Quality(
        estimator=name,
        bias2=float(bias2.mean()),
        variance=float(variance.mean()),
        error=float(np.sqrt(np.mean((scaled - np.sign(truths)) ** 2))),
        coverage=float(covered.mean()),
        trusted=float(trusted.mean()),
        trusted_coverage=float(covered[trusted].mean()) if trusted.any() else math.nan,
        rank_correlation=correlation,
        regret=regret,
        found_best=found_best,
    )


def _choices(values: np.ndarray, truths: np.ndarray) -> tuple[float, float, float]:
    """Returns mean rank correlation, mean regret and share of best choices, by logs (rows)."""
    if len(truths) < 2 or np.ptp(truths) == 0.0:
        return math.nan, math.nan, math.nan
    chosen = values.argmax(axis=1)
    regret = (truths.max() - truths[chosen]) / np.ptp(truths)
    correlations = [
        float(stats.spearmanr(row, truths).statistic) if np.ptp(row) else 0.0 for row in values
    ]
    best = float((truths[chosen] == truths.max()).mean())
    return float(np.mean(correlations)), float(regret.mean()), best


_HEAD = (
    "estimator",
    "bias²",
    "variance",
    "error",
    "coverage",
    "no warning",
    "coverage then",
    "rank correlation",
    "regret",
    "best chosen",
)


def quality_rows(found: Iterable[Quality]) -> list[list[str]]:
    """Returns qualities as rows of text, the head first."""
    rows = [list(_HEAD)]
    for each in found:
        shares = each.coverage, each.trusted, each.trusted_coverage
        rows.append(
            [
                each.estimator,
                number(each.bias2, 4),
                number(each.variance, 4),
                number(each.error, 3),
                *("–" if math.isnan(share) else f"{share:.0%}" for share in shares),
                number(each.rank_correlation, 2),
                number(each.regret, 2),
                "–" if math.isnan(each.found_best) else f"{each.found_best:.0%}",
            ]
        )
    return rows


def trial_columns(trials: Sequence[Trial]) -> dict[str, np.ndarray]:
    """Returns trials as columns of a table."""
    return {
        name: np.array([getattr(each, name) for each in trials])
        for name in ("n_sessions", "slate_size", "horizon", "repeat")
    } | policy_columns([each.value for each in trials])
