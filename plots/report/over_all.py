"""Who is better over all scenarios: a table, and what figures say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from recsim_env.plots import style
from recsim_env.plots.aggregates import draw_aggregates, draw_ranks
from recsim_env.plots.captions import learned_from, number, with_interval
from recsim_env.plots.matrix import draw_improvement_matrix
from recsim_env.plots.profiles import draw_profiles
from recsim_env.plots.report.page import Page, Section, markdown_table
from recsim_env.results.aggregates import Aggregate, SharedRuns, aggregates, caution, shared_runs
from recsim_env.results.standings import BASELINE
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIGURES: tuple[tuple[str, str, Callable[..., Axes]], ...] = (
    ("aggregates", "Agents by the interquartile mean of their scores", draw_aggregates),
    ("profiles", "The share of runs that score more than a score", draw_profiles),
    ("improvement", "How likely one agent does better than another", draw_improvement_matrix),
    ("ranks", "Agents by their mean rank", draw_ranks),
)

_COLUMNS = (
    "agent",
    "interquartile mean [interval]",
    "median",
    "mean",
    "optimality gap",
    "mean rank [interval]",
    "behind the best [interval]",
)


def _over_all(page: Page) -> str:
    """Returns what several scenarios say together of several agents that all ran there."""
    try:
        runs = shared_runs(page.table)
    except ValueError:
        return ""
    if len(runs.agents) < 2 or len(runs.scenarios) < 2:
        return ""
    ranked = aggregates(runs)
    parts = ["## Over all scenarios", scope(runs), _table(ranked)]
    parts.append(f"*{over_all_caption(page.table, ranked)}*")
    parts += [sentence] if (sentence := caution(runs)) else []
    for name, meaning, draw in _FIGURES:
        if name in page.figures:
            parts.append(page.figure(f"{name}.png", meaning, draw(page.table, runs=runs)))
    return "\n\n".join(parts)


def scope(runs: SharedRuns) -> str:
    """Returns which agents and scenarios are compared, and which are not."""
    text = f"{len(runs.agents)} agents in {len(runs.scenarios)} scenarios, with no run missing"
    left = {
        "the scenarios": [style.short_name(each) for each in runs.other_scenarios],
        "the agents": runs.other_agents,
    }
    named = "; ".join(f"{kind} {', '.join(names)}" for kind, names in left.items() if names)
    why = f" Left out, since not every agent suits every scenario: {named}." if named else ""
    return f"{text}.{why}"


def _table(ranked: list[Aggregate]) -> str:
    rows = [
        [
            _name(each),
            with_interval(each.interquartile_mean),
            number(each.median.mean, 2),
            number(each.mean.mean, 2),
            number(each.optimality_gap.mean, 2),
            with_interval(each.mean_rank),
            "–" if each.is_best else with_interval(each.behind),
        ]
        for each in ranked
    ]
    return markdown_table(_COLUMNS, rows, ["---", *["---:"] * (len(_COLUMNS) - 1)])


def _name(each: Aggregate) -> str:
    if each.is_best:
        return f"**{each.agent}**"
    return f"*{each.agent}*" if each.may_be_best else each.agent


def over_all_caption(table: ResultTable, ranked: list[Aggregate]) -> str:
    """Returns what must be said of the table's numbers."""
    text = (
        f"Scores of runs after {learned_from(table)} ({BASELINE} 0, the best reference of the "
        "scenario 1); each scenario weighs the same. "
    )
    methods = {each.interquartile_mean.method for each in ranked}
    behind = {each.behind.method for each in ranked}
    text += (
        f"Intervals: {', '.join(sorted(methods))}; behind the best: {', '.join(sorted(behind))}. "
    )
    return (
        f"{text}Bold: the best; italic: not significantly different from the best (all pairs "
        "considered)."
    )


SECTION = Section(_over_all, tuple(name for name, _, _ in _FIGURES))
