"""What was run, and how: failures, agents left out, settings, versions, commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recsim_env.plots import style
from recsim_env.plots.page.tables import Cell, Column, Table
from recsim_env.results.table import ResultTable

_MAPPINGS = ("scenarios", "agents")
_COMMANDS = ("command", "earlier_commands")


def failures(table: ResultTable) -> list[dict[str, str]]:
    """Returns who failed where, and the error."""
    return [
        {
            "run": f"{style.short_name(row['scenario'])}, {row['agent']}, seed {row['seed']}",
            "error": row["error"],
        }
        for row in table.rows(phase="failed")
    ]


def left_out(settings: Mapping[str, Any]) -> Table | None:
    """Returns which agents do not suit a scenario, as the benchmark noted; None where all do."""
    rows = [
        [_text(style.short_name(each["scenario"])), _text(each["agent"]), _text(each["reason"])]
        for each in settings.get("left_out", [])
    ]
    return _words("Agents that do not suit a scenario", ("scenario", "agent", "reason"), rows)


def settings_tables(settings: Mapping[str, Any]) -> list[Table]:
    """Returns the settings of the benchmark, of its scenarios and of its agents, where noted."""
    own = [
        [_text(name), _text(_said(value))]
        for name, value in settings.items()
        if value is not None and name not in (*_MAPPINGS, *_COMMANDS, "left_out")
    ]
    found = [_words("Settings of the benchmark", ("setting", "value"), own)]
    for kind in _MAPPINGS:
        entries = settings.get(kind) or {}
        rows = [
            [_text(style.short_name(label)), _text(_said(entry) if entry else "as by default")]
            for label, entry in entries.items()
        ]
        found.append(_words(f"Settings of {kind}", (kind.removesuffix("s"), "settings"), rows))
    return [each for each in found if each]


def versions_table(versions: Mapping[str, Any]) -> Table | None:
    """Returns the versions of the packages that played the runs; None where they are not noted."""
    rows = [[_text(name), _text(str(version))] for name, version in versions.items()]
    return _words("Versions of packages", ("package", "version"), rows)


def commands(settings: Mapping[str, Any]) -> list[str]:
    """Returns the commands that made the runs, the last one last."""
    given = [*settings.get("earlier_commands", []), settings.get("command", "")]
    return [each for each in given if each]


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_said(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return value if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> Cell:
    return Cell(text, text)


def _words(caption: str, titles: tuple[str, ...], rows: list[list[Cell]]) -> Table | None:
    columns = [Column(title, is_number=False) for title in titles]
    return Table(caption, columns, rows) if rows else None
