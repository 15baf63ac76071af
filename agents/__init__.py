"""The agents: each file is one idea, behind the interface of `recsim_env.agents.core.agent`.

`AGENTS` maps a short name to ``"module:Class"``, so that nothing is imported before it is used.
What was made elsewhere serves as an agent too: `ScoreTable`, `from_predict`, `from_policy`, and
models of Stable-Baselines3, in `recsim_env.agents.foreign`.
"""

import importlib
import os
from pathlib import Path
from typing import Any

from recsim_env.agent_registry import REGISTRY
from recsim_env.agents.core.acting import people_of
from recsim_env.agents.core.agent import Agent
from recsim_env.agents.core.agent_file import read_about
from recsim_env.agents.core.requirements import UnsuitableScenario
from recsim_env.agents.foreign.frozen import Frozen
from recsim_env.agents.foreign.policy import from_policy, policy_class
from recsim_env.agents.foreign.predictor import from_predict
from recsim_env.agents.foreign.sb3_file import is_model_file
from recsim_env.agents.foreign.sb3_model import SB3Model, is_model, model_class
from recsim_env.agents.foreign.score_table import ScoreTable
from recsim_env.agents.tuned import tuned as tuned_settings
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.inputs.importing import imported_class
from recsim_env.inputs.spelling import did_you_mean

__all__ = [
    "AGENTS",
    "Agent",
    "SB3Model",
    "ScoreTable",
    "UnsuitableScenario",
    "agent_class",
    "as_agent",
    "from_policy",
    "from_predict",
    "is_frozen",
    "load_agent",
    "make_agent",
]

AGENTS = {name: entry.path for name, entry in REGISTRY.items()}

# What else files may hold.
_TABLE = f"{ScoreTable.__module__}:{ScoreTable.__qualname__}"


def agent_class(name: str) -> type[Agent]:
    """Returns the class of an agent by what people call it.

    Args:
      name: its short name; ``"module:Class"`` or ``"file.py:Class"``; a function likewise, as
        `from_policy` takes it; the file of a saved agent; or that of a model of Stable-Baselines3,
        ``"model.zip"`` or ``"PPO@model.zip"``.

    Raises:
      ValueError: an unknown name, of which the known ones are listed; or no class of an agent.
      TypeError: a function that takes something else than observations, or no name.
    """
    name = _as_name(name)
    path = AGENTS.get(name, name)
    if path in AGENTS.values():  # ours may need an extra, which they name themselves
        return _class_at(path)
    if is_model_file(path):
        return model_class(path)
    if Path(path).is_file():
        return _class_in(path)
    if ":" not in path:
        raise ValueError(
            f"agent {name!r} is neither a file nor a known name; known are {', '.join(AGENTS)}"
            f"{did_you_mean(name, AGENTS)}"
        )
    found: Any = imported_class(path, Agent, what="agent", or_function=True)
    own: type[Agent] = found if isinstance(found, type) else policy_class(found)
    return own


def _as_name(name: Any) -> str:
    """Returns a name or a path as text; raises TypeError where it is neither."""
    if isinstance(name, str | os.PathLike):
        return os.fspath(name)
    raise TypeError(
        f'agent {name!r:.80} is no name; use one of {", ".join(AGENTS)}, "module:Class" or a file; '
        "a class is called by itself, Class(env, seed=0)"
    )


def _class_at(path: str) -> type[Agent]:
    module, _, attribute = path.partition(":")
    found: type[Agent] = getattr(importlib.import_module(module), attribute)
    return found


def _class_in(path: str | Path) -> type[Agent]:
    """Returns the class of the agent saved in a file; others than ours are not imported."""
    kind = read_about(path)["agent"]
    if kind not in (*AGENTS.values(), _TABLE):
        name = kind.rpartition(":")[2].rpartition(".")[2]
        raise ValueError(
            f"{path} holds {kind}, which is not a registered agent, and is not imported for a "
            f"file's sake; if you trust it, load it by its class: {name}.load({str(path)!r}, env)"
        )
    return _class_at(kind)


def is_frozen(name: str) -> bool:
    """Returns whether an agent of that name was made before, and is to be served as it is.

    So are files, and classes and functions that serve what was made elsewhere.
    """
    if name in AGENTS or name in AGENTS.values():
        return False
    return Path(name).is_file() or issubclass(agent_class(name), Frozen)


def make_agent(
    name: str,
    env: RecommendationVectorEnv,
    *,
    seed: int = 0,
    tuned: bool = False,
    **settings: Any,
) -> Agent:
    """Returns a new agent, or the one that a file holds.

    Args:
      name: as of `agent_class`.
      env: where it acts.
      seed: of a new agent; one that was saved has its own.
      tuned: whether settings that are not given are those that were found best in this scenario.
      **settings: as of its class.

    Raises:
      NotTuned: its settings were not tuned in this scenario (a ValueError).
    """
    if tuned:
        settings = {**tuned_settings(name, people_of(env)[0].scenario).settings, **settings}
    name = _as_name(name)
    if name not in AGENTS and not is_model_file(name) and Path(name).is_file():
        return load_agent(name, env, **settings)
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
    return _class_in(path).load(path, env, another_world=another_world, **changes)


def as_agent(thing: Any, env: RecommendationVectorEnv) -> Any:
    """Returns a function or a model of Stable-Baselines3 as an agent; all else as it is.

    Args:
      thing: a function as `from_policy` takes it, a model, or anything with `predict`.
      env: where it acts.

    Raises:
      TypeError: it is none of these.
      ValueError: as of `SB3Model`.
    """
    if is_model(thing) and not hasattr(thing.policy, "lstm_actor"):
        return SB3Model(env, thing)
    if callable(getattr(thing, "predict", None)) and not isinstance(thing, type):
        return thing
    if callable(thing) and not isinstance(thing, type):
        return from_policy(thing, env)
    raise TypeError(
        f"agent={thing!r:.80} has no predict(), and is no function; use an agent, of make_agent or "
        "load_agent say, a model of Stable-Baselines3, or a function from observations to slates"
    )
