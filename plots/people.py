"""What agents do to people while they learn: metrics of those who are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsim_env.plots import style
from recsim_env.plots.captions import interactions, seeds_and_intervals
from recsim_env.results.intervals import Estimate
from recsim_env.results.measured import metric_curves
from recsim_env.results.metrics import METRICS
from recsim_env.results.people import TELLING
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Panels of a figure, of more lines than these only so many in colour, and names in a row below.
_MOST_PANELS, _MOST_LINES, _IN_A_ROW = 6, 10, 5


def draw_people(measured: ResultTable, scenario: str) -> Axes:
    """Draws the most telling metrics of people against the interactions learned from.

    Agents that learn are lines; those that do not are levels. Bands are intervals over seeds. Of
    many agents those of the best liking are drawn so, and the others are thin and grey.

    Args:
      measured: of `recsim_env.results.metrics.metric_table`.
      scenario: one of `measured.scenarios()`.

    Returns:
      The first of up to six panels of a figure of its own.

    Raises:
      ValueError: nothing was measured along learning in the scenario.
    """
    curves = {name: metric_curves(measured, scenario, name) for name in TELLING}
    shown = [name for name, lines in curves.items() if _is_worth_drawing(lines)][:_MOST_PANELS]
    if not shown:
        raise ValueError(
            f"nothing was measured along learning in scenario={scenario!r}; it takes an agent that "
            "learns, two evaluations of it (--checkpoints 2), and a metric that differs"
        )
    with style.house_style():
        panels = style.new_panels(len(shown), height=3.8)
        coloured = _coloured(curves[shown[0]])
        for ax, name in zip(panels, shown, strict=True):
            _draw_metric(ax, name, curves[name], coloured)
        spent = interactions(row["interactions"] for row in measured.rows(scenario=scenario))
        drawn = [each for name in shown for line in curves[name].values() for _, each in line]
        first = panels[0]
        caption = f"{spent}, {seeds_and_intervals(drawn, 'bands')}"
        style.set_caption(first, caption)
        handles, labels = first.get_legend_handles_labels()
        first.figure.legend(
            handles,
            labels,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.02),
            ncols=_IN_A_ROW,
            frameon=False,
            fontsize=9.5,
        )
    return first


def _is_worth_drawing(lines: dict[str, list[tuple[int, Estimate]]]) -> bool:
    """Returns whether a metric was measured while learning, and differs at all."""
    means = {each.mean for line in lines.values() for _, each in line}
    return any(len(line) > 1 for line in lines.values()) and max(means) - min(means) > 1e-9


def _coloured(lines: dict[str, list[tuple[int, Estimate]]]) -> set[str]:
    learning = sorted(
        (agent for agent, line in lines.items() if len(line) > 1),
        key=lambda agent: -lines[agent][-1][1].mean,
    )
    return {*learning[:_MOST_LINES], *(agent for agent, line in lines.items() if len(line) == 1)}


def _draw_metric(
    ax: Axes, name: str, lines: dict[str, list[tuple[int, Estimate]]], coloured: set[str]
) -> None:
    for agent, line in lines.items():
        if len(line) == 1:
            style.draw_level(ax, agent, line[0][1])
            continue
        x, means = [point for point, _ in line], [each.mean for _, each in line]
        if agent not in coloured:
            ax.plot(x, means, color=style.CROWD, linewidth=0.8, zorder=1)
            continue
        look = style.agent_style(agent)
        size = style.MARKER_SIZE * look.marker_scale
        ax.plot(
            *(x, means),
            color=look.color,
            marker=look.marker,
            markersize=size,
            linestyle=look.linestyle,
            label=agent,
        )
        if all(each.has_interval for _, each in line):
            lows, highs = [each.low for _, each in line], [each.high for _, each in line]
            ax.fill_between(x, lows, highs, color=look.color, alpha=style.BAND_OPACITY, linewidth=0)
    title, unit = name.replace("_", " "), METRICS[name].unit
    style.dress(ax, title=title, caption="", xlabel="interactions learned from", ylabel=unit)
    ax.set_ylim(*style.limits(each for line in lines.values() for _, each in line))
    style.count_interactions(ax)
