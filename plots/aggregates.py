"""Who is better over all scenarios: robust means of scores, and ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from recsim_env.plots import dots, style
from recsim_env.plots.captions import number, over_scenarios
from recsim_env.results.aggregates import Aggregate, SharedRuns, aggregates, shared_runs
from recsim_env.results.standings import BASELINE
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHADE = "#f0f0ea"


def draw_aggregates(
    table: ResultTable, ax: Axes | None = None, *, runs: SharedRuns | None = None
) -> Axes:
    """Draws the agents by the interquartile mean of their scores over scenarios and seeds.

    Median and mean of the scores and the optimality gap stand at the right. The best is shaded, and
    so is who is not significantly different from it.

    Args:
      table: results of the benchmark.
      ax: where to draw; a figure of its own by default.
      runs: which; those of `shared_runs(table)` by default.

    Raises:
      ValueError: no agents ran in the same scenarios, as in `shared_runs`.
    """
    runs = runs or shared_runs(table)
    ranked = aggregates(runs)
    shown = {each.agent: each.interquartile_mean for each in ranked}
    with style.house_style():
        ax = ax or style.new_axes(9.2, dots.height_for(len(ranked)))
        ax.set_xlim(style.limits(shown.values(), [0.0, 1.0]))
        _shade(ax, ranked)
        style.dress(
            ax,
            title="Over all scenarios: interquartile mean of scores",
            caption=over_scenarios(table, runs, shown.values(), "whiskers"),
            xlabel=f"interquartile mean of scores ({BASELINE} = 0, best reference = 1)\n"
            "shaded: the best, and those not significantly different (all pairs considered, 95 %)",
            ylabel="",
        )
        columns = {
            "median": [number(each.median.mean, 2) for each in ranked],
            "mean": [number(each.mean.mean, 2) for each in ranked],
            "gap": [number(each.optimality_gap.mean, 2) for each in ranked],
        }
        dots.draw_dots(ax, shown, columns)
        dots.mark(ax, 0.0, 1.0)
    return ax


def draw_ranks(
    table: ResultTable, ax: Axes | None = None, *, runs: SharedRuns | None = None
) -> Axes:
    """Draws the mean rank of each agent over the scenarios, and how far other seeds would move it.

    How often an agent comes first in the drawn tables stands at the right.

    Args:
      table: results of the benchmark.
      ax: where to draw; a figure of its own by default.
      runs: which; those of `shared_runs(table)` by default.

    Raises:
      ValueError: no agents ran in the same scenarios, as in `shared_runs`.
    """
    runs = runs or shared_runs(table)
    ranked = sorted(aggregates(runs), key=lambda each: (each.mean_rank.mean, each.agent))
    shown = {each.agent: each.mean_rank for each in ranked}
    with style.house_style():
        ax = ax or style.new_axes(9.2, dots.height_for(len(ranked)))
        ax.set_xlim(0.5, len(ranked) + 0.5)
        style.dress(
            ax,
            title="Over all scenarios: mean rank",
            caption=over_scenarios(table, runs, shown.values(), "whiskers"),
            xlabel=f"rank by mean score, averaged over scenarios (1 = the best of {len(ranked)})",
            ylabel="",
        )
        first = ["–" if math.isnan(each.first) else f"{each.first:.0%}" for each in ranked]
        dots.draw_dots(ax, shown, {"first": first})
        step = 5 if len(ranked) > 8 else 1
        ax.set_xticks([1, *range(max(step, 2), len(ranked) + 1, step)])
    return ax


def _shade(ax: Axes, ranked: Sequence[Aggregate]) -> None:
    for place, each in enumerate(ranked):
        if each.may_be_best:
            ax.axhspan(place - 0.5, place + 0.5, color=_SHADE, linewidth=0, zorder=0.5)
