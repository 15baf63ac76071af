"""Every agent against every other: a square of shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from recsim_env.plots import style
from recsim_env.plots.captions import over_scenarios
from recsim_env.results.aggregates import (
    Comparison,
    SharedRuns,
    improvement_probabilities,
    shared_runs,
)
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Purple against orange: told apart with any colour vision, and white where none is better.
_COLORS = "PuOr"

# Inches.
_CELL, _LEFT, _RIGHT, _TOP, _BOTTOM = 0.33, 1.7, 0.2, 0.8, 1.9


def draw_improvement_matrix(
    table: ResultTable, ax: Axes | None = None, *, runs: SharedRuns | None = None
) -> Axes:
    """Draws how likely each agent does better than each other in a scenario drawn at random.

    Args:
      table: results of the benchmark.
      ax: where to draw; a figure of its own by default.
      runs: which; those of `shared_runs(table)` by default.

    Raises:
      ValueError: no agents ran in the same scenarios, as in `shared_runs`.
    """
    runs = runs or shared_runs(table)
    found = improvement_probabilities(runs)
    cells = [cell for a, row in enumerate(found.probabilities) for cell in row[a + 1 :]]
    with style.house_style():
        ax = ax or square_axes(len(found.agents))
        style.dress(
            ax,
            title="Over all scenarios: who does better than whom",
            caption=over_scenarios(table, runs, cells, "each pair alone"),
            xlabel="",
            ylabel="",
        )
        draw_matrix(ax, _ranked(found))
        ax.set_xlabel(
            "% of runs, on the same people, in which the agent of the line does better than\n"
            "that of the column; pale: not significantly different from 50 % (each pair alone)",
            color=style.INK,
            loc="left",
        )
    return ax


def draw_matrix(ax: Axes, shares: Comparison) -> None:
    """Draws shares of wins as percentages; pale where the interval holds a half.

    Args:
      ax: where to draw.
      shares: agents in the order of lines and columns.
    """

    def cell(line: int, column: int) -> Cell:
        found = shares.probabilities[line][column]
        is_sure = not found.has_interval or found.low > 0.5 or found.high < 0.5
        return Cell(f"{100 * found.mean:.0f}", found.mean, is_sure)

    draw_cells(ax, shares.agents, cell)


class Cell(NamedTuple):
    """What one agent is to another.

    Attributes:
      text: what is written; nothing where that is empty.
      shade: where the agent of the line stands, from far worse (0) to far better (1).
      is_sure: whether that is significant; pale otherwise.
    """

    text: str
    shade: float
    is_sure: bool


def draw_cells(ax: Axes, agents: Sequence[str], cell: Callable[[int, int], Cell | None]) -> None:
    """Draws every agent against every other.

    Args:
      ax: where to draw.
      agents: in the order of lines and columns.
      cell: what the agent of a line is to that of a column, or None where nothing is known.
    """
    n = len(agents)
    colors = np.ones((n, n, 3))
    size = 8.0 if n <= 25 else 6.5
    for line, column in np.ndindex(n, n):
        found = cell(line, column) if line != column else None
        if found is None:
            continue
        colors[line, column] = _color(found.shade, is_sure=found.is_sure)
        if not found.text:
            continue
        is_dark = colors[line, column] @ (0.299, 0.587, 0.114) < 0.55
        ink = style.INK if found.is_sure else style.FAINT_INK
        ax.text(
            column,
            line,
            found.text,
            ha="center",
            va="center",
            fontsize=size,
            color="white" if is_dark else ink,
            in_layout=False,  # they lie inside the square, and need not be measured
        )
    ax.imshow(colors, interpolation="nearest", aspect="equal")
    ax.set_xticks(range(n), agents, rotation=90)
    ax.set_yticks(range(n), agents)
    ax.tick_params(length=0, labelsize=9, labelcolor=style.INK)
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)


def _color(share: float, *, is_sure: bool) -> np.ndarray:
    color = np.array(colormaps[_COLORS](1.0 - share)[:3])
    return color if is_sure else 1.0 - (1.0 - color) * 0.35


def _ranked(found: Comparison) -> Comparison:
    """Returns the comparison with the agents that do better than most others first."""
    mean = np.array([np.mean([cell.mean for cell in row]) for row in found.probabilities])
    order = np.argsort(-mean, kind="stable").tolist()
    rows = [[found.probabilities[a][b] for b in order] for a in order]
    return Comparison(tuple(found.agents[a] for a in order), rows)


def square_axes(n: int) -> Axes:
    """Returns axes of a figure of its own that so many agents fit into."""
    inner = max(n, 8) * _CELL
    width, height = inner + _LEFT + _RIGHT, inner + _TOP + _BOTTOM
    box = (_LEFT / width, _BOTTOM / height, inner / width, inner / height)
    return Figure(figsize=(width, height)).add_axes(box)
