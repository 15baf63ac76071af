"""Off-policy selection: which policy each estimator would deploy, and whether that was right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.results.off_policy import PER_SESSION, PER_SLATE, PolicyValue
from recsim_env.results.wording import number, with_interval

#: By which estimators one policy is named: the first without doubt, else the first of all.
_TRUSTED = {
    PER_SESSION: ("sn-pdis", "seq-dr", "sn-mis"),
    PER_SLATE: ("dr", "snips", "pseudo-inverse", "rips", "iips"),
}

_HEAD = ("choosing by", "deploys", "estimate", "earns truly", "regret", "")


@dataclass(frozen=True)
class Selection:
    """The policy with the highest estimate by one estimator.

    Attributes:
      chosen: its estimate.
      best: of the policy that truly earns the most; None where that is not known.
      regret: what is lost by deploying the chosen one instead; NaN where that is not known.
      share: the regret as a share of what lies between the best and the worst policy.
      n_rivals: policies whose interval reaches above the lower end of the chosen one's.
      is_doubted: whether one of the estimates that were compared comes with a warning.
    """

    chosen: PolicyValue
    best: PolicyValue | None
    regret: float
    share: float
    n_rivals: int
    is_doubted: bool


def selections(values: Iterable[PolicyValue], per: str) -> list[Selection]:
    """Returns what each estimator selects, of those that judge every policy.

    Args:
      values: of two policies or more.
      per: `PER_SLATE` or `PER_SESSION`.
    """
    found: dict[str, list[PolicyValue]] = {}
    for each in values:
        if each.per == per:
            found.setdefault(each.estimator, []).append(each)
    most = max(map(len, found.values()), default=0)
    return [_selected(group) for group in found.values() if len(group) == most > 1]


def _selected(group: Sequence[PolicyValue]) -> Selection:
    chosen = max(group, key=lambda each: each.estimate.mean)
    rivals = sum(each.estimate.high > chosen.estimate.low for each in group if each is not chosen)
    is_doubted = any(each.warnings for each in group)
    truths = [each.truth.mean for each in group if each.truth is not None]
    if len(truths) < len(group) or chosen.truth is None:
        return Selection(chosen, None, math.nan, math.nan, rivals, is_doubted)
    best = group[int(np.argmax(truths))]
    regret = max(truths) - chosen.truth.mean
    spread = max(truths) - min(truths)
    share = regret / spread if spread else 0.0
    return Selection(chosen, best, regret, share, rivals, is_doubted)


def selection_table(found: Iterable[Selection]) -> list[list[str]]:
    """Returns selections as rows of text, the head first."""
    rows = [list(_HEAD)]
    for each in found:
        truth = each.chosen.truth
        rows.append(
            [
                each.chosen.estimator,
                each.chosen.policy,
                with_interval(each.chosen.estimate),
                number(truth.mean) if truth else "–",
                "–" if math.isnan(each.regret) else number(each.regret),
                "do not believe" if each.is_doubted else "",
            ]
        )
    return rows


def verdict(found: Sequence[Selection], per: str) -> str:
    """Returns in a sentence what to deploy by the log alone, and whether that was right.

    It is what a doubly robust estimate says of slates, and a self-normalised one of sessions, or
    where these are doubted another that is not; see docs/understand/estimators.md.
    """
    named = {each.chosen.estimator: each for each in found}
    trusted = [named[name] for name in _TRUSTED[per] if name in named] or list(found)
    each = next((each for each in trusted if not each.is_doubted), trusted[0])
    text = f"by the log alone ({each.chosen.estimator}), deploy {each.chosen.policy}"
    if each.n_rivals:
        n = each.n_rivals
        text += f"; the log does not tell it from {n} other{'s' if n > 1 else ''}"
    if each.is_doubted:
        text += "; but estimates come with a warning: let the log explore more, or serve people"
    if each.best is None:
        return text + "."
    if not each.regret:
        return text + ". Truly it earns the most."
    return (
        f"{text}. Truly {each.best.policy} earns the most: {number(each.regret)} more, "
        f"{each.share:.0%} of what lies between the best and the worst."
    )


def selection_columns(found: Sequence[Selection]) -> dict[str, np.ndarray]:
    """Returns selections as columns of a table."""
    rows: list[dict[str, Any]] = [
        {
            "per": each.chosen.per,
            "estimator": each.chosen.estimator,
            "policy": each.chosen.policy,
            "value": each.chosen.estimate.mean,
            "true_value": each.chosen.truth.mean if each.chosen.truth else math.nan,
            "best_policy": each.best.policy if each.best else "",
            "regret": each.regret,
            "regret_share": each.share,
            "is_doubted": each.is_doubted,
        }
        for each in found
    ]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
