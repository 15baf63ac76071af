"""The visits in a folder of results: one person's session under each agent, a file for each."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from recsim_env.formats.files import replace_file

FOLDER = "visits"

Pair = tuple[str, str]
"""What a scenario and an agent are called in the table."""


def visit_file(folder: str | os.PathLike[str], pair: Pair) -> Path:
    """Returns where the visit of a scenario and an agent is.

    >>> visit_file("results", ("recsim_env/NewsFeed-v0", "linucb")).as_posix()
    'results/visits/NewsFeed-v0/linucb.json'
    """
    scenario, agent = pair
    inner = Path(_name(scenario.removeprefix("recsim_env/")), f"{_name(agent)}.json")
    return Path(folder) / FOLDER / inner


def _name(label: str) -> str:
    """Returns a label as a file's name; where it has other characters, no other label has it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", label).lstrip(".")
    return plain if plain == label else f"{plain}-{zlib.crc32(label.encode()):08x}"


def write_visit(folder: str | os.PathLike[str], visit: Mapping[str, Any]) -> None:
    """Writes a visit, in the form of `Visit.as_dict`, in the place of what was there."""
    text = json.dumps(visit, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    replace_file(visit_file(folder, (visit["scenario"], visit["agent"])), f"{text}\n")


def read_visit(folder: str | os.PathLike[str], pair: Pair) -> dict[str, Any] | None:
    """Returns the visit of a scenario and an agent, if there is one.

    Raises:
      ValueError: its file is damaged.
    """
    file = visit_file(folder, pair)
    return _read(file) if file.is_file() else None


def read_visits(folder: str | os.PathLike[str]) -> dict[Pair, dict[str, Any]]:
    """Returns all visits of a folder, by scenario and agent, sorted; older folders have none.

    Raises:
      ValueError: a file is damaged.
    """
    found = map(_read, (Path(folder) / FOLDER).glob("*/*.json"))
    return dict(sorted(((each["scenario"], each["agent"]), each) for each in found))


def _read(file: Path) -> dict[str, Any]:
    try:
        visit: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        is_whole = all(name in visit for name in ("scenario", "agent", "seed", "items", "steps"))
    except (ValueError, TypeError):
        is_whole = False
    if not is_whole:
        raise ValueError(
            f"{file} holds no visit; remove it, or run the benchmark anew with --overwrite"
        )
    return visit


def remove_visits(folder: str | os.PathLike[str], *, but: Collection[Pair]) -> None:
    """Removes the visits of all scenarios and agents but those: their runs were removed."""
    kept = {visit_file(folder, pair) for pair in but}
    for file in (Path(folder) / FOLDER).glob("*/*.json"):
        if file not in kept:
            file.unlink()
