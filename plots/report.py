"""The report of a benchmark: figures and a short text, written from the result table alone."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from recsim_env.formats.files import replace_file
from recsim_env.inputs.spelling import did_you_mean
from recsim_env.plots import style
from recsim_env.plots.captions import interactions, number, seeds_and_intervals, with_interval
from recsim_env.plots.curves import draw_learning_curves, draw_online_reward, draw_regret
from recsim_env.plots.ladder import draw_ladder, ladder_caption, ladder_table
from recsim_env.plots.leaderboard import draw_leaderboard
from recsim_env.results.standings import BASELINE, REFERENCE, Standing, ladder, standings
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIGURES: tuple[tuple[str, str, Callable[[ResultTable, str], Axes]], ...] = (
    (
        "leaderboard",
        "Agents by return in the final evaluation",
        draw_leaderboard,
    ),
    (
        "learning",
        "Return in frozen evaluations, on common random numbers",
        draw_learning_curves,
    ),
    ("online", "Reward per interaction while learning", draw_online_reward),
    (
        "regret",
        "Cumulative regret while learning, against the oracle's run on common random numbers",
        draw_regret,
    ),
)
_SCALE = f", from {BASELINE} (0) to {REFERENCE} (1)"
LADDER = "ladder"

FIGURES = (LADDER, *(name for name, _, _ in _FIGURES))
"""What can be drawn: one figure of all scenarios together, and the others of each."""

_COLUMNS = (
    "rank",
    "agent",
    "return [interval]",
    "score [interval]",
    "click rate",
    "lead over the next [interval]",
    "seconds per run",
)


def write_report(folder: str | os.PathLike[str], figures: Collection[str] = FIGURES) -> Path:
    """Writes `report.md` and its figures into a benchmark's folder, and returns the report's path.

    Only the folder's table, settings and versions are read, so figures can be drawn anew at any
    time, on any machine, also of a benchmark that is still running.

    Args:
      folder: of the benchmark.
      figures: which to draw; the report shows no others.

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
    sections = [_head(table), _ladder_section(table, figures)]
    sections += [_scenario_section(table, scenario, figures) for scenario in table.scenarios()]
    sections += [_failures(table), _left_out(table), _versions(table)]
    sections.append(_how_to_redraw(table, figures))
    report = table.folder / "report.md"
    text = "\n\n".join(section for section in sections if section)
    replace_file(report, f"{text}\n")
    return report


def _head(table: ResultTable) -> str:
    finals, failed = table.rows(phase="final"), table.rows(phase="failed")
    agents = {row["agent"] for row in finals}
    return (
        f"# Benchmark: {', '.join(style.short_name(each) for each in table.scenarios())}\n\n"
        f"{len(finals)} finished and {len(failed)} failed runs of {len(agents)} agents."
    )


def _ladder_section(table: ResultTable, figures: Collection[str]) -> str:
    """Returns what all scenarios say together, where several have a scale."""
    if len(ladder(table)) < 2:
        return ""
    parts = ["## All scenarios", ladder_table(table), f"*{ladder_caption(table)}*"]
    if LADDER in figures:
        meaning = "How far each family of agents gets"
        parts.insert(1, _figure(table, f"{LADDER}.png", meaning, draw_ladder(table)))
    return "\n\n".join(parts)


def _figure(table: ResultTable, file: str, meaning: str, ax: Axes) -> str:
    """Writes a figure, and returns what shows it with its caption."""
    style.write_figure(ax, table.folder / file)
    return f"![{meaning}]({file})\n\n*{meaning}: {style.caption_of(ax)}.*"


def _scenario_section(table: ResultTable, scenario: str, figures: Collection[str]) -> str:
    heading = f"## {style.short_name(scenario)}"
    if not table.rows(phase="final", scenario=scenario):
        return f"{heading}\n\nNo run finished."
    ranked = standings(table, scenario)
    parts = [heading, _leaderboard(ranked), f"*{_caption(ranked)}*"]
    is_scored, has_oracle = all(each.score for each in ranked), not _why_no_oracle(table, scenario)
    if not has_oracle:
        parts.append(f"No scores: there is no {REFERENCE} (see *Left out*), and returns rank.")
    elif not is_scored:
        parts.append(
            f"No scores: they need runs of {BASELINE} and {REFERENCE} with the same seeds, and "
            f"{REFERENCE} must beat {BASELINE}."
        )
    for name, meaning, draw in _FIGURES:
        if name == "regret" and not has_oracle:
            continue
        if name in figures:
            meaning += _SCALE if is_scored and draw is draw_leaderboard else ""
            file = f"{name}-{re.sub(r'[^A-Za-z0-9._-]+', '-', style.short_name(scenario))}.png"
            try:
                parts.append(_figure(table, file, meaning, draw(table, scenario)))
            except ValueError as error:
                parts.append(f"No figure *{name}*: {error}.")
    return "\n\n".join(parts)


def _caption(ranked: list[Standing]) -> str:
    spent = interactions(each.n_interactions for each in ranked)
    text = f"{spent} of learning per run. "
    made = [each.agent for each in ranked if not each.n_interactions]
    text += f"Made elsewhere, and learned nothing here: {', '.join(made)}. " if made else ""
    returns = seeds_and_intervals((each.episode_return for each in ranked), "intervals of returns")
    leads = {each.lead.method for each in ranked if each.lead and each.lead.has_interval}
    scores = {each.score.method for each in ranked if each.score and each.score.has_interval}
    text += f"Returns: {returns}"
    text += f"; of leads: {', '.join(sorted(leads))}, paired by seed" if leads else ""
    text += f"; of scores: {', '.join(sorted(scores))}, paired by seed" if scores else ""
    return f"{text}."


def _leaderboard(ranked: list[Standing]) -> str:
    lines = [_line(_COLUMNS), _line(["---:", "---", *["---:"] * (len(_COLUMNS) - 2)])]
    for place, each in enumerate(ranked, start=1):
        lines.append(
            _line(
                [
                    str(place),
                    each.agent,
                    with_interval(each.episode_return),
                    with_interval(each.score) if each.score else "–",
                    number(each.click_rate),
                    with_interval(each.lead) if each.lead else "–",
                    "–" if math.isnan(each.wall_seconds) else f"{each.wall_seconds:.1f}",
                ]
            )
        )
    return "\n".join(lines)


def _failures(table: ResultTable) -> str:
    failed = table.rows(phase="failed")
    if not failed:
        return ""
    parts = ["## Failed runs", "The same command tries them again."]
    for row in failed:
        error = "\n".join(f"    {line}" for line in row["error"].splitlines())
        parts.append(
            f"{style.short_name(row['scenario'])}, {row['agent']}, seed {row['seed']}:\n\n{error}"
        )
    return "\n\n".join(parts)


def _why_no_oracle(table: ResultTable, scenario: str) -> str:
    """Returns why the oracle cannot serve in a scenario, where the benchmark noted that."""
    noted = table.read_settings().get("left_out", [])
    reasons = [
        each["reason"]
        for each in noted
        if (each["scenario"], each["agent"]) == (scenario, REFERENCE)
    ]
    return "".join(reasons[:1])


def _left_out(table: ResultTable) -> str:
    """Returns which agents do not suit a scenario, as the benchmark noted in its settings."""
    lines = [
        f"- {style.short_name(each['scenario'])}, {each['agent']}: {each['reason']}."
        for each in table.read_settings().get("left_out", [])
    ]
    return "\n".join(["## Left out\n", *lines]) if lines else ""


def _versions(table: ResultTable) -> str:
    versions = table.read_versions()
    if not versions:
        return ""
    lines = [_line(["package", "version"]), _line(["---", "---"])]
    lines += [_line([name, str(version)]) for name, version in versions.items()]
    return "## Versions\n\n" + "\n".join(lines)


def _how_to_redraw(table: ResultTable, figures: Collection[str]) -> str:
    settings = table.read_settings()
    commands = [*settings.get("earlier_commands", []), settings.get("command", "")]
    is_whole = set(figures) >= set(FIGURES)
    what = (
        "This page and its figures"
        if is_whole
        else f"This page with all figures ({', '.join(FIGURES)})"
    )
    text = (
        f"## How to redraw and repeat\n\n{what}, from `rows.csv` alone, in this folder:\n\n"
        "    recsim-env plot ."
    )
    if any(commands):
        text += "\n\nThe runs (finished ones are kept: use a new folder):\n\n    "
        text += "\n    ".join(filter(None, commands))
    return text


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
