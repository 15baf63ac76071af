"""Studies of several agents in several scenarios, one after another."""

from collections.abc import Iterable
from typing import Any

from recsim_env.agents import UnsuitableScenario
from recsim_env.benchmark.tuning.settings import TuningSettings
from recsim_env.envs.registry import ENVIRONMENTS

#: One or two of each family, those that learn fast first.
AGENTS = (
    *("linucb", "epsilon_greedy", "topic_quality", "popularity"),
    *("ials", "content", "ppo", "dqn"),
)

#: Those as they are by default: ids that fix settings repeat what was published.
SCENARIOS = tuple(name for name, (_, fixed) in ENVIRONMENTS.items() if not fixed)


def studies(
    agents: Iterable[str] = AGENTS, scenarios: Iterable[str] = SCENARIOS, **settings: Any
) -> list[TuningSettings]:
    """Returns the studies of every agent in every scenario that it suits.

    Args:
      agents, scenarios: by name.
      **settings: of every study; see `TuningSettings`.

    Raises:
      ValueError: as of `TuningSettings`, or no agent suits any of the scenarios.
    """
    scenarios, found, reasons = tuple(scenarios), list[TuningSettings](), list[str]()
    for agent in agents:
        for scenario in scenarios:
            try:
                found.append(TuningSettings(scenario=scenario, agent=agent, **settings))
            except UnsuitableScenario as error:
                reasons.append(str(error))
    if not found:
        raise ValueError(f"no agent suits any of these scenarios: {'; '.join(reasons)}")
    return found
