"""How agents fare with the number of interactions: evaluations, reward while learning, regret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from recsim_env.plots import line_names, style
from recsim_env.plots.captions import interactions, seeds_and_intervals
from recsim_env.results.intervals import Estimate, estimate
from recsim_env.results.standings import (
    ALWAYS_RUN,
    Curve,
    evaluation_curves,
    final_by_seed,
    made_elsewhere,
    online_curves,
    regret_curves,
)
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of more agents than these that learn, only so many have colour, marker and band.
_MANY, _BEST = 10, 8


def draw_learning_curves(table: ResultTable, scenario: str, ax: Axes | None = None) -> Axes:
    """Draws the return in frozen evaluations against the interactions learned from.

    Agents that learn are lines with markers; uniform, oracle and far-sighted are levels, and so is
    what was made elsewhere. The bands are the intervals over seeds. Of many agents the best are
    drawn so, and those that are not ours; the others are thin and grey. Interactions are on a
    logarithmic axis where evaluations lie by equal factors apart: where lines cross, one agent
    overtakes another.

    Args:
      table: results of the benchmark.
      scenario: one of `table.scenarios()`.
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: the table has no finished run of the scenario.
    """
    finals = final_by_seed(table, scenario)
    curves = [
        curve for curve in evaluation_curves(table, scenario) if curve.agent not in ALWAYS_RUN
    ]
    spent = interactions(
        row["interactions"] for row in table.rows(phase="final", scenario=scenario)
    )
    fixed = [*ALWAYS_RUN, *made_elsewhere(table, scenario)]
    levels = {agent: estimate(list(finals[agent].values())) for agent in fixed if agent in finals}
    faint = _faint(curves)
    with style.house_style():
        ax = ax or style.new_axes(height=line_names.height_for_labels(len(curves) + len(levels)))
        ends = {curve.agent: _draw_curve(ax, curve, faint) for curve in curves}
        ends |= {agent: style.draw_level(ax, agent, level) for agent, level in levels.items()}
        shown = _with_bands(curves, faint) + list(levels.values())
        style.dress(
            ax,
            title=f"{style.short_name(scenario)}: return after learning",
            caption=f"{spent}, {seeds_and_intervals(shown, 'bands')}{_told_apart(faint)}",
            xlabel="interactions learned from",
            ylabel="return (reward per episode)",
        )
        _finish(ax, curves, shown, ends, faint)
    return ax


def draw_online_reward(table: ResultTable, scenario: str, ax: Axes | None = None) -> Axes:
    """Draws the reward per interaction that people got while the agent was learning.

    Many agents are drawn as in `draw_learning_curves`.

    Args:
      table: results of the benchmark.
      scenario: one of `table.scenarios()`.
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: the table has no online rows of the scenario.
    """
    curves = online_curves(table, scenario)
    if not curves:
        raise ValueError(f"no online rows of scenario={scenario!r} are in the table")
    return _draw_online(
        curves,
        ax,
        title=f"{style.short_name(scenario)}: reward while learning",
        ylabel="reward per interaction",
    )


def draw_regret(table: ResultTable, scenario: str, ax: Axes | None = None) -> Axes:
    """Draws the cumulative regret while learning: reward lost to the oracle, paired by seed.

    Axes are logarithmic where the worst agent loses more than ten times what the best loses: there
    a loss that grows with time is a line of slope 1, and one that grows like its logarithm bends.

    Many agents are drawn as in `draw_learning_curves`.

    Args:
      table: results of the benchmark.
      scenario: one of `table.scenarios()`.
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: no online row of the scenario has the oracle's reward.
    """
    curves = [curve for curve in regret_curves(table, scenario) if curve.agent != "oracle"]
    if not curves:
        raise ValueError(
            f"no online row of scenario={scenario!r} has oracle_reward_per_step; "
            "run the oracle in the benchmark"
        )
    return _draw_online(
        curves,
        ax,
        title=f"{style.short_name(scenario)}: regret while learning",
        ylabel="cumulative regret (reward lost to the oracle)",
        zero="oracle",
        is_log=differ_widely([curve.estimates[-1].mean for curve in curves]),
    )


def differ_widely(values: list[float]) -> bool:
    """Returns whether all are positive, and the largest is more than ten times the smallest."""
    return 0 < 10 * min(values) < max(values)


def _draw_online(
    curves: list[Curve],
    ax: Axes | None,
    *,
    title: str,
    ylabel: str,
    zero: str = "",
    is_log: bool = False,
) -> Axes:
    spent = interactions(curve.interactions[-1] for curve in curves)
    faint = _faint(curves, is_loss=bool(zero))
    shown = _with_bands(curves, faint)
    with style.house_style():
        ax = ax or style.new_axes(height=line_names.height_for_labels(len(curves) + bool(zero)))
        ends = {curve.agent: _draw_curve(ax, curve, faint) for curve in curves}
        if zero and not is_log:
            look = style.agent_style(zero)
            ax.axhline(0.0, color=look.color, linestyle=look.linestyle, linewidth=1.4)
            ends[zero] = 0.0
        style.dress(
            ax,
            title=title,
            caption=f"{spent}, {seeds_and_intervals(shown, 'bands')}{_told_apart(faint)}",
            xlabel="interactions",
            ylabel=ylabel,
        )
        if is_log:
            _finish_log(ax, curves, ends, faint)
        else:
            _finish(ax, curves, shown, ends, faint)
    return ax


def _faint(curves: list[Curve], *, is_loss: bool = False) -> set[str]:
    """Returns the agents that are drawn thin and grey: where there are many, all but the best."""
    ranked = sorted(curves, key=lambda curve: curve.estimates[-1].mean, reverse=not is_loss)
    return set(crowd(curve.agent for curve in ranked))


def crowd(ranked: Iterable[str]) -> list[str]:
    """Returns whom a figure shows only for comparison: of many agents of ours all but the best.

    Args:
      ranked: agents, the best first.
    """
    ours = [agent for agent in ranked if style.is_known(agent) and agent not in ALWAYS_RUN]
    return ours[_BEST:] if len(ours) > _MANY else []


def _with_bands(curves: list[Curve], faint: set[str]) -> list[Estimate]:
    return [each for curve in curves if curve.agent not in faint for each in curve.estimates]


def _told_apart(faint: set[str]) -> str:
    """Returns what a caption says of who has a colour."""
    return f"; best {_BEST} of {_BEST + len(faint)} in colour" if faint else ""


def _draw_curve(ax: Axes, curve: Curve, faint: set[str]) -> float:
    """Draws line and band, or only a thin line, and returns the height of the line's end."""
    look = style.agent_style(curve.agent)
    if curve.agent in faint:
        ax.plot(
            curve.interactions,
            [each.mean for each in curve.estimates],
            color=style.CROWD,
            linewidth=0.9,
            label=curve.agent,
            zorder=2.1,
        )
        return curve.estimates[-1].mean
    x = np.array(curve.interactions)
    low, mean, high = (
        np.array([getattr(each, name) for each in curve.estimates])
        for name in ("low", "mean", "high")
    )
    is_reference = curve.agent in ALWAYS_RUN
    if not np.isnan(low).all():
        ax.fill_between(x, low, high, color=look.color, alpha=style.BAND_OPACITY, linewidth=0)
    ax.plot(
        x,
        mean,
        color=look.color,
        linestyle=look.linestyle,
        marker="" if is_reference else look.marker,
        markersize=style.MARKER_SIZE * look.marker_scale,
        markevery=max(1, len(x) // 12),
        markeredgecolor="white",
        markeredgewidth=0.7,
        label=curve.agent,
        zorder=2.5 if is_reference else 3,
    )
    return float(mean[-1])


def _finish(
    ax: Axes, curves: list[Curve], shown: list[Estimate], ends: dict[str, float], faint: set[str]
) -> None:
    """Fixes the limits, then labels the lines' ends, which stand where the limits put them."""
    last = max((curve.interactions[-1] for curve in curves), default=1)
    first = min((curve.interactions[0] for curve in curves), default=0)
    first = first if first < last else 0  # a single evaluation is a point, not a span
    is_log = any(map(_goes_by_factors, curves))
    if is_log:
        ax.set_xscale("log")
        ax.set_xlim(0.93 * first, 1.03 * last)
    else:
        ax.set_xlim(first - 0.02 * (last - first), last + 0.01 * (last - first))
    lines = [each.mean for curve in curves for each in curve.estimates]
    ax.set_ylim(style.limits(shown, [*lines, *ends.values()]))
    if is_log:
        style.count_interactions_by_tens(ax)
    else:
        style.count_interactions(ax)
        style.group_digits(ax)
    line_names.label_at_right(ax, ends, faint)


def _goes_by_factors(curve: Curve) -> bool:
    """Returns whether each evaluation is by about the same factor later than the one before."""
    if len(curve.interactions) < 3 or curve.interactions[0] <= 0:
        return False
    factors = np.diff(np.log(curve.interactions))
    return bool(factors.max() < 1.25 * factors.min())


def _finish_log(ax: Axes, curves: list[Curve], ends: dict[str, float], faint: set[str]) -> None:
    """Makes both axes logarithmic, from the first bin's end on, then labels the lines' ends."""
    first = min(step for curve in curves for step in curve.interactions if step > 0)
    means = [
        each.mean
        for curve in curves
        for step, each in zip(curve.interactions, curve.estimates, strict=True)
        if step > 0 and each.mean > 0
    ]
    ax.set_xscale("log", nonpositive="mask")
    ax.set_yscale("log", nonpositive="clip")
    ax.set_xlim(first, 1.05 * max(curve.interactions[-1] for curve in curves))
    ax.set_ylim(0.8 * min(means), 1.25 * max(means))
    style.count_interactions_by_tens(ax)
    line_names.label_at_right(ax, ends, faint)
