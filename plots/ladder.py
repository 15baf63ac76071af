"""How far each kind of agent gets in each scenario: one figure and one table of a benchmark."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from recsim_env.agent_registry import TUNED, is_reference, names_of
from recsim_env.plots import style
from recsim_env.plots.captions import learned_from, number, seeds, seeds_and_intervals
from recsim_env.results.standings import BASELINE, CEILINGS, REFERENCE, Rungs, ladder
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The family of agents that are not ours.
OTHERS = "others"

# What a cell shows of the scale from uniform (0) to the best reference (1), and where cells begin.
_LOW, _HIGH, _PITCH = -0.25, 1.2, 1.62

# Within a row of height 1: where the agent's name and its dot stand.
_NAME, _DOT, _HEADING = -0.2, 0.16, -0.62

# Inches.
_COLUMN_WIDTH, _ROW_HEIGHT = 1.6, 0.5
_LEFT, _RIGHT, _TOP, _BOTTOM = 2.0, 0.1, 0.8, 0.75


def draw_ladder(table: ResultTable, ax: Axes | None = None) -> Axes:
    """Draws the best agent of each family in each scenario, from uniform (0) to 1.

    Rows are scenarios and columns families; 1 is the best reference of the scenario. The best of a
    row is bold and shaded, and so are the others that may be the best (`best_set`).

    Args:
      table: results of the benchmark.
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: no scenario has a scale, and an agent that learns.
    """
    rows = _rows(table)
    families = _families(rows)
    best = [{family: _best_of(row, family) for family in families} for row in rows]
    shown = [row.scores[a] for row, of in zip(rows, best, strict=True) for a in of.values() if a]
    with style.house_style():
        ax = ax or _new_axes(len(rows), len(families))
        style.dress(
            ax,
            title="How far each family of agents gets",
            caption=f"best of each family after {learned_from(table)}, "
            f"{seeds_and_intervals(shown, 'whiskers')}",
            xlabel=f"score in each column ({BASELINE} = 0, best reference = 1; tick: {REFERENCE})\n"
            "shaded: may be the best of its row (paired, all comparisons considered, 95 %)",
            ylabel="",
        )
        _lay_out(ax, rows, families)
        for place, (row, of_family) in enumerate(zip(rows, best, strict=True)):
            for column, family in enumerate(families):
                _draw_cell(ax, (column * _PITCH, place), row, of_family[family])
    return ax


def ladder_table(table: ResultTable) -> str:
    """Returns a Markdown table of agents by scenarios, with the score of each.

    Raises:
      ValueError: no scenario has a scale, and an agent that learns.
    """
    rows = _rows(table)
    known = {agent for row in rows for agent in row.scores}
    learners = [a for f in _families(rows) for a in _members(f, known)]
    ends = [agent for agent in CEILINGS if agent in known]
    names = [style.short_name(row.scenario) for row in rows]
    lines = [["agent", *names], ["---", *["---:"] * len(rows)]]
    lines += [[agent, *(_cell(row, agent) for row in rows)] for agent in [*learners, *ends]]
    lines.append(["*best reference*", *(row.reference for row in rows)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ladder_caption(table: ResultTable) -> str:
    """Returns what must be said of the table's numbers."""
    rows = _rows(table)
    shown = [row.scores[agent] for row in rows for agent in row.scores if agent != BASELINE]
    few = "; one seed shows no difference" if any(each.n == 1 for each in shown) else ""
    return (
        f"Scores after {learned_from(table)} ({BASELINE} 0, the best reference of the scenario 1), "
        f"means of {seeds(shown)}; the sections below have returns, and scores with the "
        f"{REFERENCE} at 1, with their intervals. Bold: the best agent that learns; italic: may be "
        "the best too, since no agent that learns is significantly better (paired, all comparisons "
        f"in the scenario considered, 95 %){few}. A dash: it did not run there."
    )


def _rows(table: ResultTable) -> list[Rungs]:
    rows = ladder(table)
    if not rows:
        raise ValueError(
            f"no scenario has finished runs of {BASELINE}, of a reference that beats "
            "it, and of an agent that learns"
        )
    return rows


def _families(rows: list[Rungs]) -> list[str]:
    """Returns the families that have an agent in a row, in the order of the style."""
    known = {agent for row in rows for agent in row.scores}
    return [family for family in [*style.families(), OTHERS] if _members(family, known)]


def _members(family: str, agents: set[str]) -> list[str]:
    """Returns which of the agents that learn are of a family, in the order of the style."""
    learners = {agent for agent in agents if not is_reference(agent)}
    if family == OTHERS:
        return sorted(agent for agent in learners if style.family_of(agent) is None)
    own = [label for name in names_of(family) for label in (name, f"{name}{TUNED}")]
    return [label for label in own if label in learners]


def _best_of(row: Rungs, family: str) -> str | None:
    members = _members(family, set(row.scores))
    return max(members, key=lambda agent: row.scores[agent].mean) if members else None


def _cell(row: Rungs, agent: str) -> str:
    if agent not in row.scores:
        return "–"
    text = number(row.scores[agent].mean, 2)
    if agent not in row.best:
        return text
    return f"**{text}**" if agent == row.best[0] else f"*{text}*"


def _new_axes(n_rows: int, n_columns: int) -> Axes:
    inner = n_columns * _COLUMN_WIDTH, (n_rows + 1) * _ROW_HEIGHT
    width, height = inner[0] + _LEFT + _RIGHT, inner[1] + _TOP + _BOTTOM
    box = (_LEFT / width, _BOTTOM / height, inner[0] / width, inner[1] / height)
    return Figure(figsize=(width, height)).add_axes(box)


def _lay_out(ax: Axes, rows: list[Rungs], families: list[str]) -> None:
    """Draws headings, guides and labels: all but the agents."""
    ends = [column * _PITCH + end for column in range(len(families)) for end in (0.0, 1.0)]
    ax.set_xlim(_LOW, (len(families) - 1) * _PITCH + _LOW + _PITCH)
    ax.set_ylim(len(rows) - 0.5, -1.5)
    ax.set_xticks(ends, ["0", "1"] * len(families))
    ax.set_yticks([])
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.hlines(
        [place - 0.5 for place in range(1, len(rows) + 1)],
        *ax.get_xlim(),
        color=style.GRID,
        linewidth=0.8,
        zorder=0.8,
    )
    for column, family in enumerate(families):
        left = column * _PITCH + _LOW
        color = style.families().get(family, style.FAINT_INK)
        ax.hlines(_HEADING, left, left + _HIGH - _LOW, color=color, linewidth=4)
        heading = "\n".join(textwrap.wrap(family, 19))
        ax.text(left, _HEADING - 0.14, heading, va="bottom", fontsize=10, color=style.INK)
    for place, row in enumerate(rows):
        for offset, text, size, color in (
            (_NAME, style.short_name(row.scenario), 10, style.INK),
            (_DOT, f"1 = {row.reference}", 8.5, style.FAINT_INK),
        ):
            ax.annotate(
                text,
                (0, place + offset),
                xycoords=ax.get_yaxis_transform(),
                xytext=(-12, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=size,
                color=color,
                annotation_clip=False,
            )


def _draw_cell(ax: Axes, corner: tuple[float, int], row: Rungs, agent: str | None) -> None:
    """Draws an agent's name, dot and whisker; `corner` is where its score is 0, and its row."""
    left, place = corner
    if agent is None:
        ax.text(left + 0.5, place, "–", ha="center", va="center", color=style.FAINT_INK)
        return
    found, look = row.scores[agent], style.agent_style(agent)
    is_best = agent in row.best
    if is_best:
        ax.fill_between(
            [left + _LOW, left + _HIGH],
            place - 0.46,
            place + 0.46,
            color="#f0f0ea",
            linewidth=0,
            zorder=0.5,
        )
    ax.text(
        left + _LOW + 0.03,
        place + _NAME,
        agent,
        va="center",
        fontsize=9,
        color=style.INK,
        fontweight="bold" if is_best else "normal",
    )
    guides = place + _DOT - 0.2, place + _DOT + 0.2
    ax.vlines([left, left + 1.0], *guides, color=style.CROWD, linewidth=0.9, zorder=1)
    _draw_tick(ax, left, place, row)
    if found.has_interval:
        ends = [left + _clipped(end) for end in (found.low, found.high)]
        ax.plot(ends, [place + _DOT] * 2, color=look.color, linewidth=2.2, solid_capstyle="round")
    is_cut = found.mean != _clipped(found.mean)
    marker = ("<" if found.mean < _LOW else ">") if is_cut else look.marker
    ax.plot(
        [left + _clipped(found.mean)],
        [place + _DOT],
        color=look.color,
        marker=marker,
        markersize=8.0 * look.marker_scale,
        markeredgecolor="white",
        markeredgewidth=0.7,
        label=f"{style.short_name(row.scenario)}: {agent}",
        zorder=3,
        clip_on=False,
    )


def _draw_tick(ax: Axes, left: float, place: int, row: Rungs) -> None:
    """Draws where the oracle stands, unless it is the best reference or outside."""
    level = row.scores.get(REFERENCE)
    if level is not None and row.reference != REFERENCE and _clipped(level.mean) == level.mean:
        ax.plot([left + level.mean], [place + _DOT], color=style.INK, marker="|", markersize=11.0)


def _clipped(score: float) -> float:
    return min(max(score, _LOW), _HIGH)
