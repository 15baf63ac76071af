"""How an agent's reward grew while it was trained: the table beside its file."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from recsim_env.formats.columns import write_columns
from recsim_env.results.layout import Row

COLUMNS: dict[str, type] = {
    "scenario": str,
    "agent": str,
    "seed": int,
    "phase": str,
    "interactions": int,
    "episodes": int,
    "reward_per_step": float,
    "return_mean": float,
    "return_low": float,
    "return_high": float,
}
"""Columns by type. Rows of the phase `online` are of the people that the agent learned from, since
the row before; those of `evaluation` of others, whom it served frozen, before and after."""

PHASES = ("online", "evaluation")


def curve_file(agent_file: str | os.PathLike[str]) -> Path:
    """Returns the file beside an agent's that holds its learning curve.

    >>> curve_file("ppo.agent").name
    'ppo.agent.csv'
    """
    path = Path(agent_file)
    return path.with_name(f"{path.name}.csv")


def write_curve(file: Path, rows: Iterable[Row]) -> None:
    """Writes a curve in the place of what was there."""
    found = list(rows)
    write_columns(
        file,
        {
            name: np.array([row.get(name, math.nan if kind is float else kind()) for row in found])
            for name, kind in COLUMNS.items()
        },
    )


def read_curve(file: str | os.PathLike[str]) -> list[Row]:
    """Returns the rows of a curve, in order.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: it holds something else.
    """
    with Path(file).open(encoding="utf-8", newline="") as opened:
        try:
            reader = csv.DictReader(opened, strict=True)
            rows = [_row(cells) for cells in reader] if _is_ours(reader.fieldnames) else []
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise ValueError(f"{os.fspath(file)} is damaged ({error}); train anew") from error
    if not rows:
        raise ValueError(
            f"{os.fspath(file)} holds no learning curve; `recsim-env train` writes one"
        )
    return rows


def _is_ours(names: Iterable[str] | None) -> bool:
    return set(names or ()) >= set(COLUMNS)


def _row(cells: Mapping[str, str]) -> Row:
    row: Row = {
        name: kind(cells[name]) if cells[name] or kind is str else math.nan
        for name, kind in COLUMNS.items()
    }
    if row["phase"] not in PHASES:
        raise ValueError(f"phase={row['phase']!r} is not one of {', '.join(PHASES)}")
    return row
