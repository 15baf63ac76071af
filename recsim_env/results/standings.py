"""What a result table says: learning curves with intervals, and rankings.

Everything drawn or printed about a benchmark is computed here, from the table alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recsim_env.agent_registry import REFERENCES, is_reference, names_of
from recsim_env.results.intervals import Estimate, estimate, normalized_score, paired_difference
from recsim_env.results.layout import Row
from recsim_env.results.pairs import best_set
from recsim_env.results.table import ResultTable

BASELINE = "uniform"
"""The agent whose score is 0."""

REFERENCE = "oracle"
"""The agent whose score is 1, unless another is named."""

CEILINGS = tuple(name for name in names_of(REFERENCES) if name != BASELINE)
"""Agents that look into the people they serve: what the others are measured against."""

ALWAYS_RUN = (BASELINE, REFERENCE, "far_sighted")
"""Agents that do not learn and always run: evaluated once, and drawn as levels."""


@dataclass(frozen=True)
class Curve:
    """One quantity of one agent over the interactions.

    Attributes:
      agent: name of the agent.
      interactions: (n,), increasing user interactions at which the quantity was taken.
      estimates: n estimates over seeds.
    """

    agent: str
    interactions: list[int]
    estimates: list[Estimate]


@dataclass(frozen=True)
class Standing:
    """One agent's line of the leaderboard.

    Attributes:
      agent: name of the agent.
      episode_return: mean return of an episode in the final evaluation.
      score: `normalized_score`, or None where the reference does not beat uniform.
      click_rate: clicks per shown slate; NaN where the scenario has none.
      lead: paired difference of the return to the next-ranked agent, None for the last or where
        no seed is shared.
      wall_seconds: mean duration of a run, in seconds.
      n_interactions: user interactions spent on learning; 0 of what was made elsewhere.
    """

    agent: str
    episode_return: Estimate
    score: Estimate | None
    click_rate: float
    lead: Estimate | None
    wall_seconds: float
    n_interactions: int


@dataclass(frozen=True)
class Rungs:
    """How far agents get in one scenario, from uniform (0) to the best reference (1).

    Attributes:
      scenario: its name.
      reference: the one of `CEILINGS` with the highest mean return.
      scores: agent to `normalized_score`; those that share no seed with both are left out.
      best: of those that learn the highest, and then the others of their `best_set`; none where
        fewer than two seeds are shared, of which no difference is significant.
    """

    scenario: str
    reference: str
    scores: dict[str, Estimate]
    best: list[str]


def final_by_seed(
    table: ResultTable, scenario: str, column: str = "return_mean"
) -> dict[str, dict[int, float]]:
    """Returns agent to seed to the value of the final evaluation.

    Raises:
      ValueError: the table has no finished run of the scenario.
    """
    found: dict[str, dict[int, float]] = {}
    for row in table.rows(phase="final", scenario=scenario):
        found.setdefault(row["agent"], {})[row["seed"]] = row[column]
    if not found:
        known = ", ".join(table.scenarios()) or "none"
        raise ValueError(f"no finished run of scenario={scenario!r}; scenarios here: {known}")
    return found


def standings(table: ResultTable, scenario: str, reference: str = REFERENCE) -> list[Standing]:
    """Returns the agents from the highest final return to the lowest.

    Args:
      table: results of the benchmark.
      scenario: one of `table.scenarios()`.
      reference: the agent whose score is 1.

    Raises:
      ValueError: the table has no finished run of the scenario.
    """
    returns = final_by_seed(table, scenario)
    estimates = {agent: estimate(list(values.values())) for agent, values in returns.items()}
    ranked = sorted(returns, key=lambda agent: (-estimates[agent].mean, agent))
    below = [*ranked[1:], None]
    found = []
    for agent, next_agent in zip(ranked, below, strict=True):
        rows = table.rows(phase="final", scenario=scenario, agent=agent)
        found.append(
            Standing(
                agent=agent,
                episode_return=estimates[agent],
                score=_score(returns, agent, reference),
                click_rate=_mean([row["click_rate"] for row in rows]),
                lead=_lead(returns[agent], returns[next_agent]) if next_agent else None,
                wall_seconds=_mean([row["wall_seconds"] for row in rows]),
                n_interactions=max(row["interactions"] for row in rows),
            )
        )
    return found


def made_elsewhere(table: ResultTable, scenario: str) -> list[str]:
    """Returns the agents that learned from no interaction: tables, functions, trained models."""
    finals = table.rows(phase="final", scenario=scenario)
    return sorted({row["agent"] for row in finals if row["interactions"] == 0})


def best_reference(table: ResultTable, scenario: str) -> str:
    """Returns the one of `CEILINGS` with the highest mean final return in a scenario.

    Where foresight pays, that is rarely the oracle, which looks no further than the next slate; and
    what is above 1 by the oracle's scale is below 1 by this one.

    Raises:
      ValueError: none of them has finished there.
    """
    returns = final_by_seed(table, scenario)
    means = {agent: _mean(list(returns[agent].values())) for agent in CEILINGS if agent in returns}
    if not means:
        raise ValueError(f"none of {', '.join(CEILINGS)} has finished in scenario={scenario!r}")
    return max(means, key=means.__getitem__)


def ladder(table: ResultTable) -> list[Rungs]:
    """Returns how far agents get in each scenario that has a scale, in the table's order.

    It has one where uniform, a reference that beats it, and an agent that learns have finished.
    """
    finished = {row["scenario"] for row in table.rows(phase="final")}
    found = [_rungs(table, scenario) for scenario in table.scenarios() if scenario in finished]
    return [rungs for rungs in found if rungs is not None]


def _rungs(table: ResultTable, scenario: str) -> Rungs | None:
    returns = final_by_seed(table, scenario)
    if not set(CEILINGS) & set(returns):
        return None
    reference = best_reference(table, scenario)
    scored = {agent: _score(returns, agent, reference) for agent in returns}
    scores = {agent: score for agent, score in scored.items() if score is not None}
    learners = [agent for agent in scores if not is_reference(agent)]
    if not learners:
        return None
    ranked = sorted(learners, key=lambda agent: (-scores[agent].mean, agent))
    first = ranked[0]
    comparable = [each for each in ranked if len(set(returns[first]) & set(returns[each])) > 1]
    tied = best_set({agent: returns[agent] for agent in comparable})
    return Rungs(scenario, reference, scores, [first, *(each for each in tied if each != first)])


def evaluation_curves(table: ResultTable, scenario: str) -> list[Curve]:
    """Returns each agent's return in the frozen evaluations along its learning."""
    return _curves(
        table.rows(phase="evaluation", scenario=scenario),
        lambda run: {row["interactions"]: row["return_mean"] for row in run},
    )


def online_curves(table: ResultTable, scenario: str) -> list[Curve]:
    """Returns each agent's reward per interaction while it learned, at the ends of the bins."""
    return _curves(
        table.rows(phase="online", scenario=scenario),
        lambda run: {row["interactions"]: row["reward_per_step"] for row in run},
    )


def regret_curves(table: ResultTable, scenario: str) -> list[Curve]:
    """Returns what each agent lost to the oracle while it learned, summed from the start.

        regret(t) = sum over bins up to t of (oracle's - agent's mean reward) * interactions of it

    The oracle's reward is that of its run with the same seed, hence with the same users and common
    random numbers. Runs without it are left out.
    """
    return _curves(table.rows(phase="online", scenario=scenario), _regret)


def _regret(run: list[Row]) -> dict[int, float]:
    found, total, start = {0: 0.0}, 0.0, 0
    for row in sorted(run, key=lambda row: row["interactions"]):
        lost = row["oracle_reward_per_step"] - row["reward_per_step"]
        total += lost * (row["interactions"] - start)
        start = row["interactions"]
        found[start] = total
    return {} if math.isnan(total) else found


def _curves(rows: list[Row], values: Callable[[list[Row]], dict[int, float]]) -> list[Curve]:
    """Estimates over seeds at the interactions that all seeds of an agent have."""
    runs: dict[str, dict[int, list[Row]]] = {}
    for row in rows:
        runs.setdefault(row["agent"], {}).setdefault(row["seed"], []).append(row)
    found = []
    for agent, by_seed in runs.items():
        series = [each for each in map(values, by_seed.values()) if each]
        shared = sorted(set.intersection(*map(set, series))) if series else []
        if shared:
            estimates = [estimate([each[x] for each in series]) for x in shared]
            found.append(Curve(agent, shared, estimates))
    return found


def _score(returns: dict[str, dict[int, float]], agent: str, reference: str) -> Estimate | None:
    if BASELINE not in returns or reference not in returns:
        return None
    try:
        return normalized_score(returns[agent], returns[BASELINE], returns[reference])
    except ValueError:
        return None


def _lead(ours: dict[int, float], theirs: dict[int, float]) -> Estimate | None:
    return paired_difference(ours, theirs) if set(ours) & set(theirs) else None


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
