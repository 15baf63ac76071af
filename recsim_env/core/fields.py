"""What people, items, responses and observations are made of: each field is declared once.

A layout is a dict from field name to type, to (type, shape), or to what `within`, `count` and
`shown` give::

    {"budget": float, "interest": shown(float, -1, 1, shape=20), "last_item": within(int, -1, 99)}

Types are Python's or NumPy's scalars. What is used as an index, or shown, is within its ends: a
state that is restored is checked against them. See `recsim_env.core.schema` for what follows.
"""

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

#: A record's fields by name: a type, a (type, shape), or a `Field`.
Layout = Mapping[str, Any]

#: The end of what float32 holds: observations are made of it.
LARGEST = float(np.finfo(np.float32).max)

# A field of one of these names would hide an attribute of NumPy's record type in plain Python.
_TAKEN = frozenset(dir(np.record))


@dataclass(frozen=True)
class Shown:
    """How the recommender sees a field; see `shown` for the attributes.

    Attributes:
      divisor: what numbers are divided by.
      is_log: whether it is the sign and log(1 + size) that is seen.
    """

    under: str | None = None
    names: str | tuple[str, ...] | None = None
    one_hot: bool = False
    clip: float | None = None
    bounds: tuple[float, float] | None = None
    divisor: float = 1.0
    is_log: bool = False


@dataclass(frozen=True)
class Field:
    """A field of a layout.

    Attributes:
      kind: its type.
      shape: of an array; () is a number.
      ends: the least and the largest value it may have, NaN excluded; None is any finite one.
      shown: how the recommender sees it; None is hidden.
    """

    kind: Any
    shape: tuple[int, ...] = ()
    ends: tuple[float, float] | None = None
    shown: Shown | None = None

    @classmethod
    def of(cls, spec: Any) -> "Field":
        """Returns what a layout says of a field, however it is written."""
        if isinstance(spec, Field):
            return spec
        kind, shape = spec if isinstance(spec, tuple) else (spec, ())
        return cls(kind, _as_shape(shape))

    @property
    def n_columns(self) -> int:
        """How many columns of the observation show it."""
        if self.shown is not None and self.shown.one_hot and self.ends is not None:
            return int(self.ends[1]) + 1
        return math.prod(self.shape)

    @property
    def columns(self) -> "Field":
        """The same as the observation holds it: float32, a column for each number or value."""
        is_array = self.shape or (self.shown is not None and self.shown.one_hot)
        return Field(np.float32, (self.n_columns,) if is_array else ())

    @property
    def column_ends(self) -> tuple[float, float]:
        """The least and the largest value of its columns."""
        seen, (low, high) = self.shown or Shown(), self.ends or (-LARGEST, LARGEST)
        if seen.bounds is not None:
            return seen.bounds
        if seen.one_hot:
            return 0.0, 1.0
        return max(low, -LARGEST), min(high, LARGEST if seen.clip is None else seen.clip)

    def column_names(self, name: str) -> tuple[str, ...]:
        """Returns a name for each of its columns, of a field called `name`."""
        given = self.shown.names if self.shown is not None else None
        if isinstance(given, tuple):
            return given
        stem = given or name
        is_one = not self.columns.shape
        return (stem,) if is_one else tuple(f"{stem}_{index}" for index in range(self.n_columns))


def within(kind: Any, low: float, high: float, shape: Any = ()) -> Field:
    """Returns a hidden field whose values lie from `low` to `high`, NaN excluded.

    >>> layout = {"last_item": within(np.int32, -1, 99), "mood": within(float, 0, 1, shape=3)}
    """
    return Field(kind, _as_shape(shape), _as_ends(low, high))


def count(kind: Any, shape: Any = ()) -> Field:
    """Returns a hidden field that counts: it is not negative, and far from its type's end."""
    return within(kind, 0, int(np.iinfo(np.dtype(kind)).max) // 2, shape)


def shown(
    kind: Any,
    low: float | None = None,
    high: float | None = None,
    shape: Any = (),
    *,
    under: str | None = None,
    names: str | tuple[str, ...] | None = None,
    one_hot: bool = False,
    clip: float | None = None,
    bounds: tuple[float, float] | None = None,
) -> Field:
    """Returns a field that the recommender sees.

    Fields of items are shown under "candidates", those of responses under "response", those of
    users under "user" unless `under` says otherwise. In `observation_layout` it is a column, or
    several, that a scenario's own `observe` computes.

    Args:
      kind: its type.
      low: the least value; by default there is none.
      high: the largest value; likewise.
      shape: how many numbers it has, each in a column of its own.
      under: the name of the observation, such as "context" or "history".
      names: of the columns, or what comes before their numbers; by default the field's name.
      one_hot: whether a number from 0 to `high` is shown as 1 in the column of that number.
      clip: the largest number that is shown.
      bounds: the ends of the space where they are to be wider than the values are.

    >>> item = {"topic": shown(int, 0, 19, one_hot=True), "quality": within(float, -3, 3)}
    """
    size = _as_shape(shape)
    if len(size) > 1 or (one_hot and (size or low != 0 or high is None)):
        raise ValueError(
            f"shape={shape!r}, one_hot={one_hot}, low={low}, high={high}: what is shown is a "
            "number or has one axis, and what is one-hot is a number from low=0 to high"
        )
    is_bool = np.dtype(kind).kind == "b"
    ends = None
    if not is_bool and (low, high) != (None, None):
        ends = _as_ends(-math.inf if low is None else low, math.inf if high is None else high)
    seen = (0.0, 1.0) if is_bool and bounds is None else bounds
    return Field(kind, size, ends, Shown(under, names, one_hot, clip, seen))


def _as_ends(low: float, high: float) -> tuple[float, float]:
    are_numbers = all(isinstance(each, numbers.Real) for each in (low, high))
    if not are_numbers or not low <= high:
        raise ValueError(
            f"low={low!r} and high={high!r} are no ends of a field; use numbers of which low is "
            "not the larger one"
        )
    return low, high


def _as_shape(shape: Any) -> tuple[int, ...]:
    return tuple(np.atleast_1d(np.array(shape, int)).tolist()) if shape != () else ()


def record_dtype(layout: Layout, *, of: str) -> np.dtype:
    """Returns the aligned structured dtype of a layout.

    Args:
      layout: see the module.
      of: what the record describes, for error messages.

    Raises:
      ValueError: a name that is no identifier, starts with an underscore or hides an attribute of
        a NumPy record, a size below 1, an array of bool, or a type that is not a number.
    """
    fields: list[tuple[Any, ...]] = []
    for name, spec in layout.items():
        field = Field.of(spec)
        if not name.isidentifier() or name.startswith("_") or name in _TAKEN:
            raise ValueError(
                f"{of} layout: field name {name!r} cannot be used; rename it to an identifier "
                "that is no attribute of numpy.record"
            )
        dtype = np.dtype(field.kind)
        if dtype.kind not in "biuf":
            raise ValueError(
                f"{of} layout: {name}={spec!r} is not a number; use float, int or bool"
            )
        if dtype.kind == "b" and field.shape:
            raise ValueError(
                f"{of} layout: {name} is an array of bool, which cannot be compiled; use np.int8"
            )
        if any(size < 1 for size in field.shape):
            raise ValueError(
                f"{of} layout: {name} has shape {field.shape}; every size must be at least 1"
            )
        fields.append((name, dtype, field.shape))
    return np.dtype(fields or [("unused", np.uint8)], align=True)


def record_bytes(layout: Layout) -> int:
    """Returns about how many bytes a record of this layout takes, without making its dtype."""
    fields = map(Field.of, layout.values())
    return sum(np.dtype(field.kind).itemsize * math.prod(field.shape) for field in fields)


def tally(values: np.ndarray, counts: np.ndarray, n: int) -> np.ndarray:
    """Returns how often each of 0 to n - 1 is among each row's `values` where `counts`, (rows, n).

    >>> tally(np.array([[1, 1, 0]]), np.array([[True, True, False]]), 3)
    array([[0, 2, 0]])
    """
    rows, _ = np.nonzero(counts)
    places = np.bincount(rows * n + values[counts], minlength=len(values) * n)
    return places.reshape(len(values), n)


def _as_numbers(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:  # rows of several lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}={value!r:.80} of derived() is no number, nor an array of numbers")
    return array


def config_record(numbers: Mapping[str, Any], response: Layout) -> np.ndarray:
    """Returns a 1-element structured array of numbers and small arrays, and a blank response.

    Raises:
      ValueError: one is neither.
    """
    arrays = {name: _as_numbers(name, value) for name, value in numbers.items()}
    kinds = {
        name: np.dtype(np.int64) if value.dtype.kind in "iu" else value.dtype
        for name, value in arrays.items()
    }
    fields: list[tuple[Any, ...]] = [(name, kinds[name], arrays[name].shape) for name in arrays]
    fields.append(("blank_response", record_dtype(response, of="response")))
    record = np.zeros(1, np.dtype(fields, align=True))
    for name, value in arrays.items():
        record[name] = value
    return record
