"""Who serves people best: every agent as a dot with its interval, best on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsim_env.plots import dots, style
from recsim_env.plots.captions import interactions, number, seeds_and_intervals
from recsim_env.results.standings import BASELINE, REFERENCE, Standing, standings
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        ax = ax or style.new_axes(8.0, dots.height_for(len(ranked)))
        ax.set_xlim(style.limits(shown, [0.0, 1.0] if is_scored else []))
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
        returns = [number(each.episode_return.mean) for each in ranked]
        lines = {each.agent: estimate for each, estimate in zip(ranked, shown, strict=True)}
        dots.draw_dots(ax, lines, {"return": returns})
        dots.mark(ax, *([0.0, 1.0] if is_scored else []))
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
