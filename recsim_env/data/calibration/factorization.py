"""Biased matrix factorization fitted by alternating least squares."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from recsim_env.compiler.cores import n_threads
from recsim_env.progress import progress

Floats = NDArray[np.float64]

# Rows of a log of which factors are laid side by side at once.
_BLOCK = 2**18


@dataclass(frozen=True)
class FactorModel:
    """A matrix factorization: liking = mean + biases + user factors · item factors.

    Attributes:
      global_mean: the mean rating of the log.
      user_bias: (n_users,), how much kinder than average a user rates.
      item_bias: (n_items,), how much better than average an item is rated.
      user_factors: (n_users, n_factors), tastes; n_factors is 0 in a model of biases only.
      item_factors: (n_items, n_factors).
    """

    global_mean: float
    user_bias: Floats
    item_bias: Floats
    user_factors: Floats
    item_factors: Floats

    def liking(self, user: ArrayLike, item: ArrayLike) -> Floats:
        """Returns the predicted rating of each pair; `user` and `item` broadcast together."""
        user, item = np.asarray(user), np.asarray(item)
        taste = products(self.user_factors, self.item_factors, user, item)
        return np.asarray(self.global_mean + self.user_bias[user] + self.item_bias[item] + taste)


def products(
    users: Floats, items: Floats, user: NDArray[np.integer], item: NDArray[np.integer]
) -> Floats:
    """Returns the inner products of rows of two matrices; `user` and `item` broadcast together."""
    if user.ndim != 1 or user.shape != item.shape:
        return np.asarray(np.einsum("...k,...k->...", users[user], items[item]))
    total = np.empty(len(user))
    for first in range(0, len(user), _BLOCK):  # the rows of a long log do not fit memory at once
        part = slice(first, first + _BLOCK)
        np.einsum("nk,nk->n", users[user[part]], items[item[part]], out=total[part])
    return total


def fit_factors(
    ratings: sparse.csr_array,
    *,
    n_factors: int = 16,
    factor_penalty: float = 8.0,
    bias_penalty: float = 4.0,
    n_sweeps: int = 15,
    start: FactorModel | None = None,
    seed: int = 0,
) -> FactorModel:
    """Returns the biased factor model of a ratings matrix.

    Minimises, over the stored entries r_ui,
    sum (r_ui - mean - b_u - b_i - p_u·q_i)^2 + bias_penalty |b|^2 + factor_penalty (|p|^2 + |q|^2)
    by solving in turn for every user's (p_u, b_u) and every item's (q_i, b_i) exactly.

    Args:
      ratings: (n_users, n_items), every stored entry is a rating, zeros included.
      n_factors: 0 fits the biases alone.
      factor_penalty: ridge on the factors: noise variance over taste variance, to a Bayesian.
      bias_penalty: the same for the biases.
      n_sweeps: how many times users and items are solved in turn.
      start: a model of as many factors whose items are the start; None: random ones.
      seed: of the random start.

    The ratings are divided by their standard deviation first, so that a penalty means the same on
    every scale.

    Source: Koren, Bell and Volinsky 2009, "Matrix factorization techniques for recommender
      systems" (the model); Zhou et al. 2008, "Large-scale parallel collaborative filtering for the
      Netflix prize" (alternating least squares).
    Differs: the ridge does not grow with the number of ratings; biases are solved with the factors.
    """
    by_user, global_mean, scale = standardised(ratings)
    by_item = sparse.csr_array(by_user.T)
    n_users, n_items = by_user.shape
    penalty = np.append(np.full(n_factors, factor_penalty), bias_penalty)
    spread = np.append(np.full(n_factors, np.sqrt(scale)), scale)
    items = np.zeros((n_items, n_factors + 1))
    if start is None:
        items[:, :-1] = np.random.default_rng(seed).normal(scale=0.1, size=(n_items, n_factors))
    else:
        items[:] = np.column_stack([start.item_factors, start.item_bias]) / spread
    users = np.zeros((n_users, n_factors + 1))
    for _ in progress(iterable=range(n_sweeps), desc=f"fitting {n_factors} factors", leave=False):
        users = solve_side(by_user, items, penalty)
        items = solve_side(by_item, users, penalty)
    users, items = users * spread, items * spread
    return FactorModel(global_mean, users[:, -1], items[:, -1], users[:, :-1], items[:, :-1])


def taste_sd(model: FactorModel) -> float:
    """Returns how far people differ in taste about one item, in units of the rating.

    The standard deviation over users of user factors · item factors, root mean squared over items.
    """
    tastes = model.user_factors - model.user_factors.mean(axis=0)
    spread = tastes.T @ tastes / len(tastes)
    variance = np.einsum("ik,kl,il->i", model.item_factors, spread, model.item_factors)
    return float(np.sqrt(variance.mean()))


def consumed_taste_sd(
    model: FactorModel, user: NDArray[np.integer], item: NDArray[np.integer]
) -> float:
    """Returns how far tastes vary over pairs that were consumed, in units of the rating.

    The standard deviation of (user factors - their mean) · item factors, each pair counting once.
    """
    tastes = model.user_factors - model.user_factors.mean(axis=0)
    return float(products(tastes, model.item_factors, user, item).std())


def standardised(ratings: sparse.csr_array) -> tuple[sparse.csr_array, float, float]:
    """Returns the ratings with mean 0 and standard deviation 1, the mean, and the deviation."""
    result = sparse.csr_array(ratings, dtype=np.float64, copy=True)
    mean, scale = float(result.data.mean()), float(result.data.std()) or 1.0
    result.data = (result.data - mean) / scale
    return result, mean, scale


def solve_side(residuals: sparse.csr_array, others: Floats, penalty: Floats) -> Floats:
    """Returns the ridge solution [factors, bias] of every row, the other side being fixed.

    Args:
      residuals: (n_rows, n_others), ratings less their mean.
      others: (n_others, n_factors + 1), factors and bias of the other side.
      penalty: (n_factors + 1,), the ridge.
    """
    from recsim_env.data.calibration.ridge import solve_rows

    matrix = (
        residuals.indptr.astype(np.int64, copy=False),
        residuals.indices.astype(np.int32, copy=False),
        residuals.data,
    )
    solution = np.empty((residuals.shape[0], others.shape[1]))
    edges = _equal_parts(matrix[0], n_threads())
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        parts = [
            pool.submit(solve_rows, matrix, others, penalty, solution, *part)
            for part in itertools.pairwise(edges)
        ]
        for part in parts:
            part.result()
    return solution


def _equal_parts(start: NDArray[np.int64], n_parts: int) -> list[int]:
    """Returns where to cut rows into parts of about as many entries."""
    wanted = start[-1] * np.arange(1, n_parts) // n_parts
    return [0, *np.searchsorted(start, wanted).tolist(), len(start) - 1]
