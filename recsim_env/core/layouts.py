"""Record layouts: what one user, item, response or observation is made of.

A layout is a dict from field name to type or (type, shape): ``{"interest": (float, 20), "budget":
float}``. Types are Python's or NumPy's scalars. What is used as an index, or shown within bounds,
is `within` them: a state that is restored is checked against that. Observations are described by
Gymnasium spaces instead, because they are also the contract with the agent.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces


@dataclass(frozen=True)
class Within:
    """A field of a layout whose values lie between two ends, which are allowed; see `within`."""

    kind: Any
    low: float
    high: float
    shape: Any = ()


def within(kind: Any, low: float, high: float, shape: Any = ()) -> Within:
    """Returns a field of a layout whose values lie from `low` to `high`, NaN excluded.

    >>> layout = {"last_item": within(np.int32, -1, 99), "mood": within(float, 0, 1, shape=3)}
    """
    return Within(kind, low, high, shape)


def count(kind: Any, shape: Any = ()) -> Within:
    """Returns a field of a layout that counts: it is not negative, and far from its type's end."""
    return Within(kind, 0, int(np.iinfo(np.dtype(kind)).max) // 2, shape)


# A field of one of these names would hide an attribute of NumPy's record type in plain Python.
_TAKEN = frozenset(dir(np.record))


def record_dtype(layout: Mapping[str, Any], *, of: str) -> np.dtype:
    """Returns the aligned structured dtype of a layout.

    Args:
      layout: field name to type, to (type, shape) with shape an int or a tuple of ints, or to
        what `within` gives.
      of: what the record describes, for error messages.

    Raises:
      ValueError: a name that is no identifier, starts with an underscore or hides an attribute of
        a NumPy record, a size below 1, an array of bool, or a type that is not a number.
    """
    fields: list[tuple[Any, ...]] = []
    for name, spec in layout.items():
        if not name.isidentifier() or name.startswith("_") or name in _TAKEN:
            raise ValueError(
                f"{of} layout: field name {name!r} cannot be used; rename it to an identifier "
                "that is no attribute of numpy.record"
            )
        kind, shape = kind_and_shape(spec)
        dtype = np.dtype(kind)
        if dtype.kind not in "biuf":
            raise ValueError(
                f"{of} layout: {name}={spec!r} is not a number; use float, int or bool"
            )
        if dtype.kind == "b" and shape:
            raise ValueError(
                f"{of} layout: {name} is an array of bool, which cannot be compiled; use np.int8"
            )
        if any(size < 1 for size in shape):
            raise ValueError(
                f"{of} layout: {name} has shape {shape}; every size must be at least 1"
            )
        fields.append((name, dtype, shape))
    return np.dtype(fields or [("unused", np.uint8)], align=True)


def record_bytes(layout: Mapping[str, Any]) -> int:
    """Returns about how many bytes a record of this layout takes, without making its dtype."""
    total = 0
    for spec in layout.values():
        kind, shape = kind_and_shape(spec)
        total += np.dtype(kind).itemsize * math.prod(int(size) for size in shape)
    return total


def kind_and_shape(spec: Any) -> tuple[Any, tuple[int, ...]]:
    """Returns the type and the shape of a field, however its layout writes them."""
    kind, shape = spec if isinstance(spec, tuple) else (spec, ())
    if isinstance(spec, Within):
        kind, shape = spec.kind, spec.shape
    return kind, tuple(np.atleast_1d(np.array(shape, int)).tolist()) if shape != () else ()


def tally(values: np.ndarray, counts: np.ndarray, n: int) -> np.ndarray:
    """Returns how often each of 0 to n - 1 is among each row's `values` where `counts`, (rows, n).

    >>> tally(np.array([[1, 1, 0]]), np.array([[True, True, False]]), 3)
    array([[0, 2, 0]])
    """
    rows, _ = np.nonzero(counts)
    places = np.bincount(rows * n + values[counts], minlength=len(values) * n)
    return places.reshape(len(values), n)


def observation_dtype(fields: Mapping[str, spaces.Space]) -> np.dtype:
    """Returns the record of one observation: float32 Boxes first, integer ids after them.

    With the floats first, a batch of records seen as one float32 matrix is the flat observation.

    Raises:
      ValueError: a space that is neither a float32 Box with at least one axis, nor Discrete or
        MultiDiscrete, or a Box after an integer field.
    """
    dtype: list[tuple[Any, ...]] = []
    for name, space in fields.items():
        if isinstance(space, spaces.Box) and space.dtype == np.float32 and space.shape:
            if dtype and dtype[-1][1] is not np.float32:
                raise ValueError(f"observation {name!r}: float fields must come before integer ids")
            dtype.append((name, np.float32, space.shape))
        elif isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
            dtype.append((name, np.int64, space.shape))
        else:
            raise ValueError(
                f"observation {name!r} is {space}; use a float32 Box with at least one axis, "
                "Discrete or MultiDiscrete"
            )
    return np.dtype(dtype, align=True)


def float_count(fields: Mapping[str, spaces.Space]) -> int:
    """Returns how many float32 numbers lead the observation record."""
    return sum(
        int(np.prod(space.shape)) for space in fields.values() if isinstance(space, spaces.Box)
    )


def describe_record(record: np.ndarray, n_entries: int = 2) -> str:
    """Returns a short phrase for a structured scalar: of long arrays, the largest entries.

    >>> user = np.zeros((), [("interest", float, 20), ("budget", float)])
    >>> user["interest"][7] = 0.5
    >>> describe_record(user, n_entries=1)
    'interest[7] 0.5, budget 0'
    """
    phrases = []
    for name in record.dtype.names or ():
        value = np.asarray(record[name], float).ravel()
        if value.size == 1:
            phrases.append(f"{name} {value[0]:.3g}")
        else:
            largest = np.argsort(-np.abs(value), kind="stable")[:n_entries]
            phrases += [f"{name}[{index}] {value[index]:.2g}" for index in largest]
    return ", ".join(phrases)
