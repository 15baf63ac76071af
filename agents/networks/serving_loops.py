"""The slates that gain most, person by person, on the CPU.

Import this module where it is used: it compiles.
"""

from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled


@compiled
def best_slates(attraction: Any, gain: Any, none: Any, slates: Any) -> None:
    """Writes what `serving.optimal` returns.

    Args:
      attraction, gain: (n, n_candidates).
      none: the attraction of choosing none, of the same type.
      slates: (n, slate_size), is written.
    """
    score, is_taken = np.empty_like(gain[0]), np.empty(gain.shape[1], np.bool_)
    slate = np.empty(slates.shape[1], np.int64)
    for i in range(gain.shape[0]):
        _fill(attraction[i], gain[i], none - none, score, is_taken, slates[i])
        best = _gain_of(attraction[i], gain[i], none, slates[i])
        while True:
            _fill(attraction[i], gain[i], best, score, is_taken, slate)
            reached = _gain_of(attraction[i], gain[i], none, slate)
            if not reached > best:
                break
            best = reached
            for place in range(slate.shape[0]):
                slates[i, place] = slate[place]


@compiled
def _fill(attraction: Any, gain: Any, least: Any, score: Any, is_taken: Any, slate: Any) -> None:
    """Writes the places of the largest v (g - least), largest first, of equal ones the first.

    Loops and no expressions of whole arrays, which take seconds to compile.
    """
    for k in range(score.shape[0]):
        score[k], is_taken[k] = attraction[k] * (gain[k] - least), False
    for place in range(slate.shape[0]):
        found = -1
        for k in range(score.shape[0]):
            if not is_taken[k] and (found < 0 or score[k] > score[found]):
                found = k
        is_taken[found] = True
        slate[place] = found


@compiled
def _gain_of(attraction: Any, gain: Any, none: Any, slate: Any) -> Any:
    """Returns what a slate gains."""
    above, below = none - none, none
    for k in slate:
        above += attraction[k] * gain[k]
        below += attraction[k]
    return above / below
