"""What a log says that policies earn: estimates with intervals, and the truth beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from recsim_env.plots import style
from recsim_env.results.off_policy import PER_SLATE, PolicyValue

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from recsim_env.ope.clipping import ClippedEstimate

_RIGHT, _WRONG, _DOUBTED = "#0072b2", "#d55e00", "#999999"
_INCH = 0.3


def draw_policy_values(values: Sequence[PolicyValue], ax: Axes | None = None) -> Axes:
    """Draws what a log says that one policy earns, a line for each estimator.

    The band is the true value with its error, where it is known; blue discs are estimates whose
    interval holds it, or of which nothing is known, orange squares such whose does not. Hollow grey
    ones come with a warning; an arrowhead at the edge stands for one that lies beyond it.

    Args:
      values: of one policy and one `per`.
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: there are no values, or of more than one policy.
    """
    if len({(each.policy, each.per) for each in values}) != 1:
        raise ValueError("draw_policy_values draws one policy, per slate or per session")
    with style.house_style():
        ax = ax or style.new_axes(7.2, 1.7 + _INCH * len(values))
        ax.set_xlim(_limits(values))
        truth = values[0].truth
        if truth is not None:
            ax.axvspan(truth.low, truth.high, color=style.GRID, linewidth=0)
            ax.axvline(truth.mean, color=style.INK, linewidth=1.2)
        for place, each in enumerate(values):
            _draw_value(ax, place, each)
        what = "slate" if values[0].per == PER_SLATE else "session"
        found = values[0].estimate
        said = f"whiskers: {found.method}"
        if truth is not None:
            said += "; line: the truth"
        if any(each.warnings for each in values):
            said += "; hollow: do not believe; arrowhead: further out"
        style.dress(
            ax,
            title=f"{values[0].policy}, by the log of others",
            caption=said,
            xlabel=f"reward of a {what}",
            ylabel="",
        )
        ax.grid(axis="y", visible=False)
        ax.set_ylim(len(values) - 0.4, -0.6)
        ax.set_yticks(range(len(values)), [each.estimator for each in values])
    return ax


def _draw_value(ax: Axes, place: int, each: PolicyValue) -> None:
    color = _WRONG if each.is_covered is False else _RIGHT
    color = _DOUBTED if each.warnings else color
    low, high = ax.get_xlim()
    found = each.estimate
    if found.has_interval:
        ends = [min(max(end, low), high) for end in (found.low, found.high)]
        ax.plot(ends, [place, place], color=color, linewidth=2.0, solid_capstyle="round")
    ax.plot(
        [min(max(found.mean, low), high)],
        [place],
        color=color,
        marker=_marker(each, low, high),
        markersize=7.0,
        markerfacecolor="white" if each.warnings else color,
        clip_on=False,
        zorder=3,
    )


def _marker(each: PolicyValue, low: float, high: float) -> str:
    """Returns what stands for an estimate between two ends."""
    if not low <= each.estimate.mean <= high:
        return "<" if each.estimate.mean < low else ">"
    return "s" if each.is_covered is False else "o"


def _limits(values: Sequence[PolicyValue]) -> tuple[float, float]:
    """Returns ends along x that show all estimates without a warning, and the truth."""
    sound = [each for each in values if not each.warnings] or list(values)
    ends = [end for each in sound for end in (each.estimate.low, each.estimate.high)]
    if values[0].truth is not None:
        ends += [values[0].truth.low, values[0].truth.high]
    known = np.array(ends)[np.isfinite(ends)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    room = 0.08 * (high - low) or 0.5
    return low - room, high + room


def draw_clipping(policy: str, curve: Sequence[ClippedEstimate], ax: Axes | None = None) -> Axes:
    """Draws what the reward of a slate becomes as ever larger weights are left as they are.

    Args:
      policy: its name.
      curve: of `recsim_env.ope.clipping.clipping_curve`.
      ax: where to draw; a figure of its own by default.
    """
    clips = [each.clip for each in curve]
    values = np.array([each.estimate.value for each in curve])
    ends = np.array([[each.estimate.low, each.estimate.high] for each in curve])
    with style.house_style():
        ax = ax or style.new_axes(6.4, 4.0)
        reach = np.abs(ends - values[:, None]).T
        ax.errorbar(clips, values, yerr=reach, color=_RIGHT, marker="o", capsize=3.0)
        for each in curve:
            said = f"{each.lost_weight:.0%} lost"
            ax.annotate(
                said,
                (each.clip, each.estimate.high),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=style.INK,
            )
        ax.set_xscale("log")
        ax.margins(x=0.12)  # room for what stands above the first and the last
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        style.dress(
            ax,
            title=f"{policy}: what the largest weights carry",
            caption="clipped importance sampling; a curve that still rises rests on a few rows",
            xlabel="largest weight that is left as it is",
            ylabel="reward of a slate",
        )
    return ax
