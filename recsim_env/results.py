"""Result tables: one folder that survives kills and holds whole runs only.

A folder has `settings.json` (what was asked), `versions.json` (of the packages used) and
`rows.csv`, to which every finished run adds its rows. A run is one scenario (or log), agent and
seed; its rows are consecutive, and the last one, `final` or `failed`, says that the run is
complete. What else a row holds is its `Layout`.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.files import replace_file
from recsim_env.spelling import did_you_mean

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

_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Layout:
    """What the rows of a table hold.

    Attributes:
      columns: name to type, in order; `seed`, `phase`, `config_hash` and `error` are among them.
      world: the column that says where a run took place; with `agent` and `seed` it names the run.
      phases: what a row may tell of; `final` and `failed` are among them.
      needed: phase to the column that must hold a finite number then.
    """

    columns: Mapping[str, type]
    world: str
    phases: tuple[str, ...]
    needed: Mapping[str, str]

    @cached_property
    def header(self) -> bytes:
        """The first line of `rows.csv`."""
        return ",".join(self.columns).encode() + b"\n"

    @property
    def dtype(self) -> list[tuple[str, Any]]:
        """Of the table as a structured array."""
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

    def decoded(self, line: bytes) -> Row:
        """Returns the row that a line of `rows.csv` holds."""
        cells = next(csv.reader([line.decode()]), [])
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells where {len(self.columns)} belong")
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


class ResultTable:
    """The rows of every complete run in a folder of results.

    Opening reads and changes nothing on disk, so a table can be drawn while it grows. A run that a
    kill cut off is not read, and is cut from the file before the first append. One process may
    append at a time.

    Args:
      folder: where it lies; it is created by the first write.
      layout: what its rows hold; by default those of a benchmark.

    Raises:
      ValueError: `rows.csv` is not such a table; the message names file and line.
    """

    def __init__(self, folder: str | os.PathLike[str], layout: Layout = BENCHMARK) -> None:
        self.folder = Path(folder)
        self.layout = layout
        self._file = self.folder / "rows.csv"
        self._runs: dict[RunKey, list[Row]] = {}
        content = self._file.read_bytes() if self._file.exists() else b""
        self._size = len(content)
        for run in self._whole_runs(self._parsed(content)):
            self._runs.pop(layout.key(run[0]), None)
            self._runs[layout.key(run[0])] = run
        self._is_clean = content == self._encoded()

    def append_run(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Adds all rows of one run, in one write that reaches the disk before this returns.

        Rows of an earlier run of the same scenario, agent and seed (a failed one, or one with other
        settings) are replaced. Columns left out are empty; line breaks in `error` are kept,
        and of a very long one the end.

        Args:
          rows: in order of time. The last is `final` and none before it is, or a single row
            is `failed` and has an `error`.

        Raises:
          ValueError: the rows are not one whole run; nothing is written.
          RuntimeError: another process wrote to the table since it was opened.
        """
        run = [self.layout.checked(row) for row in rows]
        self._check_whole(run)
        key = self.layout.key(run[0])
        size = self._file.stat().st_size if self._file.exists() else 0
        if size != self._size:
            raise RuntimeError(
                f"{self._file} has {size} bytes where {self._size} were expected: another process "
                "writes to it; give each benchmark a folder of its own"
            )
        if self._is_clean and key not in self._runs:
            self._append(_lines(run))
            self._runs[key] = run
        else:
            runs = {**{k: v for k, v in self._runs.items() if k != key}, key: run}
            content = self.layout.header + b"".join(_lines(each) for each in runs.values())
            replace_file(self._file, content)
            self._runs, self._size, self._is_clean = runs, len(content), True

    def finished_runs(self, config_hash: str) -> set[RunKey]:
        """Returns (scenario, agent, seed) of every run that finished with these settings."""
        return {
            key
            for key, run in self._runs.items()
            if run[-1]["phase"] == "final" and run[-1]["config_hash"] == config_hash
        }

    def rows(
        self, *, phase: str | None = None, scenario: str | None = None, agent: str | None = None
    ) -> list[Row]:
        """Returns the rows, in the order of the file, that match all that is given."""
        if phase is not None:
            self.layout.check_phase(phase)
        wanted = {"phase": phase, self.layout.world: scenario, "agent": agent}
        given = {name: value for name, value in wanted.items() if value is not None}
        return [
            dict(row)
            for run in self._runs.values()
            for row in run
            if all(row[name] == value for name, value in given.items())
        ]

    def array(self, **where: str) -> NDArray[np.void]:
        """Returns `rows(**where)` as a structured array with a field for each column."""
        rows = [tuple(row.values()) for row in self.rows(**where)]
        return np.array(rows, dtype=self.layout.dtype)

    def scenarios(self) -> list[str]:
        """Returns the scenarios that have runs, in the order of their first."""
        return list(dict.fromkeys(scenario for scenario, _, _ in self._runs))

    def read_settings(self) -> dict[str, Any]:
        """Returns `settings.json`, or nothing where there is none."""
        return _read_json(self.folder / "settings.json")

    def read_versions(self) -> dict[str, Any]:
        """Returns `versions.json`, or nothing where there is none."""
        return _read_json(self.folder / "versions.json")

    def write_settings(self, settings: Mapping[str, Any], versions: Mapping[str, Any]) -> None:
        """Writes what was asked for and the versions of the packages that will answer."""
        for name, content in (("settings", settings), ("versions", versions)):
            text = json.dumps(content, indent=2, allow_nan=False) + "\n"
            replace_file(self.folder / f"{name}.json", text.encode())

    def _encoded(self) -> bytes:
        return self.layout.header + b"".join(_lines(run) for run in self._runs.values())

    def _append(self, lines: bytes) -> None:
        with self._file.open("r+b", buffering=0) as file:
            try:
                file.seek(self._size)
                written = file.write(lines)
                if written != len(lines):
                    raise OSError(f"{self._file}: only {written} of {len(lines)} bytes written")
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(self._size)
                raise
        self._size += len(lines)

    def _parsed(self, content: bytes) -> Iterator[Row]:
        """Yields the rows of all complete lines; what follows the last line break was torn off."""
        file, header = self._file, self.layout.header
        lines = content.split(b"\n")[:-1]
        if not lines:
            if not header.startswith(content):
                raise ValueError(f"{file}, line 1: not the header of a result table")
            return
        if lines[0] + b"\n" != header:
            raise ValueError(
                f"{file}, line 1: header {lines[0].decode(errors='replace')!r} is not "
                f"{','.join(self.layout.columns)!r}; choose another folder or restore the file"
            )
        for number, line in enumerate(lines[1:], start=2):
            try:
                yield self.layout.decoded(line)
            except (ValueError, csv.Error) as error:
                raise ValueError(f"{file}, line {number}: {error}; remove or repair it") from error

    def _whole_runs(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        run: list[Row] = []
        for row in rows:
            if run and self.layout.key(row) != self.layout.key(run[0]):
                run = []
            run.append(row)
            if row["phase"] in ("final", "failed"):
                yield run
                run = []

    def _check_whole(self, run: Sequence[Row]) -> None:
        phases = [row["phase"] for row in run]
        if phases != ["failed"] and (
            phases[-1:] != ["final"] or set(phases[:-1]) & {"final", "failed"}
        ):
            raise ValueError(
                f"phases {phases} are no run: end with one final, or be a single failed"
            )
        if phases == ["failed"] and not run[0]["error"]:
            raise ValueError("a failed run has no error; say what went wrong")
        first = run[0]
        for row in run[1:]:
            keys = self.layout.key(row), self.layout.key(first)
            if keys[0] != keys[1] or row["config_hash"] != first["config_hash"]:
                raise ValueError(f"rows of {keys[0]} and {keys[1]} are mixed; append each alone")


def _cell(name: str, kind: type, value: Any) -> Any:
    if value is None:
        if name == "seed":
            raise ValueError("seed is missing; give the run's seed")
        return {str: "", int: 0, float: math.nan}[kind]
    if kind is str:
        return str(value).encode(errors="backslashreplace").decode()[-_LONGEST_TEXT:]
    try:
        number = kind(value)
        is_exact = kind is float or isinstance(value, str) or number == value
    except (TypeError, ValueError, OverflowError):
        is_exact = False
    if not is_exact:
        raise ValueError(f"{name}={value!r} is not {'an integer' if kind is int else 'a number'}")
    return number


def _lines(run: Iterable[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in run:
        # A row stays on one line, so that a torn file is known by its last line break.
        error = row["error"].replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        writer.writerow(
            "" if value != value else value for value in {**row, "error": error}.values()
        )
    return text.getvalue().encode()


def _read_json(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file}: holds {type(content).__name__} where an object belongs")
    return content
