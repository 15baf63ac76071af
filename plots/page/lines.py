"""The curves of one scenario as data: evaluations, reward and regret while learning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recsim_env.plots.curves import differ_widely
from recsim_env.plots.page.wording import line_of
from recsim_env.results.intervals import estimate
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


def curves_of(table: ResultTable, scenario: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Returns the curves of a scenario: figure to its lines; regret says whether axes are by tens.

    What does not learn is a level in the evaluations, from the first interaction to the last.

    Args:
      table: results of the benchmark.
      scenario: one that has a finished run.
      numbers: agent to its number on the page.
    """
    learning = [c for c in evaluation_curves(table, scenario) if c.agent not in ALWAYS_RUN]
    online = online_curves(table, scenario)
    regret = [curve for curve in regret_curves(table, scenario) if curve.agent != "oracle"]
    lines = {"learning": learning + _levels(table, scenario), "online": online, "regret": regret}
    found: dict[str, Any] = {
        figure: [line_of(c.interactions, c.estimates, numbers[c.agent]) for c in curves]
        for figure, curves in lines.items()
    }
    last = [curve.estimates[-1].mean for curve in regret]
    return {**found, "is_regret_by_tens": bool(last) and differ_widely(last)}


def _levels(table: ResultTable, scenario: str) -> list[Curve]:
    finals = final_by_seed(table, scenario)
    last = max(row["interactions"] for row in table.rows(phase="final", scenario=scenario))
    levels = [agent for agent in (*ALWAYS_RUN, *made_elsewhere(table, scenario)) if agent in finals]
    return [
        Curve(agent, [0, last] if last else [0], [estimate(list(finals[agent].values()))] * 2)
        for agent in dict.fromkeys(levels)
    ]
