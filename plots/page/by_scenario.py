"""What the page says and draws of one scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from recsim_env.plots import style
from recsim_env.plots.captions import interactions, seeds_and_intervals
from recsim_env.plots.curves import crowd
from recsim_env.plots.page.lines import curves_of
from recsim_env.plots.page.numbers import embedded
from recsim_env.plots.page.tables import Table, leaderboard
from recsim_env.results.standings import BASELINE, REFERENCE, Standing, standings
from recsim_env.results.table import ResultTable


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


def scenario_part(table: ResultTable, scenario: str, numbers: Mapping[str, int]) -> ScenarioPart:
    """Returns what the page has of a scenario.

    Args:
      table: results of the benchmark.
      scenario: one of `table.scenarios()`.
      numbers: agent to its number on the page.
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
    }
    board = leaderboard(ranked, numbers, _caption(ranked))
    return ScenarioPart(name, _notes(ranked), board, Markup(embedded(data)))


def _notes(ranked: list[Standing]) -> list[str]:
    found = []
    if not all(each.score for each in ranked):
        found.append(
            f"No scores: they need runs of {BASELINE} and {REFERENCE} with the same seeds, and "
            f"{REFERENCE} must beat {BASELINE}."
        )
    if all(each.episode_return.n == 1 for each in ranked):
        found.append("One seed gives no intervals: repeat with more seeds to compare agents.")
    return found


def _caption(ranked: list[Standing]) -> str:
    spent = interactions(each.n_interactions for each in ranked)
    returns = seeds_and_intervals((each.episode_return for each in ranked), "intervals of returns")
    return f"After {spent} of learning per run; {returns}."
