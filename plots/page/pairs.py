"""Every pair of agents of a scenario, as the matrix shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recsim_env.plots.page.wording import ends, short
from recsim_env.results.pairs import all_pairs
from recsim_env.results.table import ResultTable
from recsim_env.results.verdicts import learners


def pairs_of(table: ResultTable, scenario: str, numbers: Mapping[str, int]) -> list[list[Any]]:
    """Returns first, second, mean, low and high of their difference, and its adjusted p-value.

    Every pair of agents that learn is listed once; agents are numbers on the page. What is adjusted
    for is these pairs, as in the report's figure.

    Args:
      table: results of the benchmark.
      scenario: one that has a finished run.
      numbers: agent to its number on the page.
    """
    return [
        [numbers[p.first], numbers[p.second], *ends(p.difference), short(p.adjusted)]
        for p in all_pairs(learners(table, scenario))
    ]
