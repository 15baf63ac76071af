"""Large arrays used again: fresh memory of many megabytes is mapped, and faulted, page by page."""

import sys
from typing import Any

import numpy as np

# Smaller arrays come from what the allocator has at hand.
_LEAST_BYTES = 1 << 20

# A loop of an agent holds two observations, the one before and the one after, and a final one.
_MOST_KEPT = 4

# Without Python's global lock, how often an object is referred to cannot be read.
_counts_references = getattr(sys, "_is_gil_enabled", lambda: True)()


class Memory:
    """Gives arrays of one size each, whose memory is used again once nobody refers to them.

    What was given never changes under whoever holds it, or a part, view or tensor of it.
    """

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    def empty(self, n: int, dtype: Any) -> np.ndarray:
        """Returns `n` elements, (n,), of any values."""
        n_bytes = n * np.dtype(dtype).itemsize
        if n_bytes < _LEAST_BYTES or not _counts_references:
            return np.empty(n, dtype)
        return self._bytes(n_bytes).view(dtype)

    def _bytes(self, n_bytes: int) -> np.ndarray:
        """Returns bytes that nobody else refers to; views refer to what they are views of."""
        for index, each in enumerate(map(len, self._kept)):
            if each == n_bytes and _references(self._kept, index) == _NOBODY_ELSE:
                return self._kept[index]
        fresh = np.empty(n_bytes, np.uint8)
        if len(self._kept) < _MOST_KEPT:
            self._kept.append(fresh)
        return fresh


def _references(arrays: list[np.ndarray], index: int) -> int:
    return sys.getrefcount(arrays[index])


_NOBODY_ELSE = _references([np.empty(0)], 0)
