"""What feedback loops do: utility and homogeneity, along rounds of training, beside chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from recsim_env.plots import line_names, style
from recsim_env.plots.captions import seeds_and_intervals
from recsim_env.results.intervals import Estimate
from recsim_env.results.loops import Contrast, Loop
from recsim_env.results.standings import REFERENCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_loops(
    loops: Sequence[Loop], scenario: str, axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draws how useful agents are and how alike they make people, both relative to the oracle.

    Solid lines are agents that learn from their own slates, dashed ones from uniform slates; 0 is
    the oracle.

    Args:
      loops: of `recsim_env.results.loops.loops_in`, one or more.
      scenario: its name.
      axes: two Axes to draw on; a figure of their own by default.

    Raises:
      ValueError: there are no loops, or not two Axes.
    """
    if not loops:
        raise ValueError("there are no loops to draw; run recsim-env feedback first")
    with style.house_style():
        axes = _new_panels() if axes is None else axes
        if len(axes) != 2:
            raise ValueError(f"axes holds {len(axes)} Axes; give two, one for each panel")
        shown = [each for loop in loops for each in (*loop.utility.own, *loop.utility.random)]
        _draw_panel(
            axes[0],
            {loop.agent: (loop.interactions, loop.utility) for loop in loops},
            title=f"{style.short_name(scenario)}: utility",
            caption=seeds_and_intervals(shown, "bands"),
            ylabel=f"return less the {REFERENCE}'s",
        )
        _draw_panel(
            axes[1],
            {loop.agent: (loop.interactions, loop.homogeneity) for loop in loops},
            title="Homogeneity",
            caption="solid: trained on its own log; dashed: on uniform slates",
            ylabel=f"overlap of similar people, less the {REFERENCE}'s",
        )
    return list(axes)


def _new_panels() -> list[Axes]:
    figure = Figure(figsize=(11.5, 4.2))
    return list(figure.subplots(1, 2, gridspec_kw={"wspace": 0.55, "left": 0.07, "right": 0.9}))


def _draw_panel(
    ax: Axes,
    contrasts: dict[str, tuple[list[int], Contrast]],
    *,
    title: str,
    caption: str,
    ylabel: str,
) -> None:
    reference = style.agent_style(REFERENCE)
    ax.axhline(0.0, color=reference.color, linestyle=reference.linestyle, linewidth=1.4)
    ends = {REFERENCE: 0.0}
    shown: list[Estimate] = []
    for agent, (rounds, found) in contrasts.items():
        _draw_line(ax, agent, rounds, found.own, "-")
        _draw_line(ax, agent, rounds, found.random, (0, (4, 2)))
        ends[agent] = found.own[-1].mean
        shown += [*found.own, *found.random]
    last = max(rounds[-1] for rounds, _ in contrasts.values())
    ax.set_xlim(0, 1.02 * last)
    ax.set_ylim(style.limits(shown, [0.0]))
    xlabel = "interactions learned from"
    style.dress(ax, title=title, caption=caption, xlabel=xlabel, ylabel=ylabel)
    style.count_interactions(ax)
    style.group_digits(ax)
    line_names.label_at_right(ax, ends)


def _draw_line(
    ax: Axes, agent: str, rounds: list[int], estimates: list[Estimate], line: object
) -> None:
    look = style.agent_style(agent)
    low, mean, high = (
        np.array([getattr(each, name) for each in estimates]) for name in ("low", "mean", "high")
    )
    if not np.isnan(low).all():
        ax.fill_between(rounds, low, high, color=look.color, alpha=style.BAND_OPACITY, linewidth=0)
    ax.plot(
        rounds,
        mean,
        color=look.color,
        linestyle=line,
        marker=look.marker if line == "-" else "",
        markersize=style.MARKER_SIZE * look.marker_scale,
        markeredgecolor="white",
        markeredgewidth=0.7,
    )
