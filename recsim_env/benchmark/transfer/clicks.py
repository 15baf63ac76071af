"""Clicks under one policy, predicted from the log of another, and compared with its own log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recsim_env.benchmark.transfer.click_log import ITEM, PLACE, ClickLog, policy_chances
from recsim_env.benchmark.transfer.click_model import ClickFit, ClickModel
from recsim_env.data.calibration.prediction import auc
from recsim_env.ope import LoggedActions, Uncertainty
from recsim_env.ope.bandits import snips
from recsim_env.results.intervals import Estimate, bounded_mean, estimate

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]

#: Ways to predict: the click rate of the log itself, the model of clicks, importance weights.
RATE, MODEL, WEIGHTED = METHODS = ("rate of the log", "click model", "importance weights")

#: The group of all impressions.
ALL = "all"

_N_SIMULATED = 2_000


@dataclass(frozen=True)
class Prediction:
    """A click rate under another policy: as its own log has it, and as a method predicts it.

    Attributes:
      campaign: where both policies played.
      fitted_to, other: the policy whose log was used, and that which is predicted.
      group, label: a column, and a label in it; both `ALL` for all impressions.
      n: impressions of the other policy.
      own: its click rate.
      method: one of `METHODS`.
      predicted: by the log of `fitted_to`; NaN where that holds nothing of this label.
    """

    campaign: str
    fitted_to: str
    other: str
    group: str
    label: str
    n: int
    own: Estimate
    method: str
    predicted: Estimate


@dataclass(frozen=True)
class GroupError:
    """How far predictions are off over the labels of a group.

    Attributes:
      campaign, fitted_to, other, group, method: as of `Prediction`.
      error: mean distance of predicted and own click rates over impressions, as a share of the
        click rate of the other log.
      chance: what that would be of a right method, by the luck of few clicks in either log: its
        mean, with an interval.
      p_value: how often a right method would be off at least as far.
    """

    campaign: str
    fitted_to: str
    other: str
    group: str
    method: str
    error: float
    chance: Estimate
    p_value: float


@dataclass(frozen=True)
class RowScore:
    """How well a model of clicks tells single impressions of the other log apart.

    Attributes:
      campaign, fitted_to, other: as of `Prediction`.
      gain: log-likelihood per 1,000 impressions above that of the log's one click rate.
      auc: of clicked impressions against others.
      spread: column to the standard deviation of its effects on the log-odds.
    """

    campaign: str
    fitted_to: str
    other: str
    gain: Estimate
    auc: Estimate
    spread: dict[str, float]


@dataclass(frozen=True)
class ClickTransfer:
    """All that was predicted of one policy by the log of another."""

    predictions: list[Prediction]
    errors: list[GroupError]
    score: RowScore


def predict_clicks(
    fitted: ClickLog, other: ClickLog, *, campaign: str, n_resamples: int = 100, seed: int = 0
) -> ClickTransfer:
    """Returns what one policy's log says of clicks under another, beside that one's own log.

    Args:
      fitted: the log that everything is predicted from.
      other: the log of the other policy, of the same items and days; of it, predictions know who
        came and what was shown, and how likely, but no click.
      campaign: its name.
      n_resamples: of the log that is fitted, for intervals.
      seed: of resamples and simulated clicks.

    Raises:
      ValueError: a log without clicks, or with other columns than the first.
    """
    if fitted.columns.keys() != other.columns.keys():
        raise ValueError(
            f"{fitted.name} has the columns {', '.join(fitted.columns)}, and {other.name} "
            f"{', '.join(other.columns)}; use logs of one kind"
        )
    rng = np.random.default_rng(seed)
    fit = ClickFit(fitted.columns, fitted.click)
    model = fit.fit()
    drawn = [_drawn(rng, len(fitted)) for _ in range(n_resamples)]
    everybody = np.ones(len(fitted))
    places = model.places(other.columns)
    expected = np.stack(
        [model.at(places), *(fit.refit(model.spread, each).at(places) for each in drawn)]
    )
    methods: dict[str, _Method] = {
        RATE: _Rate(fitted, [everybody, *drawn]),
        MODEL: _Model(expected),
        WEIGHTED: _Weights(fitted, other, [everybody, *drawn]),
    }
    about = campaign, fitted.name, other.name
    predictions, errors = list[Prediction](), list[GroupError]()
    for name, values in {ALL: np.full(len(other), ALL), **other.columns}.items():
        there = fitted.columns.get(name, np.full(len(fitted), ALL))
        for method, way in methods.items():
            found, error = _of_group((*about, name), method, way, (there, values), other, rng)
            predictions += found
            errors.append(error)
    score = _score(about, fitted, other, model, expected[0], rng)
    return ClickTransfer(predictions, errors, score)


class _Method(Protocol):
    """A way to predict the click rates of labels."""

    def rates(self, there: Labels, here: Labels, labels: Labels) -> Floats:
        """Returns the rates of labels, (1 + n_resamples, n_labels); the first is of the whole log.

        Args:
          there, here: the label of each row of the log that is fitted, and of the other.
          labels: sorted; that of each column.
        """


class _Rate:
    """The one click rate of a log."""

    def __init__(self, fitted: ClickLog, weights: Sequence[Floats]) -> None:
        self._rates = np.array([each @ fitted.click / each.sum() for each in weights])

    def rates(self, there: Labels, here: Labels, labels: Labels) -> Floats:
        return np.repeat(self._rates[:, None], len(labels), axis=1)


class _Model:
    """What a model and its resamples expect of each row of the other log, (1 + R, n)."""

    def __init__(self, expected: Floats) -> None:
        self._expected = expected

    def rates(self, there: Labels, here: Labels, labels: Labels) -> Floats:
        place = np.searchsorted(labels, here)
        n = np.bincount(place, minlength=len(labels))
        return np.stack([np.bincount(place, each, len(labels)) / n for each in self._expected])


class _Weights:
    """Click rates by the importance weights of the rows of a log, self-normalised."""

    def __init__(self, fitted: ClickLog, other: ClickLog, weights: Sequence[Floats]) -> None:
        chances = policy_chances(other)
        shown = zip(fitted.columns[ITEM], fitted.columns[PLACE], strict=True)
        self._log, self._weights = fitted, weights
        self._target = np.array([chances.get((str(i), str(k)), 0.0) for i, k in shown])

    def rates(self, there: Labels, here: Labels, labels: Labels) -> Floats:
        ratio = self._target / self._log.propensity
        place = np.searchsorted(labels, there).clip(max=len(labels) - 1)
        ratio = np.where(labels[place] == there, ratio, 0.0)
        found = [self._whole(there == label) for label in labels]
        resampled = []
        for weight in self._weights[1:]:
            total = np.bincount(place, weight * ratio, len(labels))
            clicked = np.bincount(place, weight * ratio * self._log.click, len(labels))
            resampled.append(np.where(total > 0, clicked / np.where(total > 0, total, 1.0), 0.0))
        return np.stack([np.array(found), *resampled])

    def _whole(self, rows: NDArray[np.bool_]) -> float:
        """Returns the estimate by some rows; NaN where none could have been the other's."""
        if not self._target[rows].any():
            return math.nan
        log = LoggedActions(
            reward=self._log.click[rows],
            propensity=self._log.propensity[rows],
            target=self._target[rows],
        )
        return snips(log, uncertainty=Uncertainty(method="none")).value


def _of_group(
    about: tuple[str, str, str, str],
    method: str,
    way: _Method,
    labelled: tuple[Labels, Labels],
    other: ClickLog,
    rng: np.random.Generator,
) -> tuple[list[Prediction], GroupError]:
    """Returns a method's predictions of the labels of a group, and how far off they are."""
    there, here = labelled
    labels, code, n = np.unique(here, return_inverse=True, return_counts=True)
    rates = way.rates(there, here, labels)
    own = [bounded_mean(other.click[code == k]) for k in range(len(labels))]
    predictions = [
        Prediction(
            *about, str(label), int(n[k]), own[k], method, _between(rates[0, k], rates[1:, k])
        )
        for k, label in enumerate(labels)
    ]
    known = np.isfinite(rates[0])
    n, rates = n[known], rates[:, known].clip(0.0, 1.0)
    clicks = np.bincount(code, other.click)[known]
    scale = other.click_rate * n.sum()
    error = float(np.abs(clicks - rates[0] * n).sum() / scale)
    # A right method would err by the luck of the other log, and by that of its own.
    luck = rng.binomial(n, rates[0], size=(_N_SIMULATED, len(n))) - rates[0] * n
    own_luck = (rates[1:] - rates[1:].mean(axis=0)) * n
    luck -= own_luck[rng.integers(len(own_luck), size=_N_SIMULATED)]
    chance = np.abs(luck).sum(axis=1) / scale
    p_value = float(np.mean(chance >= error - 1e-12))
    by_chance = _between(float(chance.mean()), chance)
    return predictions, GroupError(*about, method, error, by_chance, p_value)


def _drawn(rng: np.random.Generator, n: int) -> Floats:
    return np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64)


def _between(value: float, resampled: Floats) -> Estimate:
    low, high = np.quantile(resampled, [0.025, 0.975])
    n = len(resampled)
    method = "95 % bootstrap over impressions"
    return Estimate(float(value), float(min(low, value)), float(max(high, value)), n, method)


def _score(
    about: tuple[str, str, str],
    fitted: ClickLog,
    other: ClickLog,
    model: ClickModel,
    expected: Floats,
    rng: np.random.Generator,
) -> RowScore:
    """Returns how well single impressions of the other log are told apart."""
    gain = _log_likelihood(other.click, expected)
    gain -= _log_likelihood(other.click, np.full(len(other), fitted.click_rate))
    areas = []
    for _ in range(100):
        rows = rng.integers(len(other), size=len(other))
        areas.append(auc(expected[rows], other.click[rows] > 0))
    whole = _between(auc(expected, other.click > 0), np.array(areas)[np.isfinite(areas)])
    return RowScore(*about, estimate(1_000.0 * gain), whole, dict(model.spread))


def _log_likelihood(click: Floats, chance: Floats) -> Floats:
    return np.asarray(np.where(click > 0, np.log(chance), np.log1p(-chance)))
