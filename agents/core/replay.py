"""The steps that an agent learns from again and again."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.agents.core.restoring import State, require_range, rows_like, whole

#: The dtype of a column, and the shape of its rows.
Column = tuple[Any, tuple[int, ...]]

#: What the columns that hold the next observation begin with.
NEXT = "next_"

# What agents learn from again and again takes at most this much memory.
_MAX_BYTES = 2**30


def row_bytes(columns: Mapping[str, Column]) -> int:
    """Returns how much memory a row takes."""
    return sum(np.dtype(dtype).itemsize * math.prod(shape) for dtype, shape in columns.values())


def affordable(n_rows: int, row_bytes: int, *, least: int) -> int:
    """Returns how many rows are kept: fewer than are asked for where they would take over 1 GiB.

    Args:
      n_rows: how many are asked for.
      row_bytes: what one takes.
      least: how many are needed.
    """
    return max(least, min(n_rows, _MAX_BYTES // row_bytes))


def step_columns(seen_space: spaces.Dict, slate_size: int) -> dict[str, Column]:
    """Returns the columns of steps: what was seen, shown and earned, and what was seen next."""
    columns: dict[str, Column] = {
        "slate": (np.int32, (slate_size,)),
        "reward": (np.float32, ()),
        "is_terminal": (np.float32, ()),
    }
    for name, space in seen_space.items():
        columns[name] = columns[NEXT + name] = (np.float32, space.shape or ())
    return columns


class Replay:
    """The last `capacity` rows, in columns that double when they are full, then in a ring.

    Args:
      capacity: rows that are kept; see `affordable`.
      columns: name to (dtype, shape of a row).

    Attributes:
      n_added: rows ever added.
    """

    def __init__(self, capacity: int, columns: Mapping[str, Column]) -> None:
        self.capacity = capacity
        self._columns = {
            name: np.empty((0, *shape), dtype) for name, (dtype, shape) in columns.items()
        }
        self.n_added = 0

    def __len__(self) -> int:
        """Returns the number of rows that are kept."""
        return min(self.n_added, self.capacity)

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns a column, (len(self), ...), in no order; a view."""
        return self._columns[name][: len(self)]

    def add(self, **values: np.ndarray) -> np.ndarray:
        """Adds rows, over the oldest where there is no room, and returns their places, (n,).

        Args:
          **values: (n, ...) for every column; n is at most the capacity.
        """
        n = len(next(iter(values.values())))
        stop = min(self.n_added + n, self.capacity)
        if stop > len(next(iter(self._columns.values()))):
            self._grow(min(max(stop, 2 * len(self)), self.capacity))
        places = (self.n_added + np.arange(n)) % self.capacity
        for name, column in self._columns.items():
            column[places] = values[name]
        self.n_added += n
        return places

    def set(self, name: str, places: np.ndarray, values: np.ndarray) -> None:
        """Overwrites a column in some rows, which `add` returned."""
        self._columns[name][places] = values

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Returns `n` rows by column, drawn uniformly with replacement."""
        rows = rng.integers(0, len(self), n)
        return {name: column[rows] for name, column in self._columns.items()}

    def _grow(self, n_rows: int) -> None:
        """Moves the rows, one column after the other, to columns that hold `n_rows`."""
        for name, column in self._columns.items():
            larger = np.empty((n_rows, *column.shape[1:]), column.dtype)
            larger[: len(self)] = column[: len(self)]
            self._columns[name] = larger

    def state_dict(self) -> dict[str, Any]:
        """Returns the columns, and how many rows were ever added."""
        return {name: self[name] for name in self._columns} | {"n_added": self.n_added}

    def load_state_dict(
        self, state: State, *, ranges: Mapping[str, tuple[int, int]] | None = None
    ) -> None:
        """Takes back what `state_dict` returned, the latest rows where there is not room for all.

        In a ring of another capacity rows have other places; then `n_added` counts from here.

        Args:
          state: as from `state_dict`.
          ranges: in which the indices of columns lie, by name, the ends included (none).

        Raises:
          ValueError: they are not of such columns.
        """
        n_added = whole(state, "n_added")
        kept = rows_like(state, self._columns)
        for name, (low, high) in (ranges or {}).items():
            require_range(name, kept[name], low=low, high=high)
        n_kept = len(next(iter(kept.values())))
        if n_kept > n_added or (n_added > 0) != (n_kept > 0):
            raise ValueError(f"n_added={n_added} does not fit {n_kept} rows")
        is_same = n_added <= self.capacity if n_added == n_kept else n_kept == self.capacity
        if not is_same:
            n_added = min(n_kept, self.capacity)
            latest = (whole(state, "n_added") - n_added + np.arange(n_added)) % n_kept
            kept = {name: column[latest] for name, column in kept.items()}
        self.n_added = n_added
        self._columns = {name: column.copy() for name, column in kept.items()}
