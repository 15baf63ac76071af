"""People and items as vectors, whose products say how well they suit each other."""

import numpy as np


def products(people: np.ndarray, items: np.ndarray, item: np.ndarray | None) -> np.ndarray:
    """Returns the products of people's vectors with those of the items they are asked about.

    Args:
      people: (n, n_factors).
      items: (n_items, n_factors).
      item: (n, n_candidates) rows of `items`, or None for all of them.

    Returns:
      (n, n_candidates) or (n, n_items).
    """
    if item is None:
        return np.asarray(people @ items.T)
    return np.matmul(items[item], people[:, :, None])[:, :, 0]


def rows_or(table: np.ndarray, row: np.ndarray, default: np.ndarray) -> np.ndarray:
    """Returns rows of a table, and `default` where the row is -1.

    Args:
      table: (n_rows, ...).
      row: (n,), at least -1.
      default: (...), or one for each (n, ...).
    """
    if not len(table):
        return np.broadcast_to(default, (len(row), *table.shape[1:]))
    known = (row >= 0).reshape(-1, *(1,) * (table.ndim - 1))
    return np.where(known, table[row], default)
