"""How good estimators of policies' values are: bias, variance, coverage, and what they choose."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from recsim_env.results.off_policy import PolicyValue
from recsim_env.results.wording import number

Kind = tuple[str, int, int, int]
"""What is estimated, slate size, horizon (0 is none), and sessions of the log."""


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
    def kind(self) -> Kind:
        """What kind of trial it is."""
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
      regret_by_chance: the same of a policy that is chosen at random.
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
    regret_by_chance: float
    found_best: float


def qualities(trials: Iterable[Trial]) -> dict[Kind, list[Quality]]:
    """Returns the qualities of all estimators for each kind of trial; see `Trial.kind`."""
    kinds: dict[Kind, dict[str, list[Trial]]] = {}
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
    correlation, regret, by_chance, found_best = _choices(values, truths)
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
        regret_by_chance=by_chance,
        found_best=found_best,
    )


def _choices(values: np.ndarray, truths: np.ndarray) -> tuple[float, float, float, float]:
    """Returns means over logs (rows): rank correlation, regret, that by chance, share of the best.

    A policy of which a log has no estimate is not chosen.
    """
    if len(truths) < 2 or np.ptp(truths) == 0.0:
        return math.nan, math.nan, math.nan, math.nan
    values = np.where(np.isfinite(values), values, -np.inf)
    chosen = values.argmax(axis=1)
    regrets = (truths.max() - truths) / np.ptp(truths)
    regret = regrets[chosen]
    correlations = [
        float(stats.spearmanr(row, truths).statistic) if len(set(row)) > 1 else 0.0
        for row in values
    ]
    best = float((truths[chosen] == truths.max()).mean())
    return float(np.mean(correlations)), float(regret.mean()), float(regrets.mean()), best


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


def choice_rows(found: Mapping[Kind, Sequence[Quality]], per: str) -> list[list[str]]:
    """Returns the regret of choosing by each estimator as rows of text, a column for each kind."""
    kinds = [kind for kind in found if kind[0] == per]
    names = dict.fromkeys(each.estimator for kind in kinds for each in found[kind])
    rows = [["choosing by", *told_apart(kinds)]]
    for name in names:
        regrets = [
            next((each.regret for each in found[kind] if each.estimator == name), math.nan)
            for kind in kinds
        ]
        rows.append([name, *(number(regret, 2) for regret in regrets)])
    by_chance = [found[kind][0].regret_by_chance for kind in kinds]
    return [*rows, ["chance", *(number(regret, 2) for regret in by_chance)]]


def told_apart(kinds: Sequence[Kind]) -> list[str]:
    """Returns in a few words what tells each kind from the others."""
    varies = [len({kind[at] for kind in kinds}) > 1 for at in range(4)]
    names = ("", "place", "step", "session")
    return [
        ", ".join(
            f"{kind[at]} {names[at]}{'' if kind[at] == 1 else 's'}"
            for at in (3, 1, 2)
            if varies[at]
        )
        or described(kind)
        for kind in kinds
    ]


def described(kind: Kind) -> str:
    """Returns the sessions of a log, the slates and the horizon in words."""
    _, slate_size, horizon, n_sessions = kind
    items = f"slates of {slate_size}" if slate_size > 1 else "one item at a time"
    return f"{n_sessions} sessions, {items}" + (f", horizon {horizon}" if horizon else "")
