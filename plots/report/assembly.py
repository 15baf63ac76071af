"""The sections of a report in order, and how they become its page."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from recsim_env.formats.files import replace_file
from recsim_env.inputs.spelling import did_you_mean
from recsim_env.plots.report import (
    failures,
    head,
    ladder,
    learning,
    left_out,
    over_all,
    people,
    redrawing,
    scenarios,
    sweeps,
    tradeoff,
    until,
    versions,
)
from recsim_env.plots.report.page import Page, Section
from recsim_env.results.table import ResultTable

SECTIONS: tuple[Section, ...] = (
    head.SECTION,
    until.SECTION,
    ladder.SECTION,
    over_all.SECTION,
    sweeps.SECTION,
    tradeoff.SECTION,
    scenarios.SECTION,
    people.SECTION,
    learning.SECTION,
    failures.SECTION,
    left_out.SECTION,
    versions.SECTION,
    redrawing.SECTION,
)

FIGURES = tuple(name for section in SECTIONS for name in section.figures)
"""What can be drawn: figures of all scenarios together, and those of each."""


class Drawn(NamedTuple):
    """What was written of a report.

    Attributes:
      report: its file.
      figures: those of `FIGURES` that have something to show.
    """

    report: Path
    figures: tuple[str, ...]


def draw_report(
    folder: str | os.PathLike[str],
    figures: Collection[str] = FIGURES,
    *,
    formats: Collection[str] = (),
    is_text_kept: bool = False,
) -> Drawn:
    """Writes `report.md` and its figures into a benchmark's folder.

    Only the folder's table, settings and versions are read, so figures can be drawn anew at any
    time, on any machine, also of a benchmark that is still running.

    Args:
      folder: of the benchmark.
      figures: which to draw; the report shows no others.
      formats: "pdf", "svg": in which they are written too, beside the .png that the report shows.
      is_text_kept: leave `report.md` as it is, and write the figures alone.

    Raises:
      ValueError: the folder has no complete run, or there is no such figure.
    """
    if unknown := sorted(set(figures) - set(FIGURES)):
        raise ValueError(
            f"there is no figure {unknown[0]!r}; use any of {', '.join(FIGURES)}"
            f"{did_you_mean(unknown[0], FIGURES)}"
        )
    table = ResultTable(folder)
    if not table.rows():
        raise ValueError(f"{os.fspath(folder)!r} has no complete run; start a benchmark there")
    page = Page(table, frozenset(figures), FIGURES, tuple(formats))
    text = "\n\n".join(filter(None, (section.write(page) for section in SECTIONS)))
    report = table.folder / "report.md"
    if not is_text_kept:
        replace_file(report, f"{text}\n")
    return Drawn(report, _named(page.files))


def write_report(folder: str | os.PathLike[str], figures: Collection[str] = FIGURES) -> Path:
    """Writes `report.md` and its figures as `draw_report` does, and returns the report's path."""
    return draw_report(folder, figures).report


def figures_shown(folder: str | os.PathLike[str]) -> list[str]:
    """Returns which of `FIGURES` the report in a folder shows; none where there is no report."""
    report = Path(folder) / "report.md"
    text = report.read_text(encoding="utf-8") if report.is_file() else ""
    return list(_named(re.findall(r"!\[[^]]*\]\(([^)]*\.png)\)", text)))


def _named(files: Iterable[str]) -> tuple[str, ...]:
    """Returns which of `FIGURES` these files show."""
    shown = {file.removesuffix(".png").partition("-")[0] for file in files}
    return tuple(name for name in FIGURES if name in shown)
