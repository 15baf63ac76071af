"""What a sampler of tastes draws: latent ratings, the numbers of one side, and their spreads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled

#: In units of the ratings' standard deviation: what a spread of biases is like before any rating
#: was seen, and beyond what no spread goes far.
BIAS_SPREAD, WIDEST = 0.5, 0.5

# Between bounds further apart than this, about the centre, plain normal draws are seldom refused.
_WIDE = 1.25


@compiled
def uniform(state: Any) -> float:
    """Returns a number from [0, 1), and advances a state, which is an array of one number.

    Numba's own generators take several times as long.

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = state[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return np.float64(bits >> np.uint64(11)) * 2.0**-53


@compiled
def cut_normal(state: Any, low: float, high: float) -> float:
    """Returns a draw from N(0, 1) between two bounds, however far from 0.

    Args:
      state: of `uniform`.
      low, high: either may be infinite.

    Source: Robert 1995, "Simulation of truncated normal variables".
    """
    if low > 0.0:
        return _beyond(state, low, high)
    if high < 0.0:
        return -_beyond(state, -high, -low)
    if high - low > _WIDE:
        while True:
            size = math.sqrt(-2.0 * math.log(1.0 - uniform(state)))
            angle = 2.0 * math.pi * uniform(state)
            for found in (size * math.cos(angle), size * math.sin(angle)):
                if low <= found <= high:
                    return found
    while True:
        found = low + (high - low) * uniform(state)
        if _passes(state, 0.5 * found * found):
            return found


@compiled
def _passes(state: Any, fall: float) -> bool:
    """Returns True with probability exp(-fall); the exponential is seldom needed."""
    draw = uniform(state)
    return draw < 1.0 - fall or draw < math.exp(-fall)


@compiled
def _beyond(state: Any, low: float, high: float) -> float:
    """Returns a draw from N(0, 1) between two bounds above 0."""
    if (high - low) * (high + low) < 2.0:
        while True:
            found = low + (high - low) * uniform(state)
            if _passes(state, 0.5 * (found - low) * (low + found)):
                return found
    rate = 0.5 * (low + math.sqrt(low * low + 4.0))
    share = -math.expm1(-rate * (high - low))
    while True:
        found = low - math.log1p(-share * uniform(state)) / rate
        if _passes(state, 0.5 * (found - rate) ** 2):
            return found


@compiled
def draw_side(rng: Any, sums: Any, numbers: Any, change: Any, about: Any) -> float:
    """Draws one factor or bias of a side, says how it changed, and returns a draw of its spread."""
    spread, noise, scale, is_free = about
    old = spread
    weight, pull = np.empty(len(numbers)), np.empty(len(numbers))
    for k in range(len(numbers)):
        weight[k] = sums[k, 0] / noise
        pull[k] = sums[k, 1] / noise + spread * numbers[k] * weight[k]
    if is_free:
        spread = _draw_spread(rng, weight, pull, spread, scale)
    for k in range(len(numbers)):
        precision = 1.0 + spread * spread * weight[k]
        number = spread * pull[k] / precision + rng.normal() / math.sqrt(precision)
        change[k] = spread * number - old * numbers[k]
        numbers[k] = number
    return spread


@compiled
def shift(rng: Any, numbers: Any, others: Any, bias: Any, ratio: float) -> None:
    """Shifts a factor of one side, and the biases of the other so that no liking changes."""
    precision = len(numbers) + ratio * ratio * (others * others).sum()
    step = (ratio * (others * bias).sum() - numbers.sum()) / precision
    step += rng.normal() / math.sqrt(precision)
    numbers += step
    bias -= ratio * step * others


@compiled
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
    prior = math.log(1.0 + square / (scale * scale)) + 0.5 * square / (WIDEST * WIDEST)
    return 0.5 * (total - math.log(product)) - prior


@compiled
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


@compiled
def _scale_density(log_scale: float, spread: Any) -> float:
    """Returns the logarithm of the density of the logarithm of the spreads' common scale."""
    scale, widest = math.exp(log_scale), WIDEST / math.sqrt(len(spread))
    total = log_scale * (1.0 - len(spread)) - math.log(1.0 + (scale / widest) ** 2)
    for k in range(len(spread)):
        total -= math.log(1.0 + (spread[k] / scale) ** 2)
    return total


@compiled
def draw_scale(rng: Any, spread: Any, scale: float) -> float:
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


@compiled
def draw_turn(rng: Any, squares: Any, spread: Any) -> Any:
    """Returns a rotation of factors, drawn plane by plane.

    Args:
      rng: of the chain.
      squares: (n_factors, n_factors), the products of the factors of one side, spreads included;
        they are turned too.
      spread: (n_factors,), of normal laws of mean 0 that these factors follow.
    """
    turn = np.eye(len(spread))
    for j in range(len(spread)):
        for k in range(j + 1, len(spread)):
            steep = 0.5 * (1.0 / spread[k] ** 2 - 1.0 / spread[j] ** 2)
            along = 0.5 * steep * (squares[j, j] - squares[k, k])
            across = steep * squares[j, k]
            angle = math.atan2(across, along) + _von_mises(rng, math.hypot(along, across))
            angle *= 0.5
            cosine, sine = math.cos(angle), math.sin(angle)
            _turn_rows(turn, j, k, cosine, sine)
            _turn_rows(squares, j, k, cosine, sine)
            _turn_rows(squares.T, j, k, cosine, sine)
    return turn


@compiled
def _von_mises(rng: Any, concentration: float) -> float:
    """Returns an angle about 0 with density proportional to exp(concentration · cos(angle)).

    Source: Best and Fisher 1979, "Efficient simulation of the von Mises distribution".
    """
    if concentration < 1e-6:
        return math.pi * (2.0 * rng.random() - 1.0)
    if concentration > 1e6:
        return rng.normal() / math.sqrt(concentration)
    half = 1.0 + math.sqrt(1.0 + 4.0 * concentration * concentration)
    share = (half - math.sqrt(2.0 * half)) / (2.0 * concentration)
    ratio = (1.0 + share * share) / (2.0 * share)
    while True:
        point, draw = math.cos(math.pi * rng.random()), 1.0 - rng.random()
        cosine = (1.0 + ratio * point) / (ratio + point)
        excess = concentration * (ratio - cosine)
        if excess * (2.0 - excess) > draw or math.log(excess / draw) + 1.0 >= excess:
            return math.copysign(math.acos(min(1.0, cosine)), rng.random() - 0.5)


@compiled
def _turn_rows(matrix: Any, j: int, k: int, cosine: float, sine: float) -> None:
    """Turns two rows of a matrix into one another."""
    for column in range(matrix.shape[1]):
        first, second = matrix[j, column], matrix[k, column]
        matrix[j, column] = cosine * first + sine * second
        matrix[k, column] = cosine * second - sine * first


@compiled
def draw_spreads(rng: Any, squares: Any, n: int, spread: Any, scale: float) -> None:
    """Draws the spread of each factor given its n numbers, of which `squares` are the sums."""
    for k in range(len(spread)):
        start = math.log(spread[k])
        level = _own_density(start, squares[k], n, scale) + math.log(1.0 - rng.random())
        width = 2.0 / math.sqrt(n)
        low = start - width * rng.random()
        high = low + width
        while _own_density(low, squares[k], n, scale) > level and low > -20.0:
            low -= width
        while _own_density(high, squares[k], n, scale) > level and high < 20.0:
            high += width
        while True:
            found = low + (high - low) * rng.random()
            if _own_density(found, squares[k], n, scale) >= level or high - low < 1e-12:
                break
            if found < start:
                low = found
            else:
                high = found
        spread[k] = max(math.exp(found), 1e-6)


@compiled
def _own_density(log_spread: float, square: float, n: int, scale: float) -> float:
    """Returns the logarithm of the density of a spread's logarithm, given n numbers of its law."""
    wide = math.exp(2.0 * log_spread)
    prior = math.log(1.0 + wide / (scale * scale)) + 0.5 * wide / (WIDEST * WIDEST)
    return log_spread * (1.0 - n) - 0.5 * square / wide - prior
