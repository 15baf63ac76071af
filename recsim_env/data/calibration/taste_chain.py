"""A Gibbs sampler of the factor model of a log: user and item factors, biases, latent ratings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from recsim_env.compiler.kernel_cache import keep_on_disk
from recsim_env.data.calibration.factorization import FactorModel

Floats = NDArray[np.float64]

# Sweeps in which a chain keeps the spreads it starts with, while user and item factors find each
# other: unmatched ones fit nothing, and their spreads would fall to 0 first.
WARM_UP = 20

# In units of the ratings' standard deviation: what a spread of biases is like before any rating was
# seen, beyond what no spread goes far, and what two more ratings would scatter by.
_BIAS_SPREAD, _WIDEST, _PRIOR_NOISE = 0.5, 0.5, 0.5


@dataclass(frozen=True)
class Rows:
    """The ratings, one row each, in units of their standard deviation from their mean.

    Attributes:
      user, item: (n,) int32.
      rating: (n,), where the latent ratings start.
      lower, upper: (n,), the latent ratings that are rounded to this rating.
      noise: standard deviation of latent ratings about the liking; None if it is to be drawn.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    rating: Floats
    lower: Floats
    upper: Floats
    noise: float | None


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
        self._scale = np.array([_WIDEST / math.sqrt(len(self._spread))])
        self._ones = np.ones(max(len(self._user_bias), len(self._item_bias)))
        self._latent = rows.rating.copy()
        model = self.model()
        self._left = self._latent - model.liking(rows.user, rows.item)
        self._noise = max(float(self._left.var()), 0.01) if rows.noise is None else rows.noise**2

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
    def noise(self) -> float:
        """The standard deviation of latent ratings about the liking, in units of the rows."""
        return math.sqrt(self._noise)

    def sweep(self) -> None:
        """Draws everything once."""
        rows, rng = self._rows, self._rng
        liking = self._latent - self._left
        self._latent = latent_ratings(liking, self.noise, rows.lower, rows.upper, rng)
        self._left = self._latent - liking
        self._centre += _draw_all(
            rng,
            self._left,
            (rows.user, rows.item),
            (self._user_factors, self._item_factors, self._spread, self._scale),
            (self._user_bias, self._item_bias, self._bias_spread, self._ones),
            self._noise,
            self._n_sweeps >= WARM_UP,
        )
        if rows.noise is None:
            total = float((self._left**2).sum()) + 2 * _PRIOR_NOISE**2
            self._noise = total / float(rng.chisquare(len(self._left) + 2))
        self._n_sweeps += 1

    def variances(self) -> dict[str, float]:
        """Returns what chains must agree on, whatever the factors' order and rotation."""
        rows, spread = self._rows, self._bias_spread
        by_user, by_item = spread[0] * self._user_bias, spread[1] * self._item_bias
        liking = self._latent - self._left
        taste = liking - self._centre - by_user[rows.user] - by_item[rows.item]
        scaled = self._spread[:, None] * self._user_factors
        scaled = scaled - scaled.mean(axis=1, keepdims=True)
        people = np.einsum("ku,lu->kl", scaled, scaled) / scaled.shape[1]
        items = np.einsum("ki,li->kl", self._item_factors, self._item_factors)
        noise = {} if rows.noise is not None else {"noise": self._noise}
        return noise | {
            "taste on consumed pairs": float(taste.var()),
            "taste on all pairs": float((people * items).sum() / self._item_factors.shape[1]),
            "user bias": float(by_user.var()),
            "item bias": float(by_item.var()),
        }


def latent_ratings(
    liking: Floats, noise: float, lower: Floats, upper: Floats, rng: np.random.Generator
) -> Floats:
    """Returns draws from N(liking, noise²), each between its bounds."""
    low, high = (lower - liking) / noise, (upper - liking) / noise
    # Of an interval above the liking the mirror image is drawn: small probabilities are exact, and
    # those near 1 are not.
    is_above = low > 0
    low, high = np.where(is_above, -high, low), np.where(is_above, -low, high)
    below, width = ndtr(low), ndtr(high) - ndtr(low)
    normal = ndtri(np.clip(below + width * rng.random(len(liking)), 1e-300, 1 - 1e-16))
    normal = np.where(is_above, -normal, normal)
    return np.asarray(np.clip(liking + noise * normal, lower, upper))


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


@njit(nogil=True)
def _draw_all(
    rng: Any, left: Any, ids: Any, factors: Any, biases: Any, noise: float, is_free: bool
) -> float:
    """Draws everything but latent ratings and noise; returns how far the centre moved.

    `left` holds the residuals of the latent ratings, and is kept up to date.
    """
    user, item = ids
    user_factors, item_factors, spread, scale = factors
    user_bias, item_bias, bias_spread, ones = biases
    for k in range(len(spread)):
        user_factor, item_factor = user_factors[k], item_factors[k]
        mine = (left, user, item, user_factor, item_factor)
        spread[k] = _draw_side(rng, mine, spread[k], noise, scale[0], is_free)
        theirs = (left, item, user, item_factor, user_factor)
        spread[k] = _draw_side(rng, theirs, spread[k], noise, scale[0], is_free)
        _shift(rng, user_factor, item_factor, item_bias, spread[k] / bias_spread[1])
        _shift(rng, item_factor, user_factor, user_bias, spread[k] / bias_spread[0])
    people, items = (left, user, item, user_bias, ones), (left, item, user, item_bias, ones)
    bias_spread[0] = _draw_side(rng, people, bias_spread[0], noise, _BIAS_SPREAD, is_free)
    bias_spread[1] = _draw_side(rng, items, bias_spread[1], noise, _BIAS_SPREAD, is_free)
    moved = left.mean() + rng.normal() * math.sqrt(noise / len(left))
    left -= moved
    for bias, wide in ((user_bias, bias_spread[0]), (item_bias, bias_spread[1])):
        step = rng.normal() / math.sqrt(len(bias)) - bias.mean()
        bias += step
        moved -= wide * step
    if is_free:
        scale[0] = _draw_scale(rng, spread, scale[0])
    return moved


@njit(nogil=True)
def _draw_side(
    rng: Any, side: Any, spread: float, noise: float, scale: float, is_free: bool
) -> float:
    """Draws one factor or bias of all users, or of all items, and returns a draw of its spread."""
    left, own, other, numbers, others = side
    weight, pull = np.zeros(len(numbers)), np.zeros(len(numbers))
    for row in range(len(left)):
        factor = others[other[row]]
        left[row] += spread * numbers[own[row]] * factor
        weight[own[row]] += factor * factor
        pull[own[row]] += factor * left[row]
    weight /= noise
    pull /= noise
    if is_free:
        spread = _draw_spread(rng, weight, pull, spread, scale)
    for k in range(len(numbers)):
        precision = 1.0 + spread * spread * weight[k]
        numbers[k] = spread * pull[k] / precision + rng.normal() / math.sqrt(precision)
    for row in range(len(left)):
        left[row] -= spread * numbers[own[row]] * others[other[row]]
    return spread


@njit(nogil=True)
def _shift(rng: Any, numbers: Any, others: Any, bias: Any, ratio: float) -> None:
    """Shifts a factor of one side, and the biases of the other so that no liking changes."""
    precision = len(numbers) + ratio * ratio * (others * others).sum()
    step = (ratio * (others * bias).sum() - numbers.sum()) / precision
    step += rng.normal() / math.sqrt(precision)
    numbers += step
    bias -= ratio * step * others


@njit(nogil=True)
def _spread_density(spread: float, weight: Any, pull: Any, scale: float) -> float:
    """Returns the logarithm of a spread's density, its factors integrated out."""
    square, total, product = spread * spread, 0.0, 1.0
    for k in range(len(weight)):
        precision = 1.0 + square * weight[k]
        total += square * pull[k] * pull[k] / precision
        product *= precision
        if product > 1e200:
            total -= math.log(product)
            product = 1.0
    prior = math.log(1.0 + square / (scale * scale)) + 0.5 * square / (_WIDEST * _WIDEST)
    return 0.5 * (total - math.log(product)) - prior


@njit(nogil=True)
def _draw_spread(rng: Any, weight: Any, pull: Any, spread: float, scale: float) -> float:
    """Returns the next spread of a slice sampler with steps of a tenth."""
    level = _spread_density(spread, weight, pull, scale) + math.log(1.0 - rng.random())
    low = spread - 0.1 * rng.random()
    high = low + 0.1
    while low > 0.0 and _spread_density(low, weight, pull, scale) > level:
        low -= 0.1
    while _spread_density(high, weight, pull, scale) > level:
        high += 0.1
    low = max(low, 0.0)
    while True:
        found = low + (high - low) * rng.random()
        if _spread_density(found, weight, pull, scale) >= level or high - low < 1e-12:
            return max(found, 1e-6)
        if found < spread:
            low = found
        else:
            high = found


@njit(nogil=True)
def _scale_density(log_scale: float, spread: Any) -> float:
    """Returns the logarithm of the density of the logarithm of the spreads' common scale."""
    scale, widest = math.exp(log_scale), _WIDEST / math.sqrt(len(spread))
    total = log_scale * (1.0 - len(spread)) - math.log(1.0 + (scale / widest) ** 2)
    for k in range(len(spread)):
        total -= math.log(1.0 + (spread[k] / scale) ** 2)
    return total


@njit(nogil=True)
def _draw_scale(rng: Any, spread: Any, scale: float) -> float:
    """Returns the next common scale of a slice sampler with steps of 1 in the logarithm."""
    start = math.log(scale)
    level = _scale_density(start, spread) + math.log(1.0 - rng.random())
    low = start - rng.random()
    high = low + 1.0
    while _scale_density(low, spread) > level and low > -20.0:
        low -= 1.0
    while _scale_density(high, spread) > level and high < 20.0:
        high += 1.0
    while True:
        found = low + (high - low) * rng.random()
        if _scale_density(found, spread) >= level or high - low < 1e-12:
            return math.exp(found)
        if found < start:
            low = found
        else:
            high = found


keep_on_disk(_draw_all)
