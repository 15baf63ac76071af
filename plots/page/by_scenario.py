"""What the page says and draws of one scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from recsim_env.plots import style
from recsim_env.plots.curves import crowd
from recsim_env.plots.leaderboard import leaderboard_caption, unscored
from recsim_env.plots.page.lines import curves_of
from recsim_env.plots.page.measures import measures_of
from recsim_env.plots.page.pairs import pairs_of
from recsim_env.plots.page.tables import Table, leaderboard
from recsim_env.plots.page.wording import embedded
from recsim_env.plots.report.left_out import why_no_oracle
from recsim_env.results.standings import standings
from recsim_env.results.table import ResultTable
from recsim_env.results.verdicts import verdicts


@dataclass(frozen=True)
class ScenarioPart:
    """One scenario on the page.

    Attributes:
      name: as it is shown.
      notes: what a reader must know first.
      board: its leaderboard; None where no run finished.
      data: what its figures are drawn from, as JSON.
    """

    name: str
    notes: list[str]
    board: Table | None
    data: Markup


def scenario_part(
    table: ResultTable,
    measured: ResultTable,
    scenario: str,
    numbers: Mapping[str, int],
    visits: Mapping[str, Any] | None,
) -> ScenarioPart:
    """Returns what the page has of a scenario.

    Args:
      table: results of the benchmark.
      measured: of `recsim_env.results.metrics.metric_table`.
      scenario: one of `table.scenarios()`.
      numbers: agent to its number on the page.
      visits: one person's sessions, of `visits_of`.
    """
    name = style.short_name(scenario)
    if not table.rows(phase="final", scenario=scenario):
        nothing: dict[str, Any] = {"agents": [], "best": []}
        return ScenarioPart(name, ["No run finished."], None, Markup(embedded(nothing)))
    ranked = standings(table, scenario)
    agents = [each.agent for each in ranked]
    faint = crowd(agents)
    data = {
        "agents": [numbers[agent] for agent in agents],
        "best": [numbers[agent] for agent in agents if agent not in faint],
        **curves_of(table, scenario, numbers),
        "pairs": pairs_of(table, scenario, numbers),
        "measures": measures_of(table, measured, scenario, ranked, numbers),
        "visits": visits,
    }
    has_oracle = not why_no_oracle(table, scenario)
    notes = [*unscored(ranked, has_oracle=has_oracle), *verdicts(table, scenario)]
    board = leaderboard(ranked, numbers, leaderboard_caption(ranked))
    return ScenarioPart(name, notes, board, Markup(embedded(data)))
