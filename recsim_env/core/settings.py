"""What settings may be: default, type and range of each, declared once and checked first.

    n_topics: int = setting(20, low=2, high=MOST_KINDS)

A class that gives a setting another default keeps the range, and may narrow it.

The ends below come from what the numbers are used for: what follows from settings within them is
finite, also in the float32 numbers of records and observations (3.4e38).
"""

import dataclasses
import functools
import inspect
import math
import os
import reprlib
import sys
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.core.search import Search
from recsim_env.inputs.spelling import check_known

#: Weights, spreads and log-odds: a product of four still fits float32.
LARGE = 1e9

#: What others are divided by: the least, so that quotients are as large as products.
SMALL = 1e-9

#: Logarithms of what is log-normal: exp(30 + 4 * 14) fits float32, and no draw is beyond 14.
MAX_LOG, MAX_LOG_SD = 30.0, 4.0

#: Topics, categories, groups, factors: records number them with 16 bits.
MOST_KINDS = 2**15 - 2

#: Items: records number them with 32 bits.
MOST_ITEMS = 2**31 - 2

#: People: a uniform number of 53 bits still reaches each of them.
MOST_PEOPLE = 2**53

#: Steps of an episode, and whatever else only counts.
MOST_STEPS = 2**53

#: What a world, or one person, may take of memory: a million items of a thousand numbers each.
MOST_BYTES = 2**32

#: Days of a life: a century.
MOST_DAYS = 36_500

#: Ids are drawn with density ~ rank ** (1 / skew - 1), by a product of so many factors.
MOST_SKEW = 16


@dataclass(frozen=True)
class Allowed:
    """The range of a setting; `why` is appended to what a message says is allowed."""

    low: float = -math.inf
    high: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    choices: tuple[Any, ...] = ()
    why: str = ""

    def __contains__(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        return bool(self.low <= value <= self.high and self.above < value < self.below)

    def __and__(self, other: "Allowed") -> "Allowed":
        return Allowed(
            low=max(self.low, other.low),
            high=min(self.high, other.high),
            above=max(self.above, other.above),
            below=min(self.below, other.below),
            choices=self.choices or other.choices,
            why=self.why or other.why,
        )

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        is_beyond = self.above > -math.inf and self.above >= self.low
        low, high = (_number(end) for end in (self.low, min(self.high, self.below)))
        from_low = f"more than {_number(self.above)}" if is_beyond else low
        to_high = f"less than {high}" if self.below <= self.high else high
        if math.isinf(min(self.high, self.below)):
            at_least = f"{low} or more" if self.low == 0 else f"at least {low}"
            text = from_low if is_beyond else at_least
        elif is_beyond:
            text = (
                f"{from_low}{f' and {to_high}' if self.below <= self.high else f', up to {high}'}"
            )
        else:
            text = f"{from_low} to {to_high}" if math.isfinite(self.low) else f"up to {to_high}"
        if self.low == self.high:
            return f"{low}{f': {self.why}' if self.why else ''}"
        return f"{text}, {self.why}" if self.why else text


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def setting(
    default: Any,
    *,
    doc: str = "",
    is_new: bool = False,
    search: Search | None = None,
    **allowed: Any,
) -> Any:
    """Returns a dataclass field with this default and the range that `Allowed` describes.

    Text takes one of several words: ``setting("cascade", choices=MODELS)``.

    Args:
      default: whose type is the setting's.
      doc: what it means, as a phrase: what a reader of the reference page needs besides name,
        default and range.
      is_new: whether results were kept before there was such a setting; see `telling`.
      search: where tuning looks for a better value; by default it leaves this one alone.
      allowed: the arguments of `Allowed`.
    """
    metadata: dict[str, Any] = {"doc": doc, "is_new": is_new, "search": search}
    metadata |= {"allowed": Allowed(**allowed)} if allowed else {}
    return dataclasses.field(default=default, metadata=metadata)


@functools.lru_cache(maxsize=256)
def ranges(kind: type) -> dict[str, Allowed]:
    """Returns the range of each setting of a class for which it or a class above declares one."""
    found: dict[str, Allowed] = {}
    for each in kind.__mro__:
        for name, field in each.__dict__.get("__dataclass_fields__", {}).items():
            if "allowed" in field.metadata:
                own = field.metadata["allowed"]
                found[name] = found[name] & own if name in found else own
    return found


def meanings(kind: type) -> dict[str, str]:
    """Returns what each setting of a class means, in its words or those of the class above."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        for name, field in each.__dict__.get("__dataclass_fields__", {}).items():
            found[name] = field.metadata.get("doc") or found.get(name, "")
    return found


def telling(kind: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that tell results apart.

    Those that are new, and as by default, change nothing: results from before them still hold.
    """
    fields: Any = dataclasses.fields(kind)
    new = {field.name: field.default for field in fields if field.metadata.get("is_new")}
    return {k: v for k, v in settings.items() if k not in new or v != new[k]}


def check_settings(settings: Any, *, but: Container[str] = ()) -> None:
    """Brings the fields of a frozen dataclass to their types, and checks the ranges of all.

    Args:
      settings: the dataclass.
      but: names of fields that are neither.

    Raises:
      ValueError: a setting of another type or outside its range.
    """
    for field in dataclasses.fields(settings):
        if field.name in but:
            continue
        value = as_type_of(field.default, field.name, getattr(settings, field.name))
        object.__setattr__(settings, field.name, value)
    kind: Any = type(settings)
    for name, allowed in ranges(kind).items():
        value = getattr(settings, name)
        if name not in but and value not in allowed:
            raise ValueError(f"{name}={quoted(value)} is not allowed; use {allowed}")


def numbers_of(settings: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Returns what compiled code can read: numbers, and of a word its place among the choices."""
    allowed = ranges(kind)
    found = dict(settings)
    for name, value in settings.items():
        if isinstance(value, str) and name in allowed and allowed[name].choices:
            found[name] = allowed[name].choices.index(value)
    return {name: value for name, value in found.items() if isinstance(value, bool | int | float)}


def require_dataclass(kind: type) -> None:
    """Raises TypeError where a class declares settings and lacks the decorator that makes them."""
    hints = inspect.get_annotations(kind)
    declared = [name for name, hint in hints.items() if "ClassVar" not in str(hint)]
    if declared and "__dataclass_fields__" not in vars(kind):
        raise TypeError(
            f"{kind.__name__} has settings ({', '.join(declared)}) but is no dataclass; decorate "
            "it with @dataclass(frozen=True, kw_only=True)"
        )


def check_names(kind: type, given: Iterable[str]) -> None:
    """Raises where a dataclass has no setting of a name that is given, or lacks one that it needs.

    Raises:
      ValueError: listing the known names.
      TypeError: its settings are declared, but it is not decorated.
    """
    require_dataclass(kind)
    fields: Any = dataclasses.fields(kind)
    check_known(kind.__name__, given, [field.name for field in fields])
    lacking = [
        field.name
        for field in fields
        if field.default is field.default_factory is dataclasses.MISSING
        and field.name not in set(given)
    ]
    if lacking:
        raise ValueError(f"{kind.__name__} needs {', '.join(lacking)}; it has no default")


def as_type_of(default: Any, name: str, value: Any) -> Any:
    """Returns a setting's value in the type of its default: a bool, an int, a float or text.

    Raises:
      ValueError: it is of another type, or not finite.
    """
    kinds: dict[type, Any] = {
        bool: bool | np.bool_,
        int: int | np.integer,
        float: int | float | np.integer | np.floating,
        str: str | os.PathLike,
    }
    wanted = kinds.get(type(default))
    if wanted is None:
        return value
    if not isinstance(value, wanted) or (isinstance(value, bool) and type(default) is not bool):
        kind = type(default).__name__
        raise ValueError(f"{name}={quoted(value)} is of type {type(value).__name__}; use {kind}")
    if type(default) is int and not -(2**63) <= value < 2**63:
        raise ValueError(f"{name}={quoted(value)} is not allowed; use a number of 64 bits")
    value = value.item() if isinstance(value, np.generic) else value
    if type(default) is float and not abs(value) <= sys.float_info.max:
        raise ValueError(f"{name}={quoted(value)} is not allowed; use a finite number")
    return type(default)(value)


def quoted(value: Any) -> str:
    """Returns a value as messages show it: shortened where it is long."""
    try:
        return (
            reprlib.repr(value) if isinstance(value, list | tuple | dict | str) else _short(value)
        )
    except Exception:  # whatever was given; the message is about the setting
        return f"a {type(value).__name__}"


def _short(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 200:
        return f"{'-' if value < 0 else ''}2**{value.bit_length() - 1} or more"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
