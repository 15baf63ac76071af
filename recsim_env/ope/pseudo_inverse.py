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

import numpy as np
from numpy.typing import NDArray

from recsim_env.ope.checks import Floats


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
    size, n_actions = target_place.shape[1:]
    listed = _as_vectors(slates, n_actions)
    found = np.empty(len(logged))
    is_common = len(probabilities) == 1
    block = len(logged) if is_common else max(1, 10_000_000 // (size * n_actions) ** 2)
    for start in range(0, len(logged), block):
        rows = slice(start, start + block)
        chances = probabilities if is_common else probabilities[rows]
        seconds = np.einsum("ns,si,sj->nij", chances, listed, listed, optimize=True)
        inverse = np.linalg.pinv(seconds, rcond=1e-10, hermitian=True)
        means = target_place[rows].reshape(-1, size * n_actions)
        vectors = _as_vectors(logged[rows], n_actions)
        found[rows] = ((means[:, None] @ inverse)[:, 0] * vectors).sum(axis=1)
    return found


def _as_vectors(slates: NDArray[np.integer], n_actions: int) -> Floats:
    """Returns slates as zeros and ones, (n, slate_size * n_actions)."""
    is_shown = slates[:, :, None] == np.arange(n_actions)
    return is_shown.reshape(len(slates), -1).astype(np.float64)
