"""The agents: each file is one idea, behind the interface of `recsim_env.agents.core.agent`.

`AGENTS` maps a short name to ``"module:Class"``, so that nothing is imported before it is used.
"""

import importlib
from pathlib import Path
from typing import Any

from recsim_env.agent_registry import REGISTRY
from recsim_env.agents.core.agent import Agent, UnsuitableScenario
from recsim_env.agents.core.agent_file import read_about
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.inputs.importing import imported_class
from recsim_env.inputs.spelling import did_you_mean

__all__ = ["AGENTS", "Agent", "UnsuitableScenario", "agent_class", "load_agent", "make_agent"]

AGENTS = {name: entry.path for name, entry in REGISTRY.items()}


def agent_class(name: str) -> type[Agent]:
    """Returns the class of an agent by its short name, ``"module:Class"`` or ``"file.py:Class"``.

    Raises:
      ValueError: an unknown name, of which the known ones are listed; or no class of an agent.
    """
    path = AGENTS.get(name, name)
    if ":" not in path:
        raise ValueError(
            f"agent {name!r} is unknown; known are {', '.join(AGENTS)}{did_you_mean(name, AGENTS)}"
        )
    if path in AGENTS.values():  # ours may need an extra, which they name themselves
        module, _, attribute = path.partition(":")
        found: type[Agent] = getattr(importlib.import_module(module), attribute)
        return found
    own: type[Agent] = imported_class(path, Agent, what="agent")
    return own


def make_agent(name: str, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> Agent:
    """Returns a new agent; see `agent_class` for its name and its class for the settings."""
    return agent_class(name)(env, seed=seed, **settings)


def load_agent(
    path: str | Path, env: RecommendationVectorEnv, *, another_world: bool = False, **changes: Any
) -> Agent:
    """Returns the agent saved in a file, whichever it is; see `Agent.load` for the arguments.

    Raises:
      UnsuitableScenario, TypeError: as in `Agent.load`.
      ValueError: the file is not one of ours or damaged, its agent is not a registered one, or it
        learned in another world.
    """
    kind = read_about(path)["agent"]
    if kind not in AGENTS.values():
        raise ValueError(f"{path} holds {kind}, which is not a registered agent")
    return agent_class(kind).load(path, env, another_world=another_world, **changes)
