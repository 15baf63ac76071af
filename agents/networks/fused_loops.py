"""Loops between the matrix products of a network on the CPU, each in one pass over its memory.

Shapes: n moments, c candidates, w the width; `shift` and `select` are the last two thirds of what a
person's layer gives, (n, 3 w). All numbers have 32 bits. Import this module where it is used: it
compiles.
"""

import math
from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled_freely

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)

# So many numbers stay in the cache.
_PIECE = 2_048

# As bits: the root of 1/2, and where a number has its fraction.
_ROOT, _FRACTION = np.int32(0x3F3504F3), np.int32(0x007FFFFF)

# log(1 + y) = y - y²/2 + y³ p(y), and log 2 in two parts, of which the first has few bits.
_LOG = tuple(
    np.float32(factor)
    for factor in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_LOG2, _LOG2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)


@compiled_freely
def compare(features: Any, rows: Any, n_blocks: Any, joint: Any) -> None:
    """Writes what of candidates and person compares, `tempered`; see `CandidateEncoder`.

    Args:
      features: (n, c, f).
      rows: (n, r, f), the blocks first.
      n_blocks: how many.
      joint: (n, c, f (1 + n_blocks) + 2 r), is written.
    """
    n, n_candidates, width = features.shape
    n_rows, n_joint = rows.shape[1], joint.shape[2]
    magnitude = np.empty(n_candidates * n_joint, np.float32)
    mantissa = np.empty(n_candidates * n_joint, np.int32)
    exponent = np.empty(n_candidates * n_joint, np.float32)
    for person in range(n):
        for item in range(n_candidates):
            feature, out = features[person, item], joint[person, item]
            kind, most = 0, feature[0]
            for k in range(width):
                out[k] = feature[k]
                if feature[k] > most:
                    kind, most = k, feature[k]
            for block in range(n_blocks):
                start, row = (1 + block) * width, rows[person, block]
                for k in range(width):
                    out[start + k] = feature[k] * row[k]
            start = (1 + n_blocks) * width
            for place in range(n_rows):
                row, total = rows[person, place], _ZERO
                for k in range(width):
                    total += feature[k] * row[k]
                out[start + place] = total
            for place in range(n_rows):
                out[start + n_rows + place] = rows[person, place, kind]
        temper(joint[person].reshape(-1), magnitude, mantissa, exponent)


@compiled_freely
def temper(x: Any, magnitude: Any, mantissa: Any, exponent: Any) -> None:
    """Turns x into sign(x) log(1 + |x|), in place, to the last bits of 32.

    A logarithm is that of the mantissa, between the roots of 1/2 and 2, by a polynomial, and a
    multiple of log 2; so it is computed for several numbers at once, which a call is not.

    Args:
      x: (n,), is changed; infinite and NaN become some number.
      magnitude, mantissa, exponent: (n,), memory, the mantissa of integers.

    Source: the polynomial of Moshier's Cephes library (logf).
    """
    bits, fraction = magnitude.view(np.int32), mantissa.view(np.float32)
    for k in range(x.shape[0]):
        magnitude[k] = _ONE + abs(x[k])
    for k in range(x.shape[0]):
        shifted = bits[k] - _ROOT  # carries into the exponent above the root of 2
        exponent[k] = np.float32(shifted >> 23)
        mantissa[k] = (shifted & _FRACTION) + _ROOT
    for k in range(x.shape[0]):
        y = fraction[k] - _ONE
        z = y * y
        found = _LOG[0]
        for factor in _LOG[1:]:
            found = found * y + factor
        found = y + (y * z * found + exponent[k] * _LOG2_LOW - z * _HALF) + exponent[k] * _LOG2
        x[k] = math.copysign(found, x[k])


@compiled_freely
def temper_alone(x: Any) -> None:
    """Turns x, (n,), into sign(x) log(1 + |x|), in place, a piece after the other."""
    size = min(_PIECE, x.shape[0])
    magnitude, exponent = np.empty(size, np.float32), np.empty(size, np.float32)
    mantissa = np.empty(size, np.int32)
    for start in range(0, x.shape[0], _PIECE):
        temper(x[start : start + _PIECE], magnitude, mantissa, exponent)


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
                row[k] = value if value > _ZERO else _ZERO


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
            pooled[i, k] = value if value > _ZERO else _ZERO
            pooled[i, width + k] = _ZERO
        mean = pooled[i, width:]
        for j in range(n_candidates):
            row, total = item[i, j], offset[0]
            for k in range(width):
                value = row[k] + bias[k]
                row[k] = value if value > _ZERO else _ZERO
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
