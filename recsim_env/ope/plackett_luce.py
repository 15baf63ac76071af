"""Probabilities of slates that are drawn place by place by softmax, exactly, in NumPy.

With s_i the logit of action i, place k shows action a, of those that no place above shows, with
probability exp(s_a) / (sum of exp(s_j) over those). Agents that learn such slates have the same in
PyTorch, `recsim_env.agents.networks.plackett_luce`.

Source: Luce 1959, "Individual choice behavior"; Plackett 1975, "The analysis of permutations".
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsim_env.ope.checks import Floats

#: As many sets of actions, at most, are gone through for each row.
_MOST_SETS = 100_000

#: Logits so far below the largest are as good as any lower; below, exp returns 0.
_LOWEST = -600.0


def prefix_probabilities(logits: ArrayLike, slates: NDArray[np.integer]) -> Floats:
    """Returns how likely each slate begins as it does, down to each place, (n, slate_size).

    The last column is the probability of the slate.

    Args:
      logits: (n, n_actions), or (1, n_actions) if the same for all.
      slates: (n, slate_size), positions of actions, none twice.

    >>> prefix_probabilities([[0.0, 0.0, 0.0]], np.array([[2, 0]])).round(3)
    array([[0.333, 0.167]])
    """
    logits = np.asarray(logits, dtype=np.float64)
    left = np.array(np.broadcast_to(logits, (len(slates), logits.shape[1])))  # without the taken
    rows, chances = np.arange(len(left)), np.empty(slates.shape)
    for place, action in enumerate(slates.T):
        odds = np.exp(left - left.max(axis=1, keepdims=True))
        chances[:, place] = odds[rows, action] / odds.sum(axis=1)
        left[rows, action] = -np.inf
    return np.asarray(np.cumprod(chances, axis=1))


def place_probabilities(logits: ArrayLike, slate_size: int) -> Floats:
    """Returns how likely each action stands at each place, (n, slate_size, n_actions).

    Exact: the chance that the first k places hold a set of actions, in any order, follows from
    those of sets with one action less, and there are far fewer sets than orders.

    Args:
      logits: (n, n_actions).
      slate_size: places of a slate, up to n_actions.

    Raises:
      ValueError: there are too many sets.
    """
    logits = np.asarray(logits, dtype=np.float64)
    odds = np.exp(np.maximum(logits - logits.max(axis=1, keepdims=True), _LOWEST))
    n, n_actions = odds.shape
    if not 1 <= slate_size <= n_actions:
        raise ValueError(f"slate_size={slate_size} is not in 1 to {n_actions}, the actions")
    if comb(n_actions, slate_size - 1) > _MOST_SETS:
        raise ValueError(
            f"slates of {slate_size} of {n_actions} actions have too many sets to go through; "
            "draw slates and count, or lower slate_size"
        )
    found = np.zeros((n, slate_size, n_actions))
    sets: list[tuple[int, ...]] = [()]
    chances = np.ones((n, 1))
    for place in range(slate_size):
        is_left = _others(sets, n_actions)
        rate = chances / (odds @ is_left.T)
        found[:, place] = odds * (rate @ is_left)
        if place + 1 < slate_size:
            sets, chances = _extended(sets, rate, odds)
    return found


def _others(sets: list[tuple[int, ...]], n_actions: int) -> NDArray[np.bool_]:
    """Returns which actions each set lacks, (n_sets, n_actions)."""
    is_left = np.ones((len(sets), n_actions), bool)
    for row, members in enumerate(sets):
        is_left[row, list(members)] = False
    return is_left


def _extended(
    sets: list[tuple[int, ...]], rate: Floats, odds: Floats
) -> tuple[list[tuple[int, ...]], Floats]:
    """Returns all sets with one action more, and how likely each fills the first places."""
    position = {members: at for at, members in enumerate(sets)}
    larger = list(combinations(range(odds.shape[1]), len(sets[0]) + 1))
    chances = np.zeros((len(odds), len(larger)))
    for last in range(len(larger[0])):  # which member came last
        before = [position[members[:last] + members[last + 1 :]] for members in larger]
        action = [members[last] for members in larger]
        chances += rate[:, before] * odds[:, action]
    return larger, chances
