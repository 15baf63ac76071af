"""Checks of logged arrays: their shapes, numbers and probabilities."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: How far above 1 rounding may carry a probability.
_ROUNDING = 1e-6


def check_probabilities(values: Floats, name: str) -> None:
    """Raises ValueError unless all are in [0, 1]."""
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if low < 0.0 or high > 1.0 + _ROUNDING:
        at, value = _first(values, (values < 0.0) | (values > 1.0 + _ROUNDING))
        raise ValueError(f"{name}[{at}]={value} is no probability; it lies in [0, 1]")


def check_propensities(values: Floats, name: str) -> None:
    """Raises ValueError unless all are in (0, 1]: what was logged had a chance."""
    check_probabilities(values, name)
    if not float(values.min(initial=1.0)) > 0.0:
        at, value = _first(values, values <= 0.0)
        raise ValueError(
            f"{name}[{at}]={value}, but what was logged had a chance; it lies in (0, 1]. "
            "Propensities that were drawn need more draws, others a check of the logging policy"
        )


def check_shapes(
    record: Any, shape: tuple[int, ...], *, prefix: str = "", one_a_row: tuple[str, ...] = ()
) -> None:
    """Raises ValueError unless a record's arrays have a shape, finite numbers, and one row or more.

    Args:
      record: a dataclass; its labels (`user`, `context`) have one value a row.
      shape: of the arrays.
      prefix: before their names in the message.
      one_a_row: names of those that have one number a row.
    """
    if not shape[0]:
        raise ValueError("the log is empty; it needs at least one row")
    for field in fields(record):
        values = getattr(record, field.name)
        if not isinstance(values, np.ndarray):
            continue
        is_row = field.name in (*one_a_row, "user", "context")
        wanted = shape[:1] if is_row else shape
        if values.shape != wanted:
            raise ValueError(f"{prefix}{field.name} has shape {values.shape}; use {wanted}")
        if values.dtype.kind == "f" and not np.isfinite(values.sum()):
            at, value = _first(values, ~np.isfinite(values))
            raise ValueError(
                f"{prefix}{field.name}[{at}]={value} is not finite; leave such rows out"
            )


def set_floats(record: Any, *names: str) -> None:
    """Makes arrays of floats of a record's fields; what is None stays so."""
    for name in names:
        values: ArrayLike | None = getattr(record, name)
        if values is not None:
            object.__setattr__(record, name, np.asarray(values, dtype=np.float64))


def set_labels(record: Any, *names: str) -> None:
    """Makes arrays of a record's fields; what is None stays so."""
    for name in names:
        values: ArrayLike | None = getattr(record, name)
        if values is not None:
            object.__setattr__(record, name, np.asarray(values))


def _first(values: Floats, is_wrong: NDArray[np.bool_]) -> tuple[str, float]:
    """Returns the place of the first wrong value, as one writes it, and the value."""
    at = np.unravel_index(int(np.argmax(is_wrong)), values.shape)
    return ", ".join(map(str, at)), float(values[at])
