"""All scenarios together: who is better over all, and how far each agent gets in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from recsim_env.plots import style
from recsim_env.plots.captions import number, with_interval
from recsim_env.plots.ladder import ladder_caption
from recsim_env.plots.page.tables import Cell, Column, Table, estimated, numeric, whiskers_of
from recsim_env.plots.page.wording import short
from recsim_env.plots.report.over_all import over_all_caption, scope
from recsim_env.results.aggregates import aggregates, caution, shared_runs
from recsim_env.results.standings import BASELINE, Rungs, ladder
from recsim_env.results.table import ResultTable

_OVER_ALL = (
    Column("agent", is_number=False),
    Column("interquartile mean", "mean of the middle half of the scores of its runs"),
    Column("", "interquartile mean with its interval"),
    Column("median", "of its mean scores in the scenarios"),
    Column("mean", "of its scores"),
    Column("optimality gap", "how far its runs fall short of the best reference, on average"),
    Column("mean rank", "among these agents, 1 for the best"),
    Column("behind the best", "by how much the best has the higher interquartile mean"),
)


@dataclass(frozen=True)
class OverAll:
    """Who is better over all scenarios: what is compared, a table, and a caution where due."""

    scope: str
    board: Table
    caution: str


def over_all(table: ResultTable, numbers: Mapping[str, int]) -> OverAll | None:
    """Returns who is better over all scenarios; None where no two agents share two of them.

    Args:
      table: results of the benchmark.
      numbers: agent to its number on the page.
    """
    try:
        runs = shared_runs(table)
    except ValueError:
        return None
    if len(runs.agents) < 2 or len(runs.scenarios) < 2:
        return None
    ranked = aggregates(runs)
    whiskers = whiskers_of([each.interquartile_mean for each in ranked], is_scored=True)
    rows = [
        [
            Cell(each.agent, each.agent, agent=numbers[each.agent]),
            replace(
                estimated(each.interquartile_mean),
                mark="best" if each.is_best else "tied" if each.may_be_best else "",
            ),
            Cell("", whisker.mean, whisker=whisker, agent=numbers[each.agent]),
            numeric(each.median.mean, 2),
            numeric(each.mean.mean, 2),
            numeric(each.optimality_gap.mean, 2),
            estimated(each.mean_rank),
            estimated(None if each.is_best else each.behind),
        ]
        for each, whisker in zip(ranked, whiskers, strict=True)
    ]
    caption = over_all_caption(table, ranked).replace("italic", "outlined")
    return OverAll(scope(runs), Table(caption, _OVER_ALL, rows), caution(runs))


def ladder_board(table: ResultTable, numbers: Mapping[str, int]) -> Table | None:
    """Returns agents by scenarios with the score of each; None where no two scenarios have a scale.

    Args:
      table: results of the benchmark.
      numbers: agent to its number on the page, in the order of the rows.
    """
    rungs = ladder(table)
    if len(rungs) < 2:
        return None
    columns = [Column("agent", is_number=False)]
    columns += [
        Column(style.short_name(each.scenario), f"score: {BASELINE} = 0, {each.reference} = 1")
        for each in rungs
    ]
    scored = {agent for each in rungs for agent in each.scores} - {BASELINE}
    rows = [
        [Cell(agent, agent, agent=place), *(_cell(each, agent) for each in rungs)]
        for agent, place in numbers.items()
        if agent in scored
    ]
    return Table(ladder_caption(table).replace("italic", "outlined"), columns, rows)


def _cell(rungs: Rungs, agent: str) -> Cell:
    score = rungs.scores.get(agent)
    if score is None:
        return Cell("–")
    mark = "best" if agent == rungs.best[0] else "tied" if agent in rungs.best else ""
    return Cell(
        number(score.mean, 2),
        short(score.mean),
        heat=round(min(max(score.mean, 0.0), 1.0), 2),
        mark=mark,
        hint=f"{agent} in {style.short_name(rungs.scenario)}: {with_interval(score)}",
    )
