"""Tastes drawn from what a log leaves possible, rather than the best guess of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.factorization import FactorModel, solve_side, standardised

Floats = NDArray[np.float64]

# Enough for the variances to settle when the sampler starts at a ridge solution.
_N_SWEEPS = 100

# Every variance has an inverse gamma prior that weighs as much as two numbers of this variance.
_PRIOR_VARIANCE = 0.01


def draw_factors(
    ratings: sparse.csr_array, start: FactorModel, *, n_sweeps: int = _N_SWEEPS, seed: int = 0
) -> FactorModel:
    """Returns one draw of everybody's tastes, and of all items, given the ratings.

    A ridge solution is a posterior mean: the fewer ratings a person gave, the nearer it lies to
    nobody's taste, and a population of such people is more alike than the real one. One draw has
    the variance between people that the ratings speak for; where they say little, the draw says
    something definite, and another seed something else. A draw predicts worse than the mean.

    The model is r_ui = mean + b_u + b_i + p_u·q_i + noise, with p_uk and q_ik ~ N(0, v_k), and
    biases of users and of items normal about means of their own. A Gibbs sampler draws, in turn,
    all users given the items, all items given the users, and the variances, the noise's included.
    One variance per factor lets the data say how many factors matter.

    Args:
      ratings: (n_users, n_items), every stored entry is a rating, zeros included.
      start: a fit of the same ratings, where the sampler starts.
      n_sweeps: how often everything is drawn.
      seed: of all draws.

    Source: Salakhutdinov and Mnih 2008, "Bayesian probabilistic matrix factorization using Markov
      chain Monte Carlo"; the use of draws in place of means: Rubin 1987, "Multiple imputation for
      nonresponse in surveys".
    Differs: factors are independent a priori, with mean 0 and one variance for users and items;
      biases are apart from them.
    """
    rng = np.random.default_rng(seed)
    by_user, mean, scale = standardised(ratings)
    by_item = sparse.csr_array(by_user.T)
    n_factors = start.user_factors.shape[1]
    spread = np.append(np.full(n_factors, np.sqrt(scale)), scale)
    users = np.column_stack([start.user_factors, start.user_bias]) / spread
    items = np.column_stack([start.item_factors, start.item_bias]) / spread
    for _ in range(n_sweeps):
        noise = _draw_variance(rng, _residuals(by_user, users, items))
        factors = [
            _draw_variance(rng, np.append(users[:, k], items[:, k])) for k in range(n_factors)
        ]
        users = _draw_side(rng, by_user, items, users[:, -1], noise, factors)
        items = _draw_side(rng, by_item, users, items[:, -1], noise, factors)
    users, items = users * spread, items * spread
    return FactorModel(mean, users[:, -1], items[:, -1], users[:, :-1], items[:, :-1])


def _draw_side(
    rng: np.random.Generator,
    residuals: sparse.csr_array,
    others: Floats,
    bias: Floats,
    noise: float,
    factors: list[float],
) -> Floats:
    """Returns [factors, bias] of every row, drawn given the other side and the variances."""
    variance = _draw_variance(rng, bias - bias.mean())
    centre = bias.mean() + np.sqrt(variance / len(bias)) * rng.normal()
    scatter = np.sqrt(noise) * rng.normal(size=(len(bias), others.shape[1]))
    penalty = noise / np.append(factors, variance)
    return solve_side(residuals, others, penalty, centre=float(centre), scatter=scatter)


def _draw_variance(rng: np.random.Generator, numbers: Floats) -> float:
    """Returns a draw of the variance that numbers of mean 0 come from."""
    total = float(numbers @ numbers) + 2 * _PRIOR_VARIANCE
    return total / float(rng.chisquare(len(numbers) + 2))


def _residuals(by_user: sparse.csr_array, users: Floats, items: Floats) -> Floats:
    """Returns what the biases and the factors leave of every rating."""
    n_ratings = np.diff(by_user.indptr)
    residuals = by_user.data - np.repeat(users[:, -1], n_ratings) - items[by_user.indices, -1]
    user = np.repeat(np.arange(len(users)), n_ratings)
    for k in range(users.shape[1] - 1):
        residuals -= users[user, k] * items[by_user.indices, k]
    return np.asarray(residuals)
