"""What was measured of each agent at the end of learning, to set one metric against another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from recsim_env.plots.page.wording import ends, line_of
from recsim_env.results.intervals import Estimate, estimate
from recsim_env.results.learning import learning_speeds
from recsim_env.results.measured import metric_along_session, metric_by_seed, metric_curves
from recsim_env.results.metrics import METRICS
from recsim_env.results.standings import BASELINE, REFERENCE, Standing, final_by_seed
from recsim_env.results.table import ResultTable

# Columns of `rows.csv`, and what they say.
_COLUMNS = {
    "click_rate": "clicks per shown slate",
    "episode_length": "slates per episode",
    "reward_per_step": "reward per slate",
    "wall_seconds": "seconds per run",
}


def measures_of(
    table: ResultTable,
    measured: ResultTable,
    scenario: str,
    ranked: Sequence[Standing],
    numbers: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Returns metrics of a scenario: title, meaning, and agent to mean, low and high.

    Those that were measured on the way have lines, too: `learning`, by interactions, and `session`,
    by the first slate of each part of an episode.

    Args:
      table: results of the benchmark.
      measured: of `recsim_env.results.metrics.metric_table`.
      scenario: one that has a finished run.
      ranked: its agents.
      numbers: agent to its number on the page.
    """
    found: list[tuple[str, str, Mapping[str, Estimate]]] = [
        ("return", "reward per episode", {each.agent: each.episode_return for each in ranked}),
        (
            "score",
            f"{BASELINE} = 0, {REFERENCE} = 1",
            {each.agent: each.score for each in ranked if each.score},
        ),
    ]
    for name, metric in METRICS.items():
        found.append((name, metric.meaning, _estimates(metric_by_seed(measured, scenario, name))))
    for column, meaning in _COLUMNS.items():
        by_seed = final_by_seed(table, scenario, column)
        found.append((column.replace("_", " "), meaning, _estimates(by_seed)))
    speeds = {each.agent: each.area for each in learning_speeds(table, scenario)}
    found.append(("area under the learning curve", "as a score", speeds))
    return [
        {
            "title": title.replace("_", " "),
            "meaning": meaning,
            "points": {numbers[agent]: ends(each) for agent, each in estimates.items()},
            **(_on_the_way(measured, scenario, title, numbers) if title in METRICS else {}),
        }
        for title, meaning, estimates in found
        if estimates
    ]


def _on_the_way(
    measured: ResultTable, scenario: str, metric: str, numbers: Mapping[str, int]
) -> dict[str, list[dict[str, Any]]]:
    curves = {
        "learning": metric_curves(measured, scenario, metric),
        "session": metric_along_session(measured, scenario, metric),
    }
    found = {
        name: [
            line_of([x for x, _ in points], [each for _, each in points], numbers[agent])
            for agent, points in by_agent.items()
            if len(points) > 1
        ]
        for name, by_agent in curves.items()
    }
    return {name: lines for name, lines in found.items() if lines}


def _estimates(by_seed: Mapping[str, Mapping[int, float]]) -> dict[str, Estimate]:
    known = {
        agent: [value for value in values.values() if math.isfinite(value)]
        for agent, values in by_seed.items()
    }
    return {agent: estimate(values) for agent, values in known.items() if values}
