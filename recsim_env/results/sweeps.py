"""What a sweep says: score and return of every agent at every combination of settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agent_registry import is_reference
from recsim_env.results.intervals import Estimate
from recsim_env.results.standings import standings
from recsim_env.results.table import ResultTable

SWEPT = "swept"
"""Where `settings.json` notes which labels a sweep made, of which label and with which values."""


@dataclass(frozen=True)
class SweepPoint:
    """An agent at one combination of the settings that are swept.

    Attributes:
      scenario: label of the scenario with these settings.
      agent: label of the agent with its settings.
      of_agent: label of the agent that it is a variant of; of others the same as `agent`.
      settings: what is swept of the scenario, and of this agent as ``linucb.alpha``, to its value.
      episode_return: mean return of an episode in the final evaluation.
      score: `normalized_score` among agents with the same settings of the scenario; None where
        there is no scale.
      n_interactions: user interactions spent on learning.
    """

    scenario: str
    agent: str
    of_agent: str
    settings: Mapping[str, Any]
    episode_return: Estimate
    score: Estimate | None
    n_interactions: int


@dataclass(frozen=True)
class Sweep:
    """All that a table has of the sweep of one scenario.

    Attributes:
      scenario: the label that was given.
      values: setting to its values in order of size, or as they were given; those of the scenario
        come first, and those of agents are named as ``linucb.alpha``.
      points: agent by agent, the best first, references last; each in order of values.
    """

    scenario: str
    values: Mapping[str, tuple[Any, ...]]
    points: tuple[SweepPoint, ...]

    @property
    def of_scenario(self) -> tuple[str, ...]:
        """The swept settings of the scenario."""
        return tuple(name for name in self.values if "." not in name)

    @property
    def best(self) -> list[SweepPoint]:
        """Of each combination of the scenario's settings, the agent that learns with the most."""
        learn = [each for each in self.points if not is_reference(each.agent)]
        labels = dict.fromkeys(each.scenario for each in learn)
        return [
            max((p for p in learn if p.scenario == label), key=lambda p: p.episode_return.mean)
            for label in labels
        ]

    @property
    def is_scored(self) -> bool:
        """Whether all points have a score."""
        return all(point.score for point in self.points)


def sweeps(table: ResultTable) -> list[Sweep]:
    """Returns the sweeps in a table, in the order of their first runs; most tables have none.

    Runs of one scenario with and without a sweep may stand in one table; those without have no
    part in it.
    """
    noted = table.read_settings().get(SWEPT, {})
    scenarios, agents = noted.get("scenarios", {}), noted.get("agents", {})
    groups: dict[tuple[str, ...], list[SweepPoint]] = {}
    finished = {row["scenario"] for row in table.rows(phase="final")}
    for label in table.scenarios():
        if label in finished:
            about = scenarios.get(label, {"of": label, "settings": {}})
            key = about["of"], *sorted(about["settings"])
            groups.setdefault(key, []).extend(_points(table, label, about["settings"], agents))
    found = [_sweep(key[0], points) for key, points in groups.items()]
    return [each for each in found if each.values]


def swept_scenarios(table: ResultTable) -> set[str]:
    """Returns the labels of scenarios that a sweep of their settings made."""
    return set(table.read_settings().get(SWEPT, {}).get("scenarios", {}))


def shown_value(value: Any) -> str:
    """Returns a value as labels show it: as short as it reads back.

    >>> [shown_value(each) for each in (10, 1.0, 0.3, 1e-05, True, "clicks")]
    ['10', '1', '0.3', '1e-05', 'true', 'clicks']
    """
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text.removesuffix(".0") if isinstance(value, float) else text


def _points(
    table: ResultTable, label: str, settings: Mapping[str, Any], agents: Mapping[str, Any]
) -> Iterable[SweepPoint]:
    for each in standings(table, label):
        about = agents.get(each.agent, {"of": each.agent, "settings": {}})
        own = {f"{about['of']}.{name}": value for name, value in about["settings"].items()}
        yield SweepPoint(
            scenario=label,
            agent=each.agent,
            of_agent=about["of"],
            settings={**settings, **own},
            episode_return=each.episode_return,
            score=each.score,
            n_interactions=each.n_interactions,
        )


def _sweep(scenario: str, points: list[SweepPoint]) -> Sweep:
    given: dict[str, list[Any]] = {}
    for point in points:
        for name, value in point.settings.items():
            known = given.setdefault(name, [])
            known += [] if value in known else [value]
    values = {name: _in_order(given[name]) for name in sorted(given, key=lambda name: "." in name)}
    rank = _ranks(points)

    def place(point: SweepPoint) -> tuple[Any, ...]:
        owned = [name for name in values if "." in name and name in point.settings]
        axes = [*owned, *(name for name in values if "." not in name)]
        return rank[point.of_agent], *(values[n].index(point.settings[n]) for n in axes)

    return Sweep(scenario, values, tuple(sorted(points, key=place)))


def _ranks(points: list[SweepPoint]) -> dict[str, int]:
    """Returns the place of each agent, by its best variant; references come last."""
    means: dict[str, dict[str, list[float]]] = {}
    for point in points:
        found = point.score or point.episode_return
        means.setdefault(point.of_agent, {}).setdefault(point.agent, []).append(found.mean)
    best = {agent: max(map(np.mean, of.values())) for agent, of in means.items()}
    ranked = sorted(best, key=lambda agent: (is_reference(agent), -best[agent], agent))
    return {agent: place for place, agent in enumerate(ranked)}


def _in_order(values: list[Any]) -> tuple[Any, ...]:
    is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    return tuple(sorted(values) if is_number else values)
