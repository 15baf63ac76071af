"""Loops between the matrix products of a network on the CPU, each in one pass over its memory.

Shapes: n moments, c candidates, w the width; `shift` and `select` are the last two thirds of what a
person's layer gives, (n, 3 w). All numbers have 32 bits. Import this module where it is used: it
compiles.
"""

from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled_freely

# What is not positive is compared, here and in what is by hand beside, so that NaN stays NaN.
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@compiled_freely
def hide(item: Any, selected: Any, person: Any) -> None:
    """Turns `item`, (n, c, w), into relu(item + shift + selected * select), in place."""
    n, n_candidates, width = item.shape
    for i in range(n):
        shift, select = person[i, width : 2 * width], person[i, 2 * width :]
        for j in range(n_candidates):
            row, gates = item[i, j], selected[i, j]
            for k in range(width):
                value = row[k] + shift[k] + gates[k] * select[k]
                row[k] = _ZERO if value <= _ZERO else value


@compiled_freely
def summarize(
    item: Any, bias: Any, person: Any, weight: Any, offset: Any, scores: Any, pooled: Any
) -> None:
    """Turns `item`, (n, c, w), into relu(item + bias), and writes what the heads need.

    Args:
      item: is changed.
      bias: (w,).
      person: (n, 3 w).
      weight, offset: of the scores, (w,) and (1,).
      scores: (n, c), is written.
      pooled: (n, 2 w), the person and the mean of the candidates, is written.
    """
    n, n_candidates, width = item.shape
    share = _ONE / np.float32(n_candidates)
    for i in range(n):
        for k in range(width):
            value = person[i, k]
            pooled[i, k] = _ZERO if value <= _ZERO else value
            pooled[i, width + k] = _ZERO
        mean = pooled[i, width:]
        for j in range(n_candidates):
            row, total = item[i, j], offset[0]
            for k in range(width):
                value = row[k] + bias[k]
                row[k] = _ZERO if value <= _ZERO else value
            for k in range(width):
                mean[k] += row[k] * share
            for k in range(width):
                total += row[k] * weight[k]
            scores[i, j] = total


@compiled_freely
def from_heads(
    item: Any,
    weight: Any,
    of_scores: Any,
    of_pooled: Any,
    of_item: Any,
    of_weight: Any,
    of_bias: Any,
) -> None:
    """Writes the gradients of what `summarize` was given, and adds up those of weights.

    Args:
      item: (n, c, w), as `summarize` left it.
      weight: of the scores, (w,).
      of_scores, of_pooled: gradients, (n, c) and (n, 2 w).
      of_item: gradient of the sum before the relu, is written.
      of_weight, of_bias: gradients, are added to.
    """
    n, n_candidates, width = item.shape
    share = _ONE / np.float32(n_candidates)
    for i in range(n):
        for j in range(n_candidates):
            score = of_scores[i, j]
            row, slopes = item[i, j], of_item[i, j]
            for k in range(width):
                slope = score * weight[k] + share * of_pooled[i, width + k]
                slopes[k] = slope if row[k] > _ZERO else _ZERO
            for k in range(width):
                of_weight[k] += score * row[k]
            for k in range(width):
                of_bias[k] += slopes[k]


@compiled_freely
def from_hidden(item: Any, selected: Any, person: Any, of_item: Any, of_person: Any) -> None:
    """Writes the gradients of `hide`.

    Args:
      item: (n, c, w), as `hide` left it.
      selected: becomes the gradient of itself.
      person: (n, 3 w).
      of_item: gradient of what `hide` returned, becomes that of the sum before the relu.
      of_person: (n, 3 w), gradients of shift and select are written.
    """
    n, n_candidates, width = item.shape
    for i in range(n):
        of_person[i, width:] = _ZERO
        select = person[i, 2 * width :]
        of_shift, of_select = of_person[i, width : 2 * width], of_person[i, 2 * width :]
        for j in range(n_candidates):
            row, slopes, gates = item[i, j], of_item[i, j], selected[i, j]
            for k in range(width):
                slopes[k] = slopes[k] if row[k] > _ZERO else _ZERO
            for k in range(width):
                of_shift[k] += slopes[k]
            for k in range(width):
                of_select[k] += slopes[k] * gates[k]
            for k in range(width):
                gates[k] = slopes[k] * select[k]
