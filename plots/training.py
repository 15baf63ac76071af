"""How the reward of agents grew while they were trained, from the tables beside their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from recsim_env.plots import line_names, style
from recsim_env.plots.captions import interactions
from recsim_env.results.layout import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_training(curves: Mapping[str, Sequence[Row]], ax: Axes | None = None) -> Axes:
    """Draws reward per interaction against the interactions learned from.

    Lines are of the people that agents learned from; large markers are of others, whom they served
    frozen, before and after.

    Args:
      curves: what each agent is called, and the rows of `recsim_env.results.learning_curve`.
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: no curve is given, or they are of several scenarios, whose rewards differ.
    """
    scenarios = sorted({row["scenario"] for rows in curves.values() for row in rows})
    if len(scenarios) != 1:
        raise ValueError(
            f"curves of {', '.join(scenarios) or 'no scenario'} have no axis in common; draw those "
            "of one scenario together"
        )
    with style.house_style():
        ax = ax or style.new_axes(height=line_names.height_for_labels(len(curves)))
        ends = {name: _draw_one(ax, name, rows) for name, rows in curves.items()}
        spent = interactions(max(row["interactions"] for row in rows) for rows in curves.values())
        style.dress(
            ax,
            title=f"{_short(scenarios[0])}: reward in training",
            caption=f"{spent}; one run each, lines: while learning, diamonds: frozen, other people",
            xlabel="interactions learned from",
            ylabel="reward per interaction",
        )
        style.count_interactions(ax)
        style.group_digits(ax)
        line_names.label_at_right(ax, ends)
    return ax


def _draw_one(ax: Axes, name: str, rows: Sequence[Row]) -> float:
    """Draws a curve, and returns the height of its end."""
    look = style.agent_style(name)
    online = [row for row in rows if row["phase"] == "online"]
    frozen = [row for row in rows if row["phase"] == "evaluation"]
    for shown, marker, line in ((online, "", look.linestyle), (frozen, "D", "")):
        ax.plot(
            [row["interactions"] for row in shown],
            [row["reward_per_step"] for row in shown],
            color=look.color,
            linestyle=line,
            marker=marker,
            markersize=8,
            markeredgecolor="white",
            label=name if shown is online else None,
        )
    return float((frozen or online)[-1]["reward_per_step"])


def _short(scenario: str) -> str:
    return scenario.rpartition(":")[2] or scenario
