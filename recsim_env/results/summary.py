"""One line for each scenario and agent of a benchmark: all that is told at the end of learning."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from recsim_env.results.intervals import Estimate
from recsim_env.results.layout import Row
from recsim_env.results.measured import metric_standings
from recsim_env.results.metrics import METRICS, metric_table
from recsim_env.results.standings import Standing, standings
from recsim_env.results.table import ResultTable


def summary(table: ResultTable) -> dict[str, np.ndarray]:
    """Returns columns with a line for each scenario and agent, the best agent of each first.

    Of what has an interval over seeds there are three columns, such as `return`, `return_low` and
    `return_high`. What is unknown is NaN: a score without an oracle, an interval of one seed, a
    metric that a scenario has not, or that was not measured.

    Args:
      table: results of the benchmark; metrics are read from its folder.

    Raises:
      ValueError: the table has no finished run, or the metrics are damaged.
    """
    lines = [
        line
        for scenario in table.scenarios()
        if table.rows(phase="final", scenario=scenario)
        for line in _lines(table, scenario)
    ]
    if not lines:
        raise ValueError(f"{str(table.folder)!r} has no finished run to summarize")
    names = dict.fromkeys(name for line in lines for name in line)
    return {name: np.array([line.get(name, math.nan) for line in lines]) for name in names}


def _lines(table: ResultTable, scenario: str) -> Iterator[Row]:
    measured = metric_table(table.folder)
    metrics = {
        name: {each.agent: each.value for each in metric_standings(measured, scenario, name)}
        for name in METRICS
    }
    for rank, each in enumerate(standings(table, scenario), start=1):
        found: Row = {"scenario": scenario, "agent": each.agent, "rank": rank}
        found |= _results(each)
        for name, by_agent in metrics.items():
            if each.agent in by_agent:
                found |= _spread(name, by_agent[each.agent])
        yield found


def _results(standing: Standing) -> Row:
    found: Row = {
        "seeds": standing.episode_return.n,
        "interactions": standing.n_interactions,
    }
    found |= _spread("return", standing.episode_return)
    found |= _spread("score", standing.score)
    found |= _spread("lead_over_next", standing.lead)
    return found | {"click_rate": standing.click_rate, "wall_seconds": standing.wall_seconds}


def _spread(name: str, found: Estimate | None) -> Row:
    values = (math.nan,) * 3 if found is None else (found.mean, found.low, found.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
