"""One sweep of the sampler of tastes: compiled loops over the rows of a log, person by person.

A side is all users or all items. Of one factor, a person's number is drawn from two sums over their
rows, of squares and of residuals; each loop over the rows takes a change of one side out of the
residuals and adds up these sums for the side that is drawn next, so that two loops draw a factor.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled
from recsim_env.data.calibration.taste_draws import (
    BIAS_SPREAD,
    cut_normal,
    draw_scale,
    draw_side,
    shift,
)


@compiled
def sweep_once(
    chance: Any, rows: Any, factors: Any, biases: Any, centre: float, noise: float, is_free: bool
) -> Any:
    """Draws everything once but the noise, and returns the centre and what the noise depends on.

    Args:
      chance: the generator of this chain, and a state of `uniform` that it drew: integers are not
        drawn here, as Numba takes seconds to compile how.
      rows: where each person's rows start, items, levels, edges of the levels, latent ratings, and
        residuals of these, the last two of which are drawn anew.
      factors: (n_factors, n) of both sides, their spreads, and the scale of the spreads.
      biases: of both sides, and their spreads.
      centre: what all likings have in common.
      noise: the variance of latent ratings about the liking.
      is_free: whether spreads are drawn.

    Returns:
      The centre, the sum of squared residuals, and the variance of tastes over the rows.
    """
    rng, state = chance
    start, item, _, _, _, left = rows
    user_factors, item_factors, spread, scale = factors
    user_bias, item_bias, bias_spread = biases
    n_factors, n_users, n_items = len(spread), len(user_bias), len(item_bias)
    ones = np.ones(max(n_users, n_items))
    user_sums, item_sums = np.empty((n_users, 2)), np.empty((n_items, 2))
    change, values = np.empty(n_users), np.empty((n_items, 2), np.float32)
    _copy(item_factors[0], values)
    _draw_latent(state, rows, values, math.sqrt(noise), user_sums)
    for k in range(n_factors):
        mine, theirs = user_factors[k], item_factors[k]
        spread[k] = draw_side(rng, user_sums, mine, change, (spread[k], noise, scale[0], is_free))
        _take_users(start, item, left, (change, mine, values), item_sums)
        spread[k] = draw_side(
            rng, item_sums, theirs, values[:, 0], (spread[k], noise, scale[0], is_free)
        )
        _copy(item_factors[k + 1] if k + 1 < n_factors else ones[:n_items], values)
        _take_items(start, item, left, (mine, values), user_sums)
        shift(rng, mine, theirs, item_bias, spread[k] / bias_spread[1])
        shift(rng, theirs, mine, user_bias, spread[k] / bias_spread[0])
    bias_spread[0] = draw_side(
        rng, user_sums, user_bias, change, (bias_spread[0], noise, BIAS_SPREAD, is_free)
    )
    _take_users(start, item, left, (change, ones, values), item_sums)
    bias_spread[1] = draw_side(
        rng, item_sums, item_bias, values[:, 0], (bias_spread[1], noise, BIAS_SPREAD, is_free)
    )
    if is_free:
        scale[0] = draw_scale(rng, spread, scale[0])
    return _finish(rng, rows, biases, values, centre, noise)


@compiled
def _copy(numbers: Any, values: Any) -> None:
    """Copies numbers of items; for an assignment to a slice, Numba compiles seconds of texts."""
    for k in range(len(numbers)):
        values[k, 1] = numbers[k]


@compiled
def _draw_latent(state: Any, rows: Any, values: Any, deviation: float, user_sums: Any) -> None:
    """Draws latent ratings between the edges of their levels; adds up the users' first factor."""
    start, item, level, edges, latent, left = rows
    precision = 1.0 / deviation
    for user in range(len(start) - 1):
        weight, pull = 0.0, 0.0
        for row in range(start[user], start[user + 1]):
            liking = np.float64(latent[row] - left[row])
            low = (edges[level[row]] - liking) * precision
            high = (edges[level[row] + 1] - liking) * precision
            residual = deviation * cut_normal(state, low, high)
            latent[row], left[row] = liking + residual, residual
            factor = values[item[row], 1]
            weight += factor * factor
            pull += factor * residual
        user_sums[user, 0], user_sums[user, 1] = weight, pull


@compiled
def _take_users(start: Any, item: Any, left: Any, users: Any, item_sums: Any) -> None:
    """Takes a change of users' numbers out of the residuals; adds up the sums of items."""
    change, mine, values = users
    item_sums[:] = 0.0
    for user in range(len(start) - 1):
        moved, factor = np.float32(change[user]), mine[user]
        square = factor * factor
        for row in range(start[user], start[user + 1]):
            which = item[row]
            residual = left[row] - moved * values[which, 1]
            left[row] = residual
            item_sums[which, 0] += square
            item_sums[which, 1] += factor * residual


@compiled
def _take_items(start: Any, item: Any, left: Any, items: Any, user_sums: Any) -> None:
    """Takes a change of items' numbers out of the residuals; adds up the next sums of users."""
    mine, values = items
    for user in range(len(start) - 1):
        weight, pull, own = 0.0, 0.0, np.float32(mine[user])
        for row in range(start[user], start[user + 1]):
            which = item[row]
            residual = left[row] - own * values[which, 0]
            left[row] = residual
            factor = values[which, 1]
            weight += factor * factor
            pull += factor * residual
        user_sums[user, 0], user_sums[user, 1] = weight, pull


@compiled
def _finish(
    rng: Any, rows: Any, biases: Any, values: Any, centre: float, noise: float
) -> tuple[float, float, float]:
    """Takes a change of items' biases out of the residuals, and draws the centre."""
    start, item, _, _, latent, left = rows
    user_bias, item_bias, wide = biases
    total, square, taste, taste_square = 0.0, 0.0, 0.0, 0.0
    for user in range(len(start) - 1):
        known = centre + wide[0] * user_bias[user]
        for row in range(start[user], start[user + 1]):
            which = item[row]
            residual = left[row] - values[which, 0]
            left[row] = residual
            total += residual
            square += residual * residual
            own = latent[row] - residual - known - wide[1] * item_bias[which]
            taste += own
            taste_square += own * own
    n = len(left)
    moved = total / n + rng.normal() * math.sqrt(noise / n)
    left -= np.float32(moved)
    square += moved * (n * moved - 2.0 * total)
    centre += moved
    for bias, spread in ((user_bias, wide[0]), (item_bias, wide[1])):
        step = rng.normal() / math.sqrt(len(bias)) - bias.mean()
        bias += step
        centre -= spread * step
    return centre, square, taste_square / n - (taste / n) ** 2


@compiled
def find_residuals(rows: Any, factors: Any, biases: Any, centre: float) -> None:
    """Writes what likings leave of latent ratings.

    Args:
      rows: where each person's rows start, items, latent ratings, and the residuals to write.
      factors: (n, n_factors) of users and of items.
      biases: of both.
      centre: what all likings have in common.
    """
    start, item, latent, left = rows
    user_factors, item_factors = factors
    for user in range(len(start) - 1):
        known = centre + biases[0][user]
        for row in range(start[user], start[user + 1]):
            liking = known + biases[1][item[row]]
            for k in range(user_factors.shape[1]):
                liking += user_factors[user, k] * item_factors[item[row], k]
            left[row] = latent[row] - liking
