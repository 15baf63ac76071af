"""How a log was read: which column was taken for what, and what is doubtful."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ROLES = ("user", "item", "rating", "click", "time", "slate", "place")


class LogWarning(UserWarning):
    """Something in a log may not mean what it was taken for."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a log was read; as text, what a person should look over.

    Attributes:
      source: the file or folder.
      form: what kind of file it is.
      n_rows: how many rows the file has.
      n_used: how many of them are the log.
      left_out: why rows were left out, and how many.
      columns: the column of each of `ROLES` that has one, and of each context.
      values: what a role's values are: their range, the unit of times.
      unread: the other columns.
      remarks: what else was decided.
      doubts: what may be wrong; `read_log` warns of these.
    """

    source: str
    form: str
    n_rows: int
    n_used: int
    left_out: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: dict[str, Any]) -> Reading:
        """Returns the reading that `dataclasses.asdict` made JSON values of."""
        lists = {name: tuple(v) for name, v in values.items() if isinstance(v, list)}
        return cls(**(values | lists))

    def __str__(self) -> str:
        roles = []
        for role, column in self.columns.items():
            about = f" ({self.values[role]})" if role in self.values else ""
            roles.append(f"{role.split()[0]} from {column!r}{about}")
        if not {"rating", "click"} & set(self.columns):
            roles.append("no rating, so every row is one click")
        if "time" not in self.columns:
            roles.append("no time, so the order is unknown")
        lines = [
            f"{self.source} ({self.form}): {self.n_rows:,} rows, {self.n_used:,} used",
            *(f"left out: {count:,} rows {why}" for why, count in self.left_out.items()),
            "; ".join(roles),
            f"not read: {listed(self.unread, 12)}" if self.unread else "",
            *self.remarks,
            *(f"CHECK: {doubt}" for doubt in self.doubts),
        ]
        return "\n  ".join(line for line in lines if line)


@dataclass
class Notes:
    """What is gathered for a `Reading` on the way."""

    remarks: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


def listed(names: Iterable[str], most: int = 10) -> str:
    """Returns names in quotes; of many, the first ones."""
    found = list(names)
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(map(repr, found[:most])) + more


def asking(argument: str, value: str | int) -> str:
    """Returns how to ask for something, in Python and on the command line.

    >>> asking("user", "my id")
    "user='my id' (on the command line, --user 'my id')"
    """
    option = argument.replace("_", "-")
    return f"{argument}={value!r} (on the command line, --{option} {shlex.quote(str(value))})"
