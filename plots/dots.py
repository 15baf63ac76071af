"""Agents in lines, best on top: a dot with its whisker, and numbers at the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recsim_env.plots import style
from recsim_env.results.intervals import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKER_SIZES: dict[Any, float] = {"*": 14.0, "P": 11.0, "X": 11.0, "D": 7.5, "x": 8.0}
_COLUMN_POINTS = 58


def height_for(n_agents: int) -> float:
    """Returns how high a figure of so many agents is, in inches."""
    return 1.7 + 0.42 * n_agents


def draw_dots(
    ax: Axes, agents: Mapping[str, Estimate], columns: Mapping[str, Sequence[str]]
) -> None:
    """Draws a line for each agent; whiskers that leave the Axes end with an arrow.

    Args:
      ax: whose limits along x are final.
      agents: agent to what its dot and whisker show, the best first.
      columns: heading to a text for each agent, written at the right.
    """
    for place, (agent, found) in enumerate(agents.items()):
        _draw_dot(ax, place, agent, found)
    ax.set_ylim(len(agents) - 0.4, -0.6)
    ax.set_yticks(range(len(agents)), list(agents))
    ax.tick_params(axis="y", length=0, labelsize=10, labelcolor=style.INK)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", color=style.GRID, linewidth=0.8)
    for column, (heading, texts) in enumerate(columns.items(), start=1):
        _write_column(ax, heading, texts, column * _COLUMN_POINTS)


def mark(ax: Axes, *scores: float) -> None:
    """Draws where some scores are, such as those of uniform and of the reference."""
    for score in scores:
        ax.axvline(score, color=style.FAINT_INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)


def _write_column(ax: Axes, heading: str, texts: Sequence[str], right: float) -> None:
    """Writes numbers so many points right of the Axes, and what they are above them."""
    for place, text in enumerate(texts):
        ax.annotate(
            text,
            (1, place),
            xycoords=ax.get_yaxis_transform(),
            xytext=(right, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9.5,
            color=style.INK,
            annotation_clip=False,
        )
    ax.annotate(
        heading,
        (1, 1),
        xycoords="axes fraction",
        xytext=(right, 0),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        color=style.FAINT_INK,
        annotation_clip=False,
    )


def _draw_dot(ax: Axes, place: int, agent: str, found: Estimate) -> None:
    look = style.agent_style(agent)
    low, high = ax.get_xlim()
    if found.has_interval:
        ends = [max(found.low, low), min(found.high, high)]
        ax.plot(ends, [place, place], color=look.color, linewidth=2.2, solid_capstyle="round")
        for end, is_cut, arrow in ((low, found.low < low, "<"), (high, found.high > high, ">")):
            if is_cut:
                ax.plot([end], [place], color=look.color, marker=arrow, clip_on=False)
    ax.plot(
        [found.mean],
        [place],
        color=look.color,
        marker=look.marker,
        markersize=_MARKER_SIZES.get(look.marker, 9.0 * look.marker_scale),
        markeredgecolor=look.color if look.marker == "x" else "white",
        markeredgewidth=2.0 if look.marker == "x" else 0.7,
        label=agent,
        zorder=3,
    )
