"""Which runs can be compared over several scenarios: those of agents that all of them share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from recsim_env.agent_registry import is_reference
from recsim_env.inputs.spelling import did_you_mean
from recsim_env.results.standings import BASELINE, CEILINGS, best_reference, final_by_seed
from recsim_env.results.table import ResultTable


@dataclass(frozen=True)
class ScenarioRuns:
    """One scenario's final returns, of agents that all ran with the same seeds.

    Attributes:
      scenario: its name.
      reference: the agent whose score is 1: the best of `CEILINGS` there.
      seeds: (n_seeds,) those that all have.
      gains: (n_agents, n_seeds) return beyond that of uniform slates, to the same people.
      scale: (n_seeds,) the gain of the reference; above 0 with every seed.
    """

    scenario: str
    reference: str
    seeds: tuple[int, ...]
    gains: NDArray[np.float64]
    scale: NDArray[np.float64]


@dataclass(frozen=True)
class SharedRuns:
    """The runs of some agents in some scenarios, with none missing.

    Attributes:
      agents: their names, in the table's order.
      by_scenario: the runs of each scenario, in the table's order.
      other_agents: agents of the table that learn, and are not among `agents`.
      other_scenarios: scenarios of the table that are not in `by_scenario`.
    """

    agents: tuple[str, ...]
    by_scenario: tuple[ScenarioRuns, ...]
    other_agents: tuple[str, ...]
    other_scenarios: tuple[str, ...]

    @property
    def scenarios(self) -> tuple[str, ...]:
        """The names of the scenarios."""
        return tuple(runs.scenario for runs in self.by_scenario)

    @property
    def seed_counts(self) -> list[int]:
        """How many seeds each scenario has."""
        return [len(runs.seeds) for runs in self.by_scenario]


def shared_runs(
    table: ResultTable,
    agents: Collection[str] | None = None,
    scenarios: Collection[str] | None = None,
) -> SharedRuns:
    """Returns the runs of agents that finished in the same scenarios, with the same seeds in each.

    Not every agent suits every scenario, and means over different scenarios compare nothing. So
    agents or scenarios are left out until no run is missing: of the scenarios that some two agents
    share, those which together with all agents that ran there make the most runs. An agent ran in
    a scenario if it finished with every seed that uniform and the reference have there; a
    scenario counts if the reference beats uniform with every seed.

    Args:
      table: results of a benchmark.
      agents: which; by default all that ran in the scenarios, without references.
      scenarios: which; by default all in which the agents ran.

    Raises:
      ValueError: there are no such runs, or one that was asked for is missing.
    """
    returns = {name: found for name in table.scenarios() if (found := _complete(table, name))}
    ran: dict[str, Collection[str]] = dict(returns)
    every = dict.fromkeys(agent for found in returns.values() for agent in found)
    learners = [agent for agent in every if not is_reference(agent)]
    _check_known("agents", agents, every)
    _check_known("scenarios", scenarios, returns)
    if agents is None and scenarios is None:
        scenarios = _most_shared(learners, ran)
    if scenarios is None:
        scenarios = [name for name in ran if set(agents or ()) <= set(ran[name])]
    if agents is None:
        agents = [agent for agent in learners if all(agent in ran[name] for name in scenarios)]
    for name in scenarios:
        if missing := sorted(set(agents) - set(ran[name])):
            raise ValueError(
                f"{missing[0]} has no finished run of scenario {name!r} with every seed of "
                f"{BASELINE}; leave one of them out"
            )
    kept = [name for name in returns if name in scenarios]
    order = [agent for agent in every if agent in agents]
    if not (order and kept):
        raise ValueError(
            "no agent finished, with every seed, in a scenario where a reference beats "
            f"{BASELINE} with every seed"
        )
    return SharedRuns(
        agents=tuple(order),
        by_scenario=tuple(_runs(table, name, returns[name], order) for name in kept),
        other_agents=tuple(agent for agent in _learners_of(table) if agent not in order),
        other_scenarios=tuple(name for name in table.scenarios() if name not in kept),
    )


def _complete(table: ResultTable, scenario: str) -> dict[str, dict[int, float]]:
    """Returns the returns of the agents with all seeds, or none where there is no scale."""
    if not table.rows(phase="final", scenario=scenario):
        return {}
    returns = final_by_seed(table, scenario)
    if BASELINE not in returns or not set(CEILINGS) & set(returns):
        return {}
    base, best = returns[BASELINE], returns[best_reference(table, scenario)]
    seeds = sorted(set(base) & set(best))
    if not seeds or any(best[seed] <= base[seed] for seed in seeds):
        return {}
    return {
        agent: {seed: found[seed] for seed in seeds}
        for agent, found in returns.items()
        if set(seeds) <= set(found)
    }


def _most_shared(learners: Collection[str], ran: Mapping[str, Collection[str]]) -> list[str]:
    """Returns the scenarios that some two agents share, with the most runs of all that share."""
    own = [frozenset(name for name in ran if agent in ran[name]) for agent in learners]
    candidates = dict.fromkeys(a & b for a, b in combinations_with_replacement(own, 2))

    def size(scenarios: frozenset[str]) -> tuple[int, int]:
        return len(scenarios) * sum(scenarios <= each for each in own), len(scenarios)

    best = max(candidates, key=size, default=frozenset[str]())
    return [name for name in ran if name in best]


def _runs(
    table: ResultTable, scenario: str, returns: Mapping[str, dict[int, float]], agents: list[str]
) -> ScenarioRuns:
    reference = best_reference(table, scenario)
    base = np.array(list(returns[BASELINE].values()))
    return ScenarioRuns(
        scenario=scenario,
        reference=reference,
        seeds=tuple(returns[BASELINE]),
        gains=np.array([list(returns[agent].values()) for agent in agents]) - base,
        scale=np.array(list(returns[reference].values())) - base,
    )


def _learners_of(table: ResultTable) -> list[str]:
    found = dict.fromkeys(row["agent"] for row in table.rows(phase="final"))
    return [agent for agent in found if not is_reference(agent)]


def _check_known(name: str, given: Collection[str] | None, known: Iterable[str]) -> None:
    if isinstance(given, str):
        raise TypeError(f"{name}={given!r} is one name; give a list of names")
    for each in given or ():
        if each not in (known := list(known)):
            raise ValueError(
                f"{name} has {each!r}, of which no complete runs with a scale are here; there are "
                f"{', '.join(known) or 'none'}{did_you_mean(each, known)}"
            )
