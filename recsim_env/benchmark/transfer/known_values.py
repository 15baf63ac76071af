"""What one log says of other policies' clicks, beside the truth, and how good that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import spearmanr

#: Ways to predict a policy's click rate by the log of another.
RATE, CLICKS, SHOWN, TOLD, WEIGHTED = METHODS = (
    "rate of the log",
    "world of clicks",
    "world of impressions",
    "the same, told the candidates",
    "importance weights",
)

#: Policies that are predicted unless others are named.
POLICIES = ("uniform", "popularity", "item_knn", "svd", "ials")


@dataclass(frozen=True, kw_only=True)
class TruthSettings:
    """What is predicted, and from what.

    Attributes:
      scenario: name, id or class; people and items with ids, one item at a time.
      scenario_settings: of it; world_seed is each seed in turn.
      loggers: names of the policies whose logs are fitted, one after the other.
      exploration: share of uniform slates in a log.
      policies: names of those that are predicted: uniform, and recommenders that know ids only.
      learn: interactions that each learns from first.
      interactions: of a log.
      sessions: that are served for a true or a simulated value, a multiple of 100.
      seeds: each has people, items, logs and policies of its own.
      fit: settings of `calibrate`.

    Raises:
      ValueError: fewer than two policies or no seed, or a number out of its range.
    """

    scenario: str = "MusicStreaming"
    scenario_settings: dict[str, Any] = field(default_factory=dict)
    loggers: tuple[str, ...] = ("uniform", "popularity", "ials")
    exploration: float = 0.3
    policies: tuple[str, ...] = POLICIES
    learn: int = 20_000
    interactions: int = 20_000
    sessions: int = 2_000
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    fit: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.policies)) < 2 or not self.loggers or not self.seeds:
            raise ValueError(
                f"policies={self.policies}, loggers={self.loggers} and seeds={self.seeds} are too "
                "few; name two policies, and one of the others"
            )
        if not 0.0 < self.exploration <= 1.0:
            raise ValueError(f"exploration={self.exploration} is not in (0, 1]")
        if self.sessions < 100 or self.sessions % 100:
            raise ValueError(f"sessions={self.sessions} is not allowed; use a multiple of 100")


@dataclass(frozen=True)
class KnownValue:
    """A policy's clicks, as they truly are and as the log of another says.

    Attributes:
      logger, seed, policy, method: whose log, of which world, and who is predicted how.
      click_rate, true_click_rate: clicks per slate.
      clicks, true_clicks: clicks per session; NaN where the method tells nothing of sessions.
    """

    logger: str
    seed: int
    policy: str
    method: str
    click_rate: float
    true_click_rate: float
    clicks: float
    true_clicks: float


@dataclass(frozen=True)
class PredictionQuality:
    """How well a method predicts the policies of one world by one log.

    Attributes:
      logger, seed, method: as of `KnownValue`.
      error, bias: mean absolute and signed error of click rates, as a share of the true ones.
      rank_correlation: Spearman's, of predicted and true click rates; NaN where all are predicted
        alike.
      regret: what the policy that is predicted to be best truly loses, as a share of what lies
        between the best and the worst.
      session_bias: as `bias`, of clicks per session; NaN where the method tells nothing of them.
    """

    logger: str
    seed: int
    method: str
    error: float
    bias: float
    rank_correlation: float
    regret: float
    session_bias: float


def qualities(values: Sequence[KnownValue]) -> list[PredictionQuality]:
    """Returns how well each method predicts by each log, in the order of the values."""
    return [
        _quality([e for e in values if (e.logger, e.seed, e.method) == key])
        for key in dict.fromkeys((e.logger, e.seed, e.method) for e in values)
    ]


def _quality(values: Sequence[KnownValue]) -> PredictionQuality:
    """Returns how well one method predicts all policies by one log."""
    first = values[0]
    said, true = (
        np.array([getattr(e, name) for e in values]) for name in ("click_rate", "true_click_rate")
    )
    relative = said / true - 1.0
    rank, regret = math.nan, math.nan
    if np.isfinite(said).all():
        best = true[said >= said.max() - 1e-12].mean()  # where several are, any of them
        regret = float((true.max() - best) / (np.ptp(true) or 1.0))
        rank = float(spearmanr(said, true).statistic) if np.ptp(said) > 1e-12 else math.nan
    return PredictionQuality(
        first.logger,
        first.seed,
        first.method,
        error=float(np.abs(relative).mean()),
        bias=float(relative.mean()),
        rank_correlation=rank,
        regret=regret,
        session_bias=float(np.mean([e.clicks / e.true_clicks - 1.0 for e in values])),
    )
