"""Every agent of a scenario against every other: how much better it is, and how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsim_env.plots import style
from recsim_env.plots.captions import interactions, seeds
from recsim_env.plots.matrix import Cell, draw_cells, square_axes
from recsim_env.results.pairs import Pair, all_pairs
from recsim_env.results.standings import standings
from recsim_env.results.table import ResultTable
from recsim_env.results.verdicts import learners, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of more agents only colours are drawn: a thousand numbers take seconds, and nobody reads them.
_MOST_NUMBERED = 16


def draw_pairs(table: ResultTable, scenario: str, ax: Axes | None = None) -> Axes:
    """Draws how much better each agent that learns is than each other, best on top.

    Differences are in hundredths of the score, from uniform to the best reference, or in return
    where there is no such scale; of more than 16 agents they are colours alone. Pale ones are not
    significant by Holm's method over all pairs.

    Args:
      table: results of the benchmark.
      scenario: one of `table.scenarios()`.
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: the table has no two agents that learned there with a seed in common.
    """
    returns = learners(table, scenario)
    ranked = [each for each in standings(table, scenario) if each.agent in returns]
    agents = [each.agent for each in ranked]
    found = all_pairs({agent: returns[agent] for agent in agents})
    if not found:
        raise ValueError(f"there are no two agents that learned {scenario} with a seed in common")
    scale = scale_of(table, scenario)
    unit = scale / 100.0 if scale else 1.0
    most = max(abs(pair.difference.mean) for pair in found) or 1.0
    is_numbered = len(agents) <= _MOST_NUMBERED
    cells = {(pair.first, pair.second): pair for pair in found}

    def cell(line: int, column: int) -> Cell | None:
        upper, lower = agents[min(line, column)], agents[max(line, column)]
        pair = cells.get((upper, lower))
        if pair is None:
            return None
        mean = pair.difference.mean if line < column else -pair.difference.mean
        return Cell(
            _signed(mean / unit) if is_numbered else "", 0.5 + mean / most / 2.0, pair.is_shown()
        )

    with style.house_style():
        ax = ax or square_axes(len(agents))
        spent = interactions(each.n_interactions for each in ranked)
        style.dress(
            ax,
            title=f"{style.short_name(scenario)}: every pair",
            caption=f"after {spent}, {_counted(found)}",
            xlabel="",
            ylabel="",
        )
        draw_cells(ax, agents, cell)
        if not is_numbered:
            _dot(ax, agents, [pair for pair in found if not pair.is_shown()])
        what = "hundredths of the score" if scale else "return"
        most_text = "" if is_numbered else f"darkest: {most / unit:.3g}; "
        unsure = "pale" if is_numbered else "pale, with a dot"
        ax.set_xlabel(
            f"{what} by which the agent of the line is better (orange) or worse\n"
            f"(purple) than that of the column; {most_text}{unsure}: not\n"
            "significant at 5 % (paired t, Holm over all pairs)",
            color=style.INK,
            loc="left",
        )
    return ax


def _dot(ax: Axes, agents: list[str], unsure: list[Pair]) -> None:
    """Marks pairs of which nothing is sure, all at once."""
    ends = [(agents.index(pair.first), agents.index(pair.second)) for pair in unsure]
    both = [*ends, *((b, a) for a, b in ends)]
    ax.scatter([x for x, _ in both], [y for _, y in both], s=4, color=style.FAINT_INK, linewidth=0)


def _signed(value: float) -> str:
    text = f"{value:+.0f}" if abs(value) >= 9.95 else f"{value:+.1f}"
    return "0" if float(text) == 0.0 else text.replace("-", "−")


def _counted(found: list[Pair]) -> str:
    pairs = "1 pair" if len(found) == 1 else f"{len(found)} pairs"
    text = f"mean of {seeds(pair.difference for pair in found)}, {pairs}"
    is_single = all(pair.difference.n == 1 for pair in found)
    return f"{text}; one seed shows no difference" if is_single else text
