"""A chain of a Gibbs sampler of the factor model of a log: factors, biases, latent ratings."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.factorization import FactorModel
from recsim_env.data.calibration.taste_draws import WIDEST, draw_spreads, draw_turn
from recsim_env.data.calibration.taste_sweep import find_residuals, sweep_once

Floats = NDArray[np.float64]

# Sweeps in which a chain keeps the spreads it starts with, while user and item factors find each
# other: unmatched ones fit nothing, and their spreads would fall to 0 first.
WARM_UP = 20
_WARM_UP_AGAIN = 3  # where items have found theirs before

# In units of the ratings' standard deviation: what two more ratings would scatter by.
_PRIOR_NOISE = 0.5


@dataclass(frozen=True)
class Rows:
    """The ratings, one row each, person by person, in units of their deviation from their mean.

    Attributes:
      start: (n_users + 1,) int64, where each person's rows start.
      item: (n,) uint32.
      level: (n,) int16, which rating it is, from the lowest.
      edges: (n_levels + 1,), the latent ratings that are rounded to a rating lie between two.
      rating: (n,) float32, where the latent ratings start.
      n_items: how many items there are, with or without rows.
      noise: standard deviation of latent ratings about the liking; None if it is to be drawn.
    """

    start: NDArray[np.int64]
    item: NDArray[np.uint32]
    level: NDArray[np.int16]
    edges: Floats
    rating: NDArray[np.float32]
    n_items: int
    noise: float | None

    @property
    def n_users(self) -> int:
        """How many people there are, with or without rows."""
        return len(self.start) - 1

    def densest(
        self, n_rows: int, n_items: int, rng: np.random.Generator
    ) -> tuple[Rows, NDArray[np.int64], NDArray[np.int64]]:
        """Returns about so many rows of people drawn at random and of the most rated items.

        Returns:
          The rows, in which people and items are numbered anew, and which these are here.
        """
        count = np.bincount(self.item, minlength=self.n_items)
        items = np.sort(np.argsort(-count, kind="stable")[:n_items])
        number = np.full(self.n_items, -1)
        number[items] = np.arange(len(items))
        order = rng.permutation(self.n_users)
        length = np.diff(self.start)[order]
        share = count[items].sum() / count.sum()
        n_users = int(np.searchsorted(np.cumsum(length), n_rows / share)) + 1
        users = np.sort(order[:n_users])
        rows = np.concatenate([np.arange(*self.start[user : user + 2]) for user in users])
        rows = rows[number[self.item[rows]] >= 0]
        owner = np.searchsorted(self.start, rows, side="right") - 1
        start = np.append(0, np.cumsum(np.bincount(owner, minlength=self.n_users)[users]))
        few = replace(
            self,
            start=start,
            item=number[self.item[rows]].astype(np.uint32),
            level=self.level[rows],
            rating=self.rating[rows],
            n_items=len(items),
        )
        return few, users, items


class TasteChain:
    """Draws in turn latent ratings, user factors, item factors, biases and spreads.

    The model is latent = centre + b_u + b_i + sum_k s_k p_uk q_ik + noise, with p, q ~ N(0, 1) and
    biases ~ N(0, spread²). A rating is a latent one, rounded and clipped to the scale. The spreads
    s_k are half-Cauchy about one scale, which is half-Cauchy itself, times N(0, 0.5²): few factors
    may matter much, none is drawn to 0, and none varies much more than ratings do.

    A spread is drawn with the p (and then with the q) that it multiplies integrated out, so that it
    may take any value that the other side allows; given both it could hardly move. Shifts of all
    factors at once, against the biases that they amount to, are drawn apart.

    Source: latent ratings: Albert and Chib 1993, "Bayesian analysis of binary and polychotomous
      response data"; half-Cauchy spreads: Gelman 2006, "Prior distributions for variance parameters
      in hierarchical models", and, with a common scale and an end, Piironen and Vehtari 2017,
      "Sparsity information and regularization in the horseshoe and other shrinkage priors";
      integrating out: van Dyk and Park 2008, "Partially collapsed Gibbs samplers"; Neal 2003,
      "Slice sampling".
    """

    def __init__(self, rows: Rows, start: FactorModel, rng: np.random.Generator) -> None:
        self._rows, self._rng = rows, rng
        self._n_sweeps = 0
        self._spread, self._user_factors, self._item_factors = _unit_factors(start, rng)
        self._bias_spread = np.array([start.user_bias.std(), start.item_bias.std()])
        self._bias_spread[self._bias_spread < 1e-3] = 1e-3
        self._user_bias = start.user_bias / self._bias_spread[0]
        self._item_bias = start.item_bias / self._bias_spread[1]
        self._centre = start.global_mean
        self._scale = np.array([WIDEST / math.sqrt(len(self._spread))])
        self._begin()
        self._noise = max(float(self._left.var()), 0.01) if rows.noise is None else rows.noise**2

    def _begin(self) -> None:
        """Sets latent ratings to the ratings, and residuals to what is left of these."""
        rows, model = self._rows, self.model()
        self._latent, self._left = rows.rating.copy(), np.empty_like(rows.rating)
        self._taste = math.nan
        find_residuals(
            (rows.start, rows.item, self._latent, self._left),
            (model.user_factors, model.item_factors),
            (model.user_bias, model.item_bias),
            model.global_mean,
        )

    def continued(
        self,
        rows: Rows,
        users: NDArray[np.int64],
        items: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Self:
        """Returns a chain of more rows that begins where this one is.

        Args:
          rows: of more people.
          users, items: which of these the people and items of this chain are; the others begin with
            average tastes.
          rng: of the new chain.
        """
        chain = object.__new__(type(self))
        chain._rows, chain._rng, chain._n_sweeps = rows, rng, WARM_UP - _WARM_UP_AGAIN
        n_factors = len(self._spread)
        chain._user_factors = np.zeros((n_factors, rows.n_users))
        chain._item_factors = np.zeros((n_factors, rows.n_items))
        chain._user_factors[:, users], chain._item_factors[:, items] = (
            self._user_factors,
            self._item_factors,
        )
        chain._user_bias, chain._item_bias = np.zeros(rows.n_users), np.zeros(rows.n_items)
        chain._user_bias[users], chain._item_bias[items] = self._user_bias, self._item_bias
        for name in ("_spread", "_bias_spread", "_scale", "_centre", "_noise"):
            setattr(chain, name, copy(getattr(self, name)))
        chain._begin()
        return chain

    def model(self) -> FactorModel:
        """Returns factors and biases as they are now, in units of the rows."""
        root = np.sqrt(self._spread)[:, None]
        return FactorModel(
            self._centre,
            self._bias_spread[0] * self._user_bias,
            self._bias_spread[1] * self._item_bias,
            np.ascontiguousarray((root * self._user_factors).T),
            np.ascontiguousarray((root * self._item_factors).T),
        )

    @property
    def is_warm(self) -> bool:
        """Whether spreads are free to move."""
        return self._n_sweeps >= WARM_UP

    @property
    def noise(self) -> float:
        """The standard deviation of latent ratings about the liking, in units of the rows."""
        return math.sqrt(self._noise)

    def sweep(self) -> None:
        """Draws everything once."""
        rows = self._rows
        self._centre, square, self._taste = sweep_once(
            (self._rng, np.array([self._rng.integers(0, 2**63)], np.uint64)),
            (rows.start, rows.item, rows.level, rows.edges, self._latent, self._left),
            (self._user_factors, self._item_factors, self._spread, self._scale),
            (self._user_bias, self._item_bias, self._bias_spread),
            self._centre,
            self._noise,
            self._n_sweeps >= WARM_UP,
        )
        if self.is_warm:
            self._turn(self._user_factors, self._item_factors)
            self._turn(self._item_factors, self._user_factors)
        if rows.noise is None:
            total = square + 2 * _PRIOR_NOISE**2
            self._noise = total / float(self._rng.chisquare(len(self._left) + 2))
        self._n_sweeps += 1

    def _turn(self, own: Floats, other: Floats) -> None:
        """Turns all factors in ways that change no liking, and draws spreads given those of a side.

        With spreads within the factors of one side, the other side's may be turned at will, as they
        are alike in all directions; the first side's density says how far. Without these turns the
        factors find what they are about, and how few of them are needed, only slowly.
        """
        root = self._spread[:, None]
        wide = root * own
        turn = draw_turn(self._rng, wide @ wide.T, self._spread)
        wide, other[:] = turn @ wide, turn @ other
        draw_spreads(self._rng, (wide**2).sum(axis=1), wide.shape[1], self._spread, self._scale[0])
        own[:] = wide / self._spread[:, None]

    def variances(self) -> dict[str, float]:
        """Returns what chains must agree on, whatever the factors' order and rotation."""
        spread = self._bias_spread
        scaled = self._spread[:, None] * self._user_factors
        scaled -= scaled.mean(axis=1, keepdims=True)
        people = scaled @ scaled.T / scaled.shape[1]
        items = self._item_factors @ self._item_factors.T
        noise = {} if self._rows.noise is not None else {"noise": self._noise}
        return noise | {
            "taste on consumed pairs": self._taste,
            "taste on all pairs": float((people * items).sum() / self._item_factors.shape[1]),
            "user bias": float((spread[0] * self._user_bias).var()),
            "item bias": float((spread[1] * self._item_bias).var()),
        }


def _unit_factors(model: FactorModel, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Returns the spread of every factor, and (n_factors, n) factors of both sides, of spread 1."""
    sides, spread = [], np.ones(model.user_factors.shape[1])
    for factors in (model.user_factors, model.item_factors):
        size = np.sqrt((factors**2).mean(axis=0))
        is_empty = size < 1e-6
        unit = np.where(is_empty, rng.normal(size=factors.shape), factors / np.maximum(size, 1e-6))
        sides.append(np.ascontiguousarray(unit.T))
        spread *= np.maximum(size, 1e-3)
    return spread, sides[0], sides[1]
