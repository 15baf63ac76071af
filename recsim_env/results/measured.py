"""What `metrics.csv` says: metrics by agent, with intervals over seeds."""

from __future__ import annotations

from dataclasses import dataclass

from recsim_env.results.intervals import Estimate, estimate, paired_difference
from recsim_env.results.metrics import METRICS
from recsim_env.results.table import ResultTable


@dataclass(frozen=True)
class MetricStanding:
    """One metric of one agent.

    Attributes:
      agent: its name.
      value: mean over seeds.
      difference: how much more it is than of the reference, paired by seed; None for the reference
        itself, and where no seed is shared.
    """

    agent: str
    value: Estimate
    difference: Estimate | None


def metric_by_seed(
    table: ResultTable, scenario: str, metric: str, *, phase: str = "final", **where: int
) -> dict[str, dict[int, float]]:
    """Returns agent to seed to a metric, of those runs that have it.

    Args:
      table: of `recsim_env.results.metrics.metric_table`.
      scenario: one of `table.scenarios()`.
      metric: of `METRICS`.
      phase: of the rows.
      **where: `interactions` or `from_slate` of the rows.

    Raises:
      ValueError: there is no such metric; the known ones are listed.
    """
    if metric not in METRICS:
        raise ValueError(f"there is no metric {metric!r}; known are {', '.join(METRICS)}")
    found: dict[str, dict[int, float]] = {}
    for row in table.rows(phase=phase, scenario=scenario):
        is_meant = all(row[name] == value for name, value in where.items())
        if is_meant and row[metric] == row[metric]:
            found.setdefault(row["agent"], {})[row["seed"]] = row[metric]
    return found


def metric_standings(
    table: ResultTable, scenario: str, metric: str, reference: str = "uniform"
) -> list[MetricStanding]:
    """Returns a metric at the end of learning, agent by agent, in the order of the table.

    Args:
      table, scenario, metric: as in `metric_by_seed`.
      reference: the agent that the others are compared with.

    Raises:
      ValueError: as in `metric_by_seed`.
    """
    found = metric_by_seed(table, scenario, metric)
    base = found.get(reference, {})
    return [
        MetricStanding(
            agent,
            estimate(list(values.values())),
            None
            if agent == reference or not set(values) & set(base)
            else paired_difference(values, base),
        )
        for agent, values in found.items()
    ]


def metric_curves(
    table: ResultTable, scenario: str, metric: str
) -> dict[str, list[tuple[int, Estimate]]]:
    """Returns a metric along learning: agent to interactions and estimates, in order.

    Agents that are measured only once, as they do not learn, have one point, at 0.

    Args:
      table, scenario, metric: as in `metric_by_seed`.

    Raises:
      ValueError: as in `metric_by_seed`.
    """
    found = _curves(table, scenario, metric, "evaluation", "interactions")
    for agent, values in metric_by_seed(table, scenario, metric).items():
        found.setdefault(agent, [(0, estimate(list(values.values())))])
    return found


def metric_along_session(
    table: ResultTable, scenario: str, metric: str
) -> dict[str, list[tuple[int, Estimate]]]:
    """Returns a metric along episodes: agent to the first slates of parts and estimates, in order.

    Args:
      table, scenario, metric: as in `metric_by_seed`.

    Raises:
      ValueError: as in `metric_by_seed`.
    """
    return _curves(table, scenario, metric, "part", "from_slate")


def _curves(
    table: ResultTable, scenario: str, metric: str, phase: str, column: str
) -> dict[str, list[tuple[int, Estimate]]]:
    points = {row[column] for row in table.rows(phase=phase, scenario=scenario)}
    found: dict[str, list[tuple[int, Estimate]]] = {}
    for point in sorted(points):
        by_seed = metric_by_seed(table, scenario, metric, phase=phase, **{column: point})
        for agent, values in by_seed.items():
            found.setdefault(agent, []).append((point, estimate(list(values.values()))))
    return found
