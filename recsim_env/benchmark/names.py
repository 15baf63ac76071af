"""What people call scenarios: with or without the namespace, the version and the settings."""

import dataclasses
import re
from typing import Any

import gymnasium

from recsim_env.core.scenario import Scenario
from recsim_env.envs import resolve_scenario
from recsim_env.envs.registry import NAMESPACE
from recsim_env.envs.resolving import scenario_class
from recsim_env.inputs.importing import imported_module
from recsim_env.inputs.spelling import did_you_mean


def scenario_ids() -> list[str]:
    """Returns the ids of all registered scenarios, ours and other people's."""
    return sorted(
        env_id
        for env_id, spec in gymnasium.registry.items()
        if "scenario" in spec.kwargs and str(spec.entry_point).startswith(f"{NAMESPACE}.")
    )


def scenario_id(name: str) -> str:
    """Returns the full id of a scenario.

    The namespace may be left out where it is ours, and the version where the newest is meant.
    ``"module:Class"`` and ``"file.py:Class"`` stand for themselves; of Gymnasium's
    ``"module:namespace/Name-v0"`` the module is imported, which registers the id.

    Raises:
      ValueError: an unknown name; the known ones are listed.

    >>> import recsim_env
    >>> scenario_id("MusicStreaming")
    'recsim_env/MusicStreaming-v0'
    """
    module, _, env_id = name.rpartition(":")
    if module and "/" in env_id:
        imported_module(module, name)
        name = env_id
    if ":" in name:
        return name
    known = scenario_ids()
    full = name if "/" in name else f"{NAMESPACE}/{name}"
    if full in known:
        return full
    versions = [env_id for env_id in known if re.fullmatch(re.escape(full) + r"-v\d+", env_id)]
    if versions:
        return max(versions, key=lambda env_id: int(env_id.rpartition("-v")[2]))
    listed = ", ".join(env_id.removeprefix(f"{NAMESPACE}/") for env_id in known)
    raise ValueError(
        f"scenario {name!r} is unknown; known are {listed}"
        f"{did_you_mean(name, (each.removeprefix(f'{NAMESPACE}/') for each in known))}"
    )


def named_scenario(name: str) -> tuple[type[Scenario], dict[str, Any]]:
    """Returns the class of the scenario of that name, and the settings that its id fixes.

    Raises:
      ValueError: an unknown name; the known ones are listed.
    """
    env_id = scenario_id(name)
    fixed = {"scenario": env_id} if ":" in env_id else dict(gymnasium.registry[env_id].kwargs)
    return scenario_class(fixed.pop("scenario")), fixed


def settings_of(name: str) -> dict[str, Any]:
    """Returns the settings of the scenario of that name, as its id or its class has them.

    Those that must be given are left out.

    Raises:
      ValueError: an unknown name; the known ones are listed.
    """
    scenario, fixed = named_scenario(name)
    defaults = {field.name: field.default for field in dataclasses.fields(scenario)}
    known = {name: value for name, value in defaults.items() if value is not dataclasses.MISSING}
    return known | fixed


def make_scenario(name: str, **settings: Any) -> Scenario:
    """Returns the scenario of that name with settings beyond those that its id fixes.

    Raises:
      ValueError: an unknown name or setting; the known ones are listed.
    """
    scenario, fixed = named_scenario(name)
    return resolve_scenario(scenario, **(fixed | settings))
