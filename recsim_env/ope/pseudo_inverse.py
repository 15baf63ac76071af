"""Weights of slates for rewards that are sums over places, whether or not the parts are seen.

A slate s of K places and m actions is the vector 1_s of K m zeros and ones. With q the mean of 1_s
under the target policy, and G the mean of 1_s 1_s' under the logging policy, in one context,

    w(s) = q' G^+ 1_s

weights total rewards so that their mean is the target policy's, if the expected reward is a sum
over places of what each action is worth there, and if each action that the target shows at a place
is shown there by the logging policy at times. Weights may be negative, and vary with the number of
places where those of whole slates vary with its exponential.

Source: Swaminathan, Krishnamurthy, Agarwal, Dudík, Langford, Jose and Zitouni 2017, "Off-policy
  evaluation for slate recommendation".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsim_env.ope.checks import Floats

#: Matrices of as many rows at once hold at most so many numbers.
_MOST_NUMBERS = 10_000_000


def product_weights(place_weights: Floats) -> Floats:
    """Returns weights, (n,), where the logging policy fills places independently.

    Then w(s) = sum over places of (target / logging probability of its action) - (K - 1).

    Args:
      place_weights: (n, slate_size), target over logging probability of each place's action.

    >>> product_weights(np.array([[2.0, 0.5]]))
    array([1.5])
    """
    return np.asarray(place_weights.sum(axis=1) - (place_weights.shape[1] - 1))


def uniform_weights(target_place: Floats, target_shown: Floats, n_actions: int) -> Floats:
    """Returns weights, (n,), where the logging policy draws slates without repeats at random.

    G has three eigenvalues other than 0: K / m on constants, (m - K) / (m (m - 1)) on what all
    places share, and 1 / (m - 1) on the rest. Hence, for slates of K of m actions, with P the sum
    over places of the target's probability of the action there, and C the sum of its probabilities
    of showing it anywhere, over K, both less K / m,

        w(s) = 1 + (m - 1) (P - C) + m (m - 1) / (m - K) C

    where the last term is absent if K = m.

    Args:
      target_place: (n, slate_size), the target's probability of the logged action at its place.
      target_shown: (n, slate_size), of the logged action at any place.
      n_actions: how many there were to draw from, m.

    Raises:
      ValueError: slates have more places than there are actions.
    """
    size, m = target_place.shape[1], n_actions
    if not 1 <= size <= m or m < 2:
        raise ValueError(f"n_actions={m} is too few for slates of {size} without repeats")
    at_places = target_place.sum(axis=1) - size / m
    anywhere = target_shown.sum(axis=1) / size - size / m
    shared = m * (m - 1) / (m - size) * anywhere if size < m else 0.0
    return np.asarray(1.0 + (m - 1) * (at_places - anywhere) + shared)


def mixed_weights(
    logged: NDArray[np.integer],
    target_place: Floats,
    best: NDArray[np.integer],
    uniform_share: Floats,
) -> Floats:
    """Returns weights, (n,), where the logging policy shows one slate, and at times a uniform one.

    So logs who explores. With e the share of uniform slates, G_u their G, g the vector of the one
    slate, and B(a, s) = a' G_u^+ s, the pseudo-inverse of e G_u + (1 - e) g g' gives

        w(s) = (B(q, s) - (1 - e) B(q, g) B(g, s) / (e + (1 - e) B(g, g))) / e

    Args:
      logged: (n, slate_size), the logged slates, positions of actions, none twice.
      target_place: (n, slate_size, n_actions), how likely the target policy shows each action at
        each place.
      best: (n, slate_size), the one slate.
      uniform_share: (n,), above 0.

    Source: as above; Sherman and Morrison 1950, "Adjustment of an inverse matrix corresponding to a
      change in one element of a given matrix".
    """
    n_actions = target_place.shape[2]
    is_best = (best[:, :, None] == np.arange(n_actions)).astype(np.float64)
    to_logged, to_best = _uniform_form(target_place, logged), _uniform_form(target_place, best)
    from_best, itself = _uniform_form(is_best, logged), _uniform_form(is_best, best)
    rest = 1.0 - uniform_share
    taken_off = rest * to_best * from_best / (uniform_share + rest * itself)
    return np.asarray((to_logged - taken_off) / uniform_share)


def _uniform_form(places: Floats, slates: NDArray[np.integer]) -> Floats:
    """Returns B, (n,), of chances of actions at places, (n, slate_size, n_actions), and slates."""
    at_places = np.take_along_axis(places, slates[:, :, None], axis=2)[:, :, 0]
    anywhere = np.take_along_axis(places.sum(axis=1), slates, axis=1)
    return uniform_weights(at_places, anywhere, places.shape[2])


def pseudo_inverse_weights(
    logged: NDArray[np.integer],
    target_place: Floats,
    slates: NDArray[np.integer],
    probabilities: Floats,
) -> Floats:
    """Returns weights, (n,), for any logging policy whose slates can be listed.

    Args:
      logged: (n, slate_size), the logged slates, positions of actions.
      target_place: (n, slate_size, n_actions), how likely the target policy shows each action at
        each place.
      slates: (n_slates, slate_size), all slates that the logging policy may show, or many drawn.
      probabilities: (n, n_slates), of those in each row's context; (1, n_slates) if the same in
        all.

    Source: as above.
    Differs: q outside of the range of G, what the logging policy never shows, is left out.
    """
    listed = _as_vectors(slates, target_place.shape[2])
    is_common = len(probabilities) == 1

    def seconds(rows: slice) -> Floats:
        chances = probabilities if is_common else probabilities[rows]
        return np.einsum("ns,si,sj->nij", chances, listed, listed, optimize=True)

    return _by_seconds(logged, target_place, seconds, is_common=is_common)


def tied_weights(
    logged: NDArray[np.integer],
    target_place: Floats,
    best_place: Floats,
    uniform_share: Floats,
) -> Floats:
    """Returns weights, (n,), where the logging policy ranks, ties at random, or draws uniformly.

    As `mixed_weights`, of which it is the general case: G is computed, and inverted for each row.

    Args:
      logged, target_place, uniform_share: as of `mixed_weights`.
      best_place: (n, slate_size, n_actions), how likely the ranking shows each action at each
        place: equal chances among the actions of a tie, at as many places as these take.

    Source: as above.
    """
    uniform = _ranked_seconds(np.full((1, *best_place.shape[1:]), 1.0 / best_place.shape[2]))

    def seconds(rows: slice) -> Floats:
        share = uniform_share[rows, None, None]
        return np.asarray(share * uniform + (1.0 - share) * _ranked_seconds(best_place[rows]))

    return _by_seconds(logged, target_place, seconds, is_common=False)


def _ranked_seconds(places: Floats) -> Floats:
    """Returns the means of 1_s 1_s', (n, K m, K m), of rankings with ties, by their places."""
    n, size, m = places.shape
    found = np.empty((n, size, m, size, m))
    off_diagonal = 1.0 - np.eye(m)
    for k in range(size):
        found[:, k, :, k] = places[:, k, :, None] * np.eye(m)
        for other in range(k):
            first, second = places[:, k, :, None], places[:, other, None, :]
            count = np.maximum((places[:, k] > 0.0).sum(axis=1), 2)[:, None, None]
            is_tie = (places[:, k] == places[:, other]).all(axis=1)[:, None, None]
            among = (first > 0.0) * (second > 0.0) * off_diagonal / (count * (count - 1))
            pairs = np.where(is_tie, among, first * second)
            found[:, k, :, other] = pairs
            found[:, other, :, k] = pairs.transpose(0, 2, 1)
    return found.reshape(n, size * m, size * m)


def _by_seconds(
    logged: NDArray[np.integer],
    target_place: Floats,
    seconds: Callable[[slice], Floats],
    *,
    is_common: bool,
) -> Floats:
    """Returns weights by G of some rows, (n, K m, K m), or one that they have in common."""
    size, n_actions = target_place.shape[1:]
    found = np.empty(len(logged))
    block = len(logged) if is_common else max(1, _MOST_NUMBERS // (size * n_actions) ** 2)
    for start in range(0, len(logged), block):
        rows = slice(start, start + block)
        inverse = np.linalg.pinv(seconds(rows), rcond=1e-10, hermitian=True)
        means = target_place[rows].reshape(-1, size * n_actions)
        vectors = _as_vectors(logged[rows], n_actions)
        found[rows] = ((means[:, None] @ inverse)[:, 0] * vectors).sum(axis=1)
    return found


def _as_vectors(slates: NDArray[np.integer], n_actions: int) -> Floats:
    """Returns slates as zeros and ones, (n, slate_size * n_actions)."""
    is_shown = slates[:, :, None] == np.arange(n_actions)
    return is_shown.reshape(len(slates), -1).astype(np.float64)
