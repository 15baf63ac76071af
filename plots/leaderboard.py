"""Who serves people best: every agent as a dot with its interval, best on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recsim_env.plots import style
from recsim_env.plots.captions import interactions, number, seeds_and_intervals
from recsim_env.results.intervals import Estimate
from recsim_env.results.standings import BASELINE, REFERENCE, Standing, standings
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKER_SIZES: dict[Any, float] = {"*": 14.0, "P": 11.0, "X": 11.0, "D": 7.5, "x": 8.0}
_RETURN_COLUMN_POINTS = 58


def draw_leaderboard(
    table: ResultTable, scenario: str, ax: Axes | None = None, *, reference: str = REFERENCE
) -> Axes:
    """Draws the agents by final return, on the scale from uniform (0) to the reference (1).

    Raw returns stand at the right. Where no score is defined, because the reference does not beat
    uniform or is absent, the scale is the return itself.

    Args:
      table: results of the benchmark.
      scenario: one of `table.scenarios()`.
      ax: where to draw; a figure of its own by default.
      reference: the agent whose score is 1.

    Raises:
      ValueError: the table has no finished run of the scenario.
    """
    ranked = standings(table, scenario, reference)
    is_scored = all(each.score for each in ranked)
    shown = [(each.score if is_scored else None) or each.episode_return for each in ranked]
    with style.house_style():
        ax = ax or style.new_axes(8.0, 1.7 + 0.42 * len(ranked))
        ax.set_xlim(style.limits(shown, [0.0, 1.0] if is_scored else []))
        for place, (standing, found) in enumerate(zip(ranked, shown, strict=True)):
            _draw_agent(ax, place, standing, found)
        spent = interactions(each.n_interactions for each in ranked)
        style.dress(
            ax,
            title=f"{style.short_name(scenario)}: leaderboard",
            caption=f"after {spent}, {seeds_and_intervals(shown, 'whiskers')}",
            xlabel=f"score ({BASELINE} = 0, {reference} = 1)"
            if is_scored
            else "return (reward per episode)",
            ylabel="",
        )
        _finish(ax, ranked, is_scored)
    return ax


def leaderboard_caption(ranked: list[Standing]) -> str:
    """Returns what must be said of a leaderboard's numbers: interactions, seeds and intervals."""
    spent = interactions(each.n_interactions for each in ranked)
    text = f"{spent} of learning per run. "
    made = [each.agent for each in ranked if not each.n_interactions]
    text += f"Made elsewhere, and learned nothing here: {', '.join(made)}. " if made else ""
    returns = seeds_and_intervals((each.episode_return for each in ranked), "intervals of returns")
    leads = {each.lead.method for each in ranked if each.lead and each.lead.has_interval}
    scores = {each.score.method for each in ranked if each.score and each.score.has_interval}
    text += f"Returns: {returns}"
    text += f"; of leads: {', '.join(sorted(leads))}, paired by seed" if leads else ""
    text += f"; of scores: {', '.join(sorted(scores))}, paired by seed" if scores else ""
    return f"{text}."


def unscored(ranked: list[Standing], *, has_oracle: bool) -> list[str]:
    """Returns why agents have no score, if they have none, as one sentence or none."""
    if not has_oracle:
        return [f"No scores: there is no {REFERENCE} (see *Left out*), and returns rank."]
    if all(each.score for each in ranked):
        return []
    return [
        f"No scores: they need runs of {BASELINE} and {REFERENCE} with the same seeds, and "
        f"{REFERENCE} must beat {BASELINE}."
    ]


def _draw_agent(ax: Axes, place: int, standing: Standing, found: Estimate) -> None:
    look = style.agent_style(standing.agent)
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
        label=standing.agent,
        zorder=3,
    )
    ax.annotate(
        number(standing.episode_return.mean),
        (1, place),
        xycoords=ax.get_yaxis_transform(),
        xytext=(_RETURN_COLUMN_POINTS, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=9.5,
        color=style.INK,
        annotation_clip=False,
    )


def _finish(ax: Axes, ranked: list[Standing], is_scored: bool) -> None:
    ax.set_ylim(len(ranked) - 0.4, -0.6)
    ax.set_yticks(range(len(ranked)), [each.agent for each in ranked])
    ax.tick_params(axis="y", length=0, labelsize=10, labelcolor=style.INK)
    ax.spines["left"].set_visible(False)
    if is_scored:
        for score in (0.0, 1.0):
            ax.axvline(score, color=style.FAINT_INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    ax.grid(axis="x", color=style.GRID, linewidth=0.8)
    ax.annotate(
        "return",
        (1, 1),
        xycoords="axes fraction",
        xytext=(_RETURN_COLUMN_POINTS, 0),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        color=style.FAINT_INK,
        annotation_clip=False,
    )
