"""Ridge regressions of many rows of a sparse matrix, compiled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled_freely

# So many entries of a row are added to its normal matrix at once.
_AT_ONCE = 8


@compiled_freely
def solve_rows(
    matrix: Any, others: Any, penalty: Any, solution: Any, first: int, stop: int
) -> None:
    """Writes the ridge solution [factors, bias] of the rows from `first` until `stop`.

    Args:
      matrix: where rows start, columns, values.
      others: (n_columns, width), what a value is predicted from; the last is a bias of the column.
      penalty: (width,), the ridge.
      solution: (n_rows, width), written.
      first, stop: which rows.
    """
    start, column, value = matrix
    width = others.shape[1]
    few = np.zeros((_AT_ONCE, width))
    normal, right = np.empty((width, width)), np.empty(width)
    for row in range(first, stop):
        normal[:] = 0.0
        right[:] = 0.0
        for j in range(width):
            normal[j, j] = penalty[j]
        for entry in range(start[row], start[row + 1], _AT_ONCE):
            n = min(_AT_ONCE, start[row + 1] - entry)
            for k in range(_AT_ONCE):
                if k < n:
                    other = others[column[entry + k]]
                    target = value[entry + k] - other[width - 1]
                    for j in range(width - 1):
                        few[k, j] = other[j]
                    few[k, width - 1] = 1.0
                    for j in range(width):
                        right[j] += target * few[k, j]
                else:
                    few[k] = 0.0
            _add_products(few, normal)
        _solve(normal, right)
        for j in range(width):  # an assignment to a whole row takes seconds to compile
            solution[row, j] = right[j]


@compiled_freely
def _add_products(few: Any, normal: Any) -> None:
    """Adds the products of the columns of 8 rows, where the second is no later than the first."""
    a, b, c, d, e, f, g, h = few[0], few[1], few[2], few[3], few[4], few[5], few[6], few[7]
    for j in range(few.shape[1]):
        for k in range(j + 1):
            normal[j, k] += ((a[j] * a[k] + b[j] * b[k]) + (c[j] * c[k] + d[j] * d[k])) + (
                (e[j] * e[k] + f[j] * f[k]) + (g[j] * g[k] + h[j] * h[k])
            )


@compiled_freely
def _solve(normal: Any, right: Any) -> None:
    """Puts the solution of a positive definite system in place of its right side, by Cholesky."""
    width = len(right)
    for j in range(width):
        for k in range(j):
            total = normal[j, k]
            for m in range(k):
                total -= normal[j, m] * normal[k, m]
            normal[j, k] = total / normal[k, k]
        total = normal[j, j]
        for m in range(j):
            total -= normal[j, m] * normal[j, m]
        normal[j, j] = math.sqrt(total)
    for j in range(width):
        for m in range(j):
            right[j] -= normal[j, m] * right[m]
        right[j] /= normal[j, j]
    for j in range(width - 1, -1, -1):
        for m in range(j + 1, width):
            right[j] -= normal[m, j] * right[m]
        right[j] /= normal[j, j]
