"""What a log says that policies earn: estimates with intervals, and the truth beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator

from recsim_env.plots import style
from recsim_env.results.estimator_quality import Quality
from recsim_env.results.off_policy import PER_SLATE, PolicyValue

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RIGHT, _WRONG, _DOUBTED = "#0072b2", "#d55e00", "#999999"
_INCH = 0.3

# Of the palette of Okabe and Ito; estimators are told apart by marker and line, too.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b8860b", "#222222")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", (0, (4, 2)))

# What a study varies, by its place in `Trial.kind`.
_SESSIONS = 3
_VARYING = {1: "places of a slate", 2: "steps of a session", _SESSIONS: "sessions of the log"}


def draw_policy_values(values: Sequence[PolicyValue], ax: Axes | None = None) -> Axes:
    """Draws what a log says that one policy earns, a line for each estimator.

    The band is the true value with its error, where it is known; blue discs are estimates whose
    interval holds it, or of which nothing is known, orange squares such whose does not. Hollow grey
    ones come with a warning.

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
            said += "; line: the truth, served to the same people"
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
        marker="s" if each.is_covered is False else "o",
        markersize=7.0,
        markerfacecolor="white" if each.warnings else color,
        clip_on=False,
        zorder=3,
    )


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


def draw_errors(
    found: Mapping[tuple[str, int, int, int], Sequence[Quality]], per: str, ax: Axes | None = None
) -> Axes:
    """Draws the relative error of estimators as logs grow, slates grow, or sessions get longer.

    Along x is whatever varies most: horizons, then slate sizes, then sessions of a log; of the
    others the last is drawn.

    Args:
      found: of `recsim_env.results.estimator_quality.qualities`.
      per: what is estimated, `PER_SLATE` or `PER_SESSION`.
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: nothing was estimated per that.
    """
    kinds = [kind for kind in found if kind[0] == per]
    if not kinds:
        raise ValueError(f"no reward of a {per} was estimated")
    axis = next((k for k in (2, 1, 3) if len({kind[k] for kind in kinds}) > 1), 3)
    last = kinds[-1]
    shown = [k for k in kinds if all(k[at] == last[at] for at in (1, 2, 3) if at != axis)]
    lines: dict[str, dict[int, float]] = {}
    for kind in shown:
        for each in found[kind]:
            lines.setdefault(each.estimator, {})[int(kind[axis])] = each.error
    with style.house_style():
        ax = ax or style.new_axes(7.6, 4.6)
        for number, (name, line) in enumerate(lines.items()):
            ax.plot(
                list(line),
                list(line.values()),
                color=_COLORS[number % len(_COLORS)],
                linestyle=_LINES[number // len(_COLORS) % len(_LINES)],
                marker=_MARKERS[number % len(_MARKERS)],
                label=name,
            )
        ax.set_yscale("log")
        places = sorted({int(kind[axis]) for kind in shown})
        if axis == _SESSIONS:
            ax.set_xscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.set_xticks(places, [f"{place:,}" for place in places], minor=False)
        ax.minorticks_off()
        style.dress(
            ax,
            title=f"Reward of a {per}: which estimator errs least",
            caption="root of the mean squared error over logs and policies",
            xlabel=_VARYING[axis],
            ylabel="error, relative to the true value",
        )
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    return ax
