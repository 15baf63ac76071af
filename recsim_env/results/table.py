"""Result tables: one folder that survives kills and holds whole runs only.

A folder has `settings.json` (what was asked), `versions.json` (of the packages used) and
`rows.csv`, to which every finished run adds its rows. A run is one scenario (or log), agent and
seed; its rows are consecutive, and the last one, `final` or `failed`, says that the run is
complete; its `seal` shows that no row of the file was lost or changed. What else a row holds is its
`Layout`.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.formats.files import replace_file
from recsim_env.formats.html_table import html_table
from recsim_env.formats.locks import held_folder, locked
from recsim_env.formats.seals import sealed, unsealed
from recsim_env.results.layout import BENCHMARK, Layout, Row, RunKey


class ResultTable:
    """The rows of every complete run in a folder of results.

    Opening reads and changes nothing on disk, so a table can be drawn while it grows. A run that a
    kill cut off is not read, and is cut from the file before the first append. One process may
    append at a time.

    Args:
      folder: where it lies; it is created by the first write.
      layout: what its rows hold; by default those of a benchmark.
      overwrite: whether to go on with the runs that are whole where others are damaged; the next
        write leaves the damaged ones out.

    Attributes:
      damage: what was found damaged, where that is overwritten.

    Raises:
      ValueError: `rows.csv` is not such a table, or was changed; the message names file and line.
      NotADirectoryError: the folder is a file.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        layout: Layout = BENCHMARK,
        *,
        overwrite: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.layout = layout
        if self.folder.exists() and not self.folder.is_dir():
            reason = "is a file; name a folder for results"
            raise NotADirectoryError(errno.ENOTDIR, reason, os.fspath(folder))
        self._file = self.folder / layout.file
        self._runs: dict[RunKey, list[Row]] = {}
        content = self._file.read_bytes() if self._file.exists() else b""
        damage = []
        for run, problem in self._parsed(content):
            if problem and not overwrite:
                raise ValueError(
                    f"{problem}; restore the file, or repeat the command that wrote it with "
                    "--overwrite, which keeps the runs that are whole and plays the others again"
                )
            damage += [problem] if problem else []
            if run:
                self._runs.pop(layout.key(run[0]), None)
                self._runs[layout.key(run[0])] = run
        self.damage = tuple(damage)
        self._content_digest = _digest(content)
        encoded, self._seal = self._encoded(self._runs)
        self._is_clean = content == encoded

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
        with self._held() as (file, content):
            if self._is_clean and key not in self._runs:
                lines, seal = sealed(self.layout.encoded(run), self._seal)
                self._append(file, len(content), lines)
                self._runs[key], self._seal = run, seal
                self._content_digest = _digest(content + lines)
            else:
                self._replace({**{k: v for k, v in self._runs.items() if k != key}, key: run})

    def remove_runs(self, keys: Collection[RunKey]) -> None:
        """Removes runs, those cut off by a kill and those found damaged.

        Raises:
          RuntimeError: another process wrote to the table since it was opened.
        """
        with self._held():
            self._replace({key: run for key, run in self._runs.items() if key not in keys})

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Keeps other processes from adding runs until the end, and says so before any work.

        Raises:
          RuntimeError: another process adds runs, or did since the table was opened.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with held_folder(self.folder) as is_free:
            if not is_free:
                raise RuntimeError(
                    f"another process adds runs to {self.folder}; wait for its end, or choose "
                    "another folder"
                )
            with self._held():
                pass
            yield

    def config_hashes(self, *, failed: bool = False) -> dict[RunKey, str]:
        """Returns the hash of the settings of every run that finished, or also of those failed."""
        return {
            key: run[-1]["config_hash"]
            for key, run in self._runs.items()
            if failed or run[-1]["phase"] == "final"
        }

    def finished_runs(self, config_hash: str) -> set[RunKey]:
        """Returns (scenario, agent, seed) of every run that finished with these settings."""
        return {key for key, found in self.config_hashes().items() if found == config_hash}

    def rows(
        self, *, phase: str | None = None, scenario: str | None = None, agent: str | None = None
    ) -> list[Row]:
        """Returns the rows, in the order of the file, that match all that is given."""
        if phase is not None:
            self.layout.check_phase(phase)
        return [
            dict(row)
            for (world, label, _), run in self._runs.items()
            if scenario in (None, world) and agent in (None, label)
            for row in run
            if phase in (None, row["phase"])
        ]

    def array(self, **where: str) -> NDArray[np.void]:
        """Returns `rows(**where)` as a structured array with a field for each column."""
        rows = [tuple(row.values()) for row in self.rows(**where)]
        return np.array(rows, dtype=self.layout.dtype)

    def columns(self, **where: str) -> dict[str, Any]:
        """Returns `rows(**where)` as columns: arrays of numbers, and lists of text.

        Libraries of data frames take it with the types of the columns, of no rows too:
        ``pandas.DataFrame(table.columns())``, ``polars.DataFrame(...)``, ``pyarrow.table(...)``.
        """
        rows = self.rows(**where)
        found = {name: [row[name] for row in rows] for name in self.layout.columns}
        return {
            name: found[name] if kind is str else np.array(found[name], dtype=kind)
            for name, kind in self.layout.columns.items()
        }

    def __repr__(self) -> str:
        agents = {agent for _, agent, _ in self._runs}
        worlds = len(self.scenarios())
        what = self.layout.world + ("" if worlds == 1 else "s")
        return (
            f"<ResultTable {str(self.folder)!r}: {len(self._runs):,} runs of {len(agents)} agents "
            f"in {worlds} {what}>"
        )

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: how often each agent finished, and what it got on average.

        Intervals are in `recsim_env.results.standings`.
        """
        measure, world = self.layout.needed.get("final"), self.layout.world
        found: dict[tuple[str, str], list[float]] = {}
        for row in self.rows(phase="final"):
            values = found.setdefault((row["agent"], row[world]), [])
            values.append(row[measure] if measure else math.nan)
        head = ["agent", world, "seeds", *([f"{measure}, mean"] if measure else [])]
        rows = [
            [*key, str(len(values)), f"{np.mean(values):.4g}"][: len(head)]
            for key, values in found.items()
        ]
        return html_table(repr(self).strip("<>"), head, rows)

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

    def _encoded(self, runs: Mapping[RunKey, Iterable[Row]]) -> tuple[bytes, bytes]:
        """Returns the content of a file with these runs, and its last seal."""
        parts, seal = [self.layout.header], b""
        for run in runs.values():
            lines, seal = sealed(self.layout.encoded(run), seal)
            parts.append(lines)
        return b"".join(parts), seal

    @contextlib.contextmanager
    def _held(self) -> Iterator[tuple[io.FileIO, bytes]]:
        """Yields the file, held by nobody else and as it was left here, and its content."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self._file) as file:
            content = file.readall()
            if _digest(content) != self._content_digest:
                raise RuntimeError(
                    f"{self._file} is not as it was read: another process writes to it; repeat the "
                    "command once that has ended, or choose another folder"
                )
            yield file, content

    def _replace(self, runs: dict[RunKey, list[Row]]) -> None:
        content, seal = self._encoded(runs)
        replace_file(self._file, content)
        self._runs, self._seal, self._is_clean = runs, seal, True
        self._content_digest = _digest(content)

    def _append(self, file: io.FileIO, size: int, lines: bytes) -> None:
        try:
            file.seek(size)
            written = file.write(lines)
            if written != len(lines):
                raise OSError(
                    errno.ENOSPC,
                    f"only {written} of {len(lines)} bytes were written, is the disk full?",
                    str(self._file),
                )
            os.fsync(file.fileno())
        except BaseException as error:
            file.truncate(size)
            if isinstance(error, OSError) and error.filename is None and error.errno:
                error.filename = str(self._file)
            raise

    def _parsed(self, content: bytes) -> Iterator[tuple[list[Row], str]]:
        """Yields the runs of all complete lines, and what is wrong with file or line.

        What follows the last line break was torn off, and lines after the last seal are of a run
        that was cut off.
        """
        lines = content.split(b"\n")[:-1]
        layout = self.layout.of_file(lines[0]) if lines else self.layout
        header = layout.header
        if not lines:
            if not header.startswith(content):
                raise ValueError(f"{self._file}, line 1: not the header of a result table")
            return
        if lines[0] + b"\n" != header:
            if lines[0].strip(b"\xef\xbb\xbf\r") + b"\n" == header:
                raise ValueError(
                    f"{self._file}, line 1: saved anew by a program that changes line ends or "
                    "marks the encoding; restore the file as it was written"
                )
            raise ValueError(
                f"{self._file}, line 1: header {lines[0].decode(errors='replace')!r} is not "
                f"{header.decode().strip()!r}; choose another folder or restore the file"
            )
        for part in unsealed(lines[1:]):
            problem, whole = "", list[Row]()
            for number, line in enumerate(part.lines, start=part.first):
                try:
                    row = self._row(layout, line, is_sealed=number == part.last)
                    whole += [row] if number > part.last - part.n_sealed else []
                except (ValueError, csv.Error) as error:
                    problem = problem or f"{self._file}, line {number}: {error}"
            if part.problem and not problem:
                problem = f"{self._file}, line {part.last}: {part.problem}"
            yield whole if len(whole) == part.n_sealed else [], problem

    def _row(self, layout: Layout, line: bytes, *, is_sealed: bool) -> Row:
        row = layout.decoded(line)
        if (row["phase"] in ("final", "failed")) != is_sealed:
            raise ValueError(f"a {row['phase']} row {'has a' if is_sealed else 'lacks its'} seal")
        return row if layout is self.layout else self.layout.checked(row)

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


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _read_json(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: not JSON: {error}; restore or remove it") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file}: holds {type(content).__name__} where an object belongs")
    return content
