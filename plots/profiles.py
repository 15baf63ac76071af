"""How the scores of runs are distributed, for each agent over all scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsim_env.plots import style
from recsim_env.plots.captions import over_scenarios
from recsim_env.plots.curves import crowd
from recsim_env.results.aggregates import Profile, SharedRuns, profiles, shared_runs
from recsim_env.results.standings import BASELINE
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SCORES = [score / 50 for score in range(-10, 61)]


def draw_profiles(
    table: ResultTable, ax: Axes | None = None, *, runs: SharedRuns | None = None
) -> Axes:
    """Draws the share of each agent's runs that score more than each score.

    A curve that is nowhere below another's is of the better agent, whatever one thinks of risk;
    where curves cross, one agent is better where it is easy and the other where it is hard. Of many
    agents the best have colour and band; the others are thin and grey.

    Args:
      table: results of the benchmark.
      ax: where to draw; a figure of its own by default.
      runs: which; those of `shared_runs(table)` by default.

    Raises:
      ValueError: no agents ran in the same scenarios, as in `shared_runs`.
    """
    runs = runs or shared_runs(table)
    ranked = sorted(profiles(runs, _SCORES), key=lambda each: -_area(each))
    faint = set(crowd(each.agent for each in ranked))
    bright = [each for each in ranked if each.agent not in faint]
    with style.house_style():
        ax = ax or style.new_axes(8.0, 5.0)
        ax.set_xlim(_SCORES[0], _last_score(ranked))
        ax.set_ylim(0.0, 1.01)
        for each in reversed(ranked):
            _draw_profile(ax, each, is_faint=each.agent in faint)
        shown = [share for each in bright for share in each.shares]
        style.dress(
            ax,
            title="Over all scenarios: how runs score",
            caption=over_scenarios(table, runs, shown, "bands, at one score"),
            xlabel=f"score ({BASELINE} = 0, best reference = 1)",
            ylabel="share of runs that score more",
        )
        _add_legend(ax, bright, len(faint))
    return ax


def _area(profile: Profile) -> float:
    return sum(share.mean for share in profile.shares)


def _last_score(ranked: list[Profile]) -> float:
    """Returns the lowest score that no run exceeds, but not less than that of the reference."""
    reached = [
        s
        for each in ranked
        for s, share in zip(each.scores, each.shares, strict=True)
        if share.mean > 0
    ]
    return min(max([1.0, *reached]) + 0.04, _SCORES[-1])


def _draw_profile(ax: Axes, profile: Profile, *, is_faint: bool) -> None:
    x = np.array(profile.scores)
    low, mean, high = (
        np.array([getattr(share, name) for share in profile.shares])
        for name in ("low", "mean", "high")
    )
    if is_faint:
        ax.plot(x, mean, color=style.CROWD, linewidth=0.9, label=profile.agent, zorder=2.1)
        return
    look = style.agent_style(profile.agent)
    if not np.isnan(low).all():
        ax.fill_between(x, low, high, color=look.color, alpha=style.BAND_OPACITY, linewidth=0)
    ax.plot(
        x,
        mean,
        color=look.color,
        linestyle=look.linestyle,
        marker=look.marker,
        markersize=style.MARKER_SIZE * look.marker_scale,
        markevery=10,
        markeredgecolor="white",
        markeredgewidth=0.7,
        label=profile.agent,
        zorder=3,
    )


def _add_legend(ax: Axes, bright: list[Profile], n_faint: int) -> None:
    """Names the agents with a colour from the best to the worst, and the others as one."""
    lines = {str(line.get_label()): line for line in ax.lines}
    named = [(lines[each.agent], each.agent) for each in bright]
    if n_faint:
        faint = next(line for line in ax.lines if line.get_color() == style.CROWD)
        named.append((faint, f"{n_faint} others"))
    ax.legend(
        *zip(*named, strict=True),
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=9,
        handlelength=3.0,
    )
