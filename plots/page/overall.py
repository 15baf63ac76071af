"""All scenarios together: how far each agent gets in each."""

from __future__ import annotations

from collections.abc import Mapping

from recsim_env.plots import style
from recsim_env.plots.captions import number, with_interval
from recsim_env.plots.ladder import ladder_caption
from recsim_env.plots.page.numbers import short
from recsim_env.plots.page.tables import Cell, Column, Table
from recsim_env.results.standings import BASELINE, Rungs, ladder
from recsim_env.results.table import ResultTable


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
