"""Products of sparse rows with large dense matrices, compiled."""

from typing import Any

import numpy as np
from scipy import sparse

from recsim_env.compiler.kernel_cache import compiled


def product(rows: sparse.csr_array, dense: np.ndarray) -> np.ndarray:
    """Returns the product of a sparse and a dense matrix, in the precision of the dense one."""
    found = np.zeros((rows.shape[0], dense.shape[1]), dense.dtype)
    _add_products(rows.indptr, rows.indices, rows.data, dense, found)
    return found


def product_at(rows: sparse.csr_array, dense: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Returns some entries of each row of the product, those in (n_rows, k) columns."""
    found = np.zeros(columns.shape, dense.dtype)
    _add_at(rows.indptr, rows.indices, rows.data, dense, columns, found)
    return found


@compiled
def _add_products(start: Any, index: Any, value: Any, dense: Any, found: Any) -> None:
    for row in range(len(start) - 1):
        total = found[row]
        for entry in range(start[row], start[row + 1]):
            weight, other = value[entry], dense[index[entry]]
            for k in range(len(total)):
                total[k] += weight * other[k]


@compiled
def _add_at(start: Any, index: Any, value: Any, dense: Any, columns: Any, found: Any) -> None:
    for row in range(len(start) - 1):
        total, wanted = found[row], columns[row]
        for entry in range(start[row], start[row + 1]):
            weight, other = value[entry], dense[index[entry]]
            for k in range(len(wanted)):
                total[k] += weight * other[wanted[k]]
