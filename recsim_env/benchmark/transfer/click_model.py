"""A regularised model of clicks: effects of item, place and context on the log-odds of a click."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, logit

Floats = NDArray[np.float64]

# Rounds in which the spreads of effects are estimated; they change by less than 1 % afterwards.
_MOST_ROUNDS = 60
_SETTLED = 0.01

# The spread with which effects begin, and the least, below which nobody could tell them from 0.
_FIRST_SPREAD, _LEAST_SPREAD = 0.5, 0.01

_NEWTON_STEPS = 25


@dataclass(frozen=True, eq=False)
class ClickModel:
    """Log-odds of a click: a constant, and an effect of each label of each column.

        log-odds = constant + sum over columns of effect[column][label],  effect ~ N(0, spread²)

    A label that the log did not hold has the effect 0: it is like the average.

    Attributes:
      constant: log-odds where all effects are 0.
      labels: column to the labels that were seen.
      effects: column to their effects.
      spread: column to the standard deviation of effects; near 0 where the log shows none.
    """

    constant: float
    labels: Mapping[str, NDArray[np.str_]]
    effects: Mapping[str, Floats]
    spread: Mapping[str, float]

    def predict(self, columns: Mapping[str, NDArray[np.str_]]) -> Floats:
        """Returns the probability of a click in each row, (n,)."""
        return self.at(self.places(columns))

    def places(self, columns: Mapping[str, NDArray[np.str_]]) -> NDArray[np.intp]:
        """Returns where labels stand in each column, (n, n_columns); -1 where unknown."""
        found = []
        for name, labels in self.labels.items():
            place = np.minimum(np.searchsorted(labels, columns[name]), len(labels) - 1)
            found.append(np.where(labels[place] == columns[name], place, -1))
        return np.stack(found, axis=1)

    def at(self, places: NDArray[np.intp]) -> Floats:
        """Returns the probability of a click at `places` of this log, (n,)."""
        score = np.full(len(places), self.constant)
        for effects, place in zip(self.effects.values(), places.T, strict=True):
            score += np.append(effects, 0.0)[place]
        return np.asarray(expit(score))


class ClickFit:
    """Fits models of clicks to a log, and to resamples of it.

    Args:
      columns: name to (n,) labels.
      click: (n,), 0 or 1, some of both.

    Raises:
      ValueError: every row is clicked, or none.
    """

    def __init__(self, columns: Mapping[str, NDArray[np.str_]], click: Floats) -> None:
        if not 0.0 < click.mean() < 1.0:
            raise ValueError(
                f"{int(click.sum())} of {len(click)} rows are clicked; a model needs some of both"
            )
        self.labels: dict[str, NDArray[np.str_]] = {}
        codes, start = [], 0
        self._slices: dict[str, slice] = {}
        for name, values in columns.items():
            self.labels[name], code = np.unique(values, return_inverse=True)
            codes.append(code + start)
            self._slices[name] = slice(start, start + len(self.labels[name]))
            start += len(self.labels[name])
        codes.append(np.full(len(click), start))  # the constant
        # Rows that are alike in all columns are one, with how many they are.
        column, self._cell = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)
        pointer = np.arange(len(column) + 1) * column.shape[1]
        data = np.ones(column.size)
        self._design = sparse.csr_array((data, column.ravel(), pointer), (len(column), start + 1))
        self._click = click
        self._coefficients = np.zeros(start + 1)
        self._coefficients[-1] = logit(click.mean())

    def fit(self) -> ClickModel:
        """Returns the model with the spreads that make the log most likely.

        Spread and effects are estimated in turn: the expected square of an effect is that of its
        estimate, and the variance of its error. How much effects are drawn to 0 follows from that,
        column by column; nothing has to be chosen.

        Source: Breslow and Clayton 1993, "Approximate inference in generalized linear mixed
          models"; Dempster, Laird and Rubin 1977, "Maximum likelihood from incomplete data via the
          EM algorithm".
        """
        spread = dict.fromkeys(self._slices, _FIRST_SPREAD)
        everyone = np.ones(len(self._click))
        for _ in range(_MOST_ROUNDS):
            information = self._solve(spread, everyone)
            variance = np.diag(np.linalg.inv(information))
            before = dict(spread)
            for name, rows in self._slices.items():
                square = float(np.mean(self._coefficients[rows] ** 2 + variance[rows]))
                spread[name] = max(np.sqrt(square), _LEAST_SPREAD)
            if all(abs(spread[name] / before[name] - 1.0) < _SETTLED for name in spread):
                break
        self._solve(spread, everyone)
        return self._model(spread)

    def refit(self, spread: Mapping[str, float], weight: Floats) -> ClickModel:
        """Returns the model of a resample, in which row i stands weight[i] times."""
        first = self._coefficients.copy()
        self._solve(spread, weight)
        model = self._model(spread)
        self._coefficients = first
        return model

    def _model(self, spread: Mapping[str, float]) -> ClickModel:
        effects = {name: self._coefficients[rows].copy() for name, rows in self._slices.items()}
        return ClickModel(float(self._coefficients[-1]), self.labels, effects, dict(spread))

    def _solve(self, spread: Mapping[str, float], weight: Floats) -> Any:
        """Finds the most likely coefficients by Newton's method; returns their information."""
        penalty = np.full(len(self._coefficients), 1e-9)
        for name, rows in self._slices.items():
            penalty[rows] = spread[name] ** -2
        shown = np.bincount(self._cell, weight)
        clicked = np.bincount(self._cell, weight * self._click)
        for _ in range(_NEWTON_STEPS):
            chance = expit(self._design @ self._coefficients)
            slope = self._design.T @ (clicked - shown * chance)
            slope -= penalty * self._coefficients
            curved = self._design.T @ sparse.diags_array(shown * chance * (1.0 - chance))
            information = (curved @ self._design).toarray() + np.diag(penalty)
            step = np.linalg.solve(information, slope)
            self._coefficients = self._coefficients + np.clip(step, -2.0, 2.0)
            if np.abs(step).max() < 1e-6:
                break
        return information
