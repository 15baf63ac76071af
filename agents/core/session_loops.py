"""What agents remember of sessions, person by person, in compiled loops.

The memory of a session is a row: `SESSION`, `TRACES`, what was shown, moments and totals, as
`SessionMemory` lays them out. Import this module where it is used: it compiles.
"""

from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@compiled
def add_responses(
    memory: Any, response: Any, n_features: int, scale: Any, news: Any, ridge: Any
) -> None:
    """Adds what people did with their last slates to the memories of their sessions.

    Args:
      memory: (n, size), is changed.
      response: (n, slate_size, n_columns).
      n_features: of candidates; 0 where they are not seen.
      scale: sums are divided by it.
      news: how much of a running mean is new.
      ridge: of the slopes.
    """
    n, n_places, n_columns = response.shape
    scale, news, ridge = np.float32(scale), np.float32(news), np.float32(ridge)
    of_traces = 1 + 2 * n_columns
    of_shown = of_traces + (2 + n_columns) * n_features
    of_moments = of_shown + n_places * n_features
    of_totals = of_moments + (2 + n_columns) * n_features
    clicked = np.empty(n_columns, np.float32)
    for i in range(n):
        row, given = memory[i], response[i]
        row[0] += _ONE / scale
        n_shown = row[0] * (scale * np.float32(n_places))
        clicked[:] = _ZERO
        for place in range(n_places):
            is_clicked = given[place, 0] > _ZERO
            for column in range(n_columns):
                row[of_totals + column] += given[place, column]
                if is_clicked:
                    clicked[column] += given[place, column]
        for column in range(n_columns):
            row[1 + column] += clicked[column] / scale
            mean = 1 + n_columns + column
            row[mean] += news * (clicked[column] - row[mean])
        for k in range(n_features):
            liked = shown = squares = _ZERO
            for place in range(n_places):
                feature = row[of_shown + place * n_features + k]
                shown += feature
                squares += feature * feature
                if given[place, 0] > _ZERO:
                    liked += feature
            row[of_traces + k] += news * (liked - row[of_traces + k])
            row[of_traces + n_features + k] += news * (shown - row[of_traces + n_features + k])
            row[of_moments + k] += shown
            row[of_moments + n_features + k] += squares
        sums = row[of_moments : of_moments + n_features]
        squares_of = row[of_moments + n_features : of_moments + 2 * n_features]
        for column in range(n_columns):
            mean, start = row[of_totals + column] / n_shown, (2 + column) * n_features
            products = row[of_moments + start : of_moments + start + n_features]
            slopes = row[of_traces + start : of_traces + start + n_features]
            for place in range(n_places):
                first, y = of_shown + place * n_features, given[place, column]
                shown_here = row[first : first + n_features]
                for k in range(n_features):
                    products[k] += y * shown_here[k]
            for k in range(n_features):
                slopes[k] = (products[k] - mean * sums[k]) / (ridge + squares_of[k])


@compiled
def keep_shown(memory: Any, candidates: Any, slates: Any, start: int) -> None:
    """Writes the features of what is shown into memories, from `start` on.

    Args:
      memory: (n, size), is changed.
      candidates: (n, n_candidates, n_features).
      slates: (n, slate_size).
      start: where in a row.
    """
    n_places, n_features = slates.shape[1], candidates.shape[2]
    for i in range(len(slates)):
        for place in range(n_places):
            first = start + place * n_features
            for k in range(n_features):
                memory[i, first + k] = candidates[i, slates[i, place], k]
