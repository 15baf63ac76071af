"""What the rows of a result table hold: columns, phases, and how a row is written as a line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from recsim_env.inputs.spelling import did_you_mean

Row = dict[str, Any]
RunKey = tuple[str, str, int]

PHASES = ("online", "evaluation", "final", "failed")
"""What a row tells of: reward while learning, in the bin that ends at `interactions`; a frozen
evaluation after `interactions`; the frozen evaluation at the end; the error that ended the run."""

COLUMNS: dict[str, type] = {
    "scenario": str,
    "agent": str,
    "seed": int,
    "phase": str,
    "interactions": int,
    "episodes": int,
    "return_mean": float,
    "reward_per_step": float,
    "click_rate": float,
    "episode_length": float,
    "oracle_reward_per_step": float,
    "wall_seconds": float,
    "config_hash": str,
    "error": str,
}
"""Column names and types of `rows.csv`, in order; an empty number is NaN (floats) or 0 (ints)."""

_LONGEST_ERROR = 20_000


@dataclass(frozen=True)
class Layout:
    """What the rows of a table hold.

    Attributes:
      columns: name to type, in order; `seed`, `phase`, `config_hash` and `error` are among them.
      world: the column that says where a run took place; with `agent` and `seed` it names the run.
      phases: what a row may tell of; `final` and `failed` are among them.
      needed: phase to the column that must hold a finite number then.
      file: its name in the folder.
      grows: whether a file may lack columns, which are empty then: it is of an earlier version.
    """

    columns: Mapping[str, type]
    world: str
    phases: tuple[str, ...]
    needed: Mapping[str, str]
    file: str = "rows.csv"
    grows: bool = False

    def of_file(self, first_line: bytes) -> Layout:
        """Returns the layout of a file with this first line: this one, or one of fewer columns."""
        *names, _ = first_line.decode(errors="replace").strip().split(",")
        columns = {name: self.columns[name] for name in names if name in self.columns}
        fewer = replace(self, columns=columns)
        return fewer if self.grows and fewer.header.strip() == first_line.strip() else self

    @cached_property
    def header(self) -> bytes:
        """The first line of the file."""
        return ",".join([*self.columns, "seal"]).encode() + b"\n"

    @property
    def dtype(self) -> list[tuple[str, Any]]:
        """The dtype of the table as a structured array."""
        return [
            (name, "O" if kind is str else np.dtype(kind)) for name, kind in self.columns.items()
        ]

    def key(self, row: Mapping[str, Any]) -> RunKey:
        """Returns which run a row belongs to."""
        return row[self.world], row["agent"], row["seed"]

    def checked(self, row: Mapping[str, Any]) -> Row:
        """Returns a row with all columns, of the right types.

        Raises:
          ValueError: it is no row of such a table.
        """
        unknown = sorted(set(row) - set(self.columns))
        if unknown:
            raise ValueError(
                f"unknown column {unknown[0]!r}; known are {', '.join(self.columns)}"
                f"{did_you_mean(unknown[0], self.columns)}"
            )
        whole = {name: _cell(name, kind, row.get(name)) for name, kind in self.columns.items()}
        self.check_phase(whole["phase"])
        for name in (self.world, "agent", "config_hash"):
            if not whole[name] or any(character in whole[name] for character in "\r\n\0"):
                raise ValueError(f"{name}={whole[name]!r} is not a name: empty or with line breaks")
        column = self.needed.get(whole["phase"])
        if column and not math.isfinite(whole[column]):
            raise ValueError(f"{column}={whole[column]} of a {whole['phase']} row is not finite")
        return whole

    def check_phase(self, phase: str) -> None:
        """Raises ValueError unless it is one of the phases."""
        if phase not in self.phases:
            raise ValueError(f"phase={phase!r} is not one of {', '.join(self.phases)}")

    @staticmethod
    def encoded(run: Iterable[Row]) -> bytes:
        """Returns the lines of checked rows, each with an empty cell for its seal."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in run:
            # A row stays on one line, so that a torn file is known by its last line break.
            error = row["error"].replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
            cells = {**row, "error": error}.values()
            writer.writerow([*("" if value != value else value for value in cells), ""])
        return text.getvalue().encode()

    def decoded(self, line: bytes) -> Row:
        """Returns the row that a line of the file holds, its seal taken off."""
        *cells, rest = next(csv.reader([line.decode()], strict=True), [""]) or [""]
        if len(cells) != len(self.columns) or rest:
            raise ValueError(f"{len(cells) + 1} cells where {len(self.columns) + 1} belong")
        row = dict(zip(self.columns, cells, strict=True))
        parts = row["error"].split("\\\\")
        row["error"] = "\\".join(p.replace("\\n", "\n").replace("\\r", "\r") for p in parts)
        return self.checked({name: cell for name, cell in row.items() if cell != ""})


BENCHMARK = Layout(
    columns=COLUMNS,
    world="scenario",
    phases=PHASES,
    needed={"final": "return_mean", "evaluation": "return_mean", "online": "reward_per_step"},
)
"""The rows of a benchmark."""


def _cell(name: str, kind: type, value: Any) -> Any:
    if value is None:
        if name == "seed":
            raise ValueError("seed is missing; give the run's seed")
        return {str: "", int: 0, float: math.nan}[kind]
    if kind is str:
        text = str(value).encode(errors="backslashreplace").decode()
        return text[-_LONGEST_ERROR:] if name == "error" else text
    try:
        number = kind(value)
        is_exact = kind is float or isinstance(value, str) or number == value
    except (TypeError, ValueError, OverflowError):
        is_exact = False
    if not is_exact:
        raise ValueError(f"{name}={value!r} is not {'an integer' if kind is int else 'a number'}")
    return number
