"""What agents remember of sessions: None, an array, or a named tuple of these; a row for each."""

from collections.abc import Iterator
from typing import Any

import numpy as np


def leaves(state: Any) -> list[np.ndarray]:
    """Returns the arrays of a memory."""
    if isinstance(state, tuple):
        return [leaf for each in state for leaf in leaves(each)]
    return [] if state is None else [state]


def rebuilt(like: Any, arrays: Iterator[np.ndarray]) -> Any:
    """Returns a memory made like another, of the arrays that `leaves` returned."""
    if isinstance(like, tuple):
        return type(like)(*(rebuilt(each, arrays) for each in like))
    return None if like is None else next(arrays)


def check_memory(state: Any, own: Any, n: int) -> None:
    """Raises unless a memory can be what `predict` returned; compiled loops rely on its shapes.

    Args:
      state: the memory; None is that of a beginning.
      own: a memory of the agent, of any number of sessions; None where it keeps none.
      n: of how many sessions it has to be.

    Raises:
      ValueError: it is of another agent, or of others than `n` sessions.
    """
    if state is None or own is None:
        return
    found, models = leaves(state), leaves(own)
    kinds, due = ([type(each) for each in arrays] for arrays in (found, models))
    if type(state) is not type(own) or kinds != due:
        raise ValueError(
            f"state of type {type(state).__name__} is no memory of this agent; pass what predict() "
            "returned second, or None where all episodes begin"
        )
    for array, model in zip(found, models, strict=True):
        if isinstance(model, np.ndarray):
            _require_rows(array, model, n)


def _require_rows(array: np.ndarray, model: np.ndarray, n: int) -> None:
    due = (n, *model.shape[1:])
    if array.shape != due or array.dtype != model.dtype:
        raise ValueError(
            f"state holds {array.dtype} of shape {array.shape}, where {model.dtype} of shape {due} "
            f"is due for {n} observation{'s' * (n != 1)}; pass what predict() of this agent "
            "returned second for the same people, or None where all episodes begin"
        )


def check_starts(episode_start: Any, n: int) -> None:
    """Raises ValueError unless it says of `n` sessions whether they have just begun, or is None."""
    if episode_start is not None and np.shape(episode_start) != (n,):
        raise ValueError(
            f"episode_start of shape {np.shape(episode_start)} does not fit {n} observations; use "
            f"({n},), whether each is the first of its episode"
        )
