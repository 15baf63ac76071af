"""The file of an agent: its arrays, and what it says of it beside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from recsim_env.agents.core.acting import people_of
from recsim_env.agents.core.requirements import UnsuitableScenario
from recsim_env.agents.core.restoring import MANY, flattened, nested, require_finite
from recsim_env.agents.core.sight import sighted
from recsim_env.agents.core.world import check_world, describe_world, require_alike
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.array_file import read_arrays, read_values, write_arrays

if TYPE_CHECKING:
    from recsim_env.agents.core.agent import Agent

AgentT = TypeVar("AgentT", bound="Agent")

FILE_KIND = "agent"
FILE_VERSION = 1


def write_agent(agent: "Agent", path: str | Path, notes: Mapping[str, Any]) -> None:
    """Writes an agent; see `Agent.save`."""
    values = {
        "agent": _name_of(type(agent)),
        "seed": agent.seed,
        "settings": agent.settings.as_dict(),
        "num_timesteps": agent.num_timesteps,
        "generator": agent.rng.bit_generator.state,
        "world": agent.world,
        "notes": dict(notes),
    }
    arrays = flattened(agent.state_dict())
    write_arrays(path, arrays, values, kind=FILE_KIND, version=FILE_VERSION)


def read_agent(
    kind: "type[AgentT]",
    path: str | Path,
    env: RecommendationVectorEnv,
    changes: Mapping[str, Any],
    *,
    another_world: bool,
) -> "AgentT":
    """Returns the agent of a class that a file holds, acting in `env`; see `Agent.load`."""
    arrays, about = read_arrays(path, kind=FILE_KIND, version=FILE_VERSION)
    check_about(about, path)
    if about["agent"] != _name_of(kind):
        raise ValueError(f"{path} holds {about['agent']}, not {_name_of(kind)}; use load_agent")
    people, _ = people_of(env)
    try:
        settings = kind.Settings.restored(about["settings"], changes)
        sees_state = kind.Settings.of(kind.__name__, settings).sees_state
        here = describe_world(sighted(people.scenario) if sees_state else people.scenario)
        require_alike(about["world"], here, another_world=another_world)
        agent = kind.blank(env, seed=about["seed"], **settings)
    except UnsuitableScenario:
        raise
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    _put_into(agent, arrays, about, path)
    return agent


def _name_of(kind: type["Agent"]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _put_into(
    agent: "Agent", arrays: Mapping[str, np.ndarray], about: Mapping[str, Any], path: str | Path
) -> None:
    """Lets a blank agent become that of a file; raises ValueError where the arrays do not fit."""
    agent.num_timesteps, agent.world = about["num_timesteps"], about["world"]
    agent.rng.bit_generator.state = about["generator"]
    try:
        for name, value in arrays.items():
            require_finite(name, value, but_for_infinity=name.startswith(agent.infinite))
        agent.load_state_dict(nested(arrays))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    except Exception as error:  # whatever arrays that do not fit lead to
        raise ValueError(
            f"{path} is damaged: its arrays are not those of {type(agent).__name__} with these "
            "settings"
        ) from error


def read_about(path: str | Path) -> dict[str, Any]:
    """Returns what the file of an agent says of it: its class, settings, world and notes.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file holds something else, or is damaged.
    """
    about = read_values(path, kind=FILE_KIND, version=FILE_VERSION)
    check_about(about, path)
    return about


def check_about(about: Mapping[str, Any], path: str | Path) -> None:
    """Raises ValueError unless the values are those that `Agent.save` writes."""

    def is_count(name: str, most: float) -> bool:
        value = about.get(name)
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most

    try:
        if not isinstance(about.get("agent"), str):
            raise ValueError("it does not say which agent it holds")
        for name, most in (("seed", np.inf), ("num_timesteps", MANY)):
            if not is_count(name, most):
                raise ValueError(f"{name}={about.get(name)!r:.50} is no number of 0 or more")
        for name in ("settings", "notes"):
            if not isinstance(about.get(name), dict):
                raise ValueError(f"{name}={about.get(name)!r:.50} are no values by name")
        check_world(about.get("world"))
        _check_generator(about.get("generator"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _check_generator(state: Any) -> None:
    """Raises ValueError unless it is the state of a generator as agents have."""
    generator = np.random.default_rng(0).bit_generator
    try:
        generator.state = state
        holds = generator.state == state
    except (ValueError, TypeError, KeyError, OverflowError):
        holds = False
    if not holds:
        raise ValueError("the state of its generator is none")
