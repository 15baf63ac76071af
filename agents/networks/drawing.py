"""Slates drawn by scores, and how likely they are, in compiled loops.

Import this module where it is used: it compiles.
"""

import math
from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled

# Candidates that are left, but nearly never shown, weigh this much.
_LEAST = 1e-300


def drawn(
    scores: np.ndarray,
    redundancy: np.ndarray | None,
    slate_size: int,
    rng: np.random.Generator | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns slates as `PlackettLuce` draws them, (n, slate_size), and their log-probabilities.

    Args:
      scores: (n, n_candidates).
      redundancy: (n, n_candidates, n_candidates), what a placed one takes off those that follow;
        None where scores stand alone.
      slate_size: places.
      rng: draws them; None fills each place with the likeliest, of equal ones the first.
    """
    n, n_candidates = scores.shape
    less = np.empty((0, 0, 0), scores.dtype) if redundancy is None else redundancy
    n_draws = 1 if redundancy is None else slate_size
    noise = np.zeros((n_draws, n, n_candidates), np.float32)
    if rng is not None:
        noise = np.stack([gumbel((n, n_candidates), rng) for _ in range(n_draws)])
    slates, log_prob = np.empty((n, slate_size), np.int64), np.empty(n, np.float32)
    fill(scores, less, noise, slates, log_prob)
    return slates, log_prob


def gumbel(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Returns Gumbel noise in single precision, always finite."""
    drawn = rng.standard_exponential(shape, np.float32)
    return -np.log(np.maximum(drawn, np.finfo(np.float32).tiny))


@compiled
def fill(scores: Any, redundancy: Any, noise: Any, slates: Any, log_prob: Any) -> None:
    """Fills places in turn with the highest sum of score and noise.

    Args:
      scores, redundancy: as of `drawn`; empty where scores stand alone.
      noise: (1 or slate_size, n, n_candidates), Gumbel's, of all places or of each.
      slates, log_prob: are written.
    """
    n, n_candidates = scores.shape
    is_alone = len(redundancy) == 0
    left, weight = np.empty_like(scores[0]), np.empty(n_candidates)
    is_taken = np.empty(n_candidates, np.bool_)
    for i in range(n):
        is_taken[:] = False
        left[:] = scores[i]
        found, most = 0.0, 0.0
        for place in range(slates.shape[1]):
            best, highest = -1, -np.inf
            for j in range(n_candidates):
                value = left[j] + noise[place if len(noise) > 1 else 0, i, j]
                if not is_taken[j] and (best < 0 or value > highest):
                    best, highest = j, value
            if place == 0 or not is_alone:
                most = left[best]
                for j in range(n_candidates):
                    if not is_taken[j]:
                        most = max(most, left[j])
                for j in range(n_candidates):
                    weight[j] = 0.0 if is_taken[j] else math.exp(left[j] - most)
            found += left[best] - most - math.log(max(weight.sum(), _LEAST))
            weight[best] = 0.0
            is_taken[best] = True
            if not is_alone:
                for j in range(n_candidates):
                    left[j] -= redundancy[i, best, j]
            slates[i, place] = best
        log_prob[i] = found
