"""Where it is worth looking for a better value of a setting."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Search:
    """The values of a setting that tuning tries; they lie within what is allowed.

    Attributes:
      low, high: ends of a range, both included.
      log: whether a step is a factor, as it is for what is of no known size.
      choices: the values themselves, where there is no range.
    """

    low: float = math.nan
    high: float = math.nan
    log: bool = False
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        is_range = self.low < self.high and (self.low > 0 or not self.log)
        if is_range == bool(self.choices) or len(set(self.choices)) != len(self.choices):
            raise ValueError(f"{self!r} is neither a range nor several choices")

    def __contains__(self, value: Any) -> bool:
        return value in self.choices if self.choices else bool(self.low <= value <= self.high)

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        return f"{self.low:g} to {self.high:g}{', by factors' if self.log else ''}"

    @property
    def ends(self) -> tuple[Any, ...]:
        """The choices, or both ends of the range."""
        return self.choices or (self.low, self.high)


def searches(kind: type) -> Mapping[str, Search]:
    """Returns where to look, by setting, for which a dataclass or one above it declares that."""
    found: dict[str, Search] = {}
    for each in reversed(kind.__mro__):
        for name, field in each.__dict__.get("__dataclass_fields__", {}).items():
            if field.metadata.get("search") is not None:
                found[name] = field.metadata["search"]
    return found
