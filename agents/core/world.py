"""Where an agent learned, as its file knows it, and whether that is where it is to act."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.core.reward import described, digest_of, is_named
from recsim_env.core.scenario import Scenario

#: Settings that change only for how long one looks.
FREE = ("horizon",)

#: A description, as JSON values; see `describe_world`.
World = Mapping[str, Any]


def describe_world(scenario: Scenario) -> dict[str, Any]:
    """Returns what a scenario is, as JSON values.

    Keys: `scenario`, "module:Class"; `scenario_settings`; `files`, digests of the files and the
    reward that settings name; `free_settings`, names of those that may be others where an agent
    acts: the horizon, and what frozen evaluations change (`Scenario.evaluation_settings`); and
    `shapes`, of what is seen and shown.
    """
    settings = {
        name: described(value) if name == "reward" else value
        for name, value in scenario.settings.items()
    }
    files = {name: _digest(value) for name, value in settings.items() if _is_file(value)}
    if is_named(scenario.reward) and not scenario.pays_own:
        files["reward"] = digest_of(scenario.reward)
    shapes = {name: _shape(space) for name, space in scenario.schema.spaces.items()}
    found = {
        "scenario": _name(type(scenario)),
        "scenario_settings": settings,
        "files": files,
        "free_settings": sorted({*FREE, *scenario.evaluation_settings()}),
        "shapes": shapes | {"slate": [scenario.slate_size, scenario.n_candidates]},
    }
    plain: dict[str, Any] = json.loads(json.dumps(found, default=repr))
    return plain


def check_world(world: Any) -> None:
    """Raises ValueError unless a value is what `describe_world` returns."""
    kinds = {
        "scenario": str,
        "scenario_settings": dict,
        "files": dict,
        "free_settings": list,
        "shapes": dict,
    }
    if not isinstance(world, dict) or not all(
        isinstance(world.get(name), kind) for name, kind in kinds.items()
    ):
        raise ValueError("it does not say which world it is of")
    if ":" not in world["scenario"] or not all(isinstance(n, str) for n in world["free_settings"]):
        raise ValueError("it does not say which world it is of")


def is_of(world: World, scenario: type[Scenario]) -> bool:
    """Returns whether a world is one of a scenario, which a notebook may have defined."""
    return _is_same(world["scenario"], _name(scenario))


def difference(learned: World, here: World) -> str:
    """Returns in what two worlds differ beyond what may differ, naming both; "" if in nothing."""
    if not _is_same(learned["scenario"], here["scenario"]):
        return f"{learned['scenario']} there, {here['scenario']} here"
    free = {*learned["free_settings"], *here["free_settings"]}
    settings, ours = learned["scenario_settings"], here["scenario_settings"]
    files, our_files = learned["files"], here["files"]
    found = []
    for name in sorted((settings.keys() | ours.keys()) - free):
        is_file = name in files and name in our_files
        if is_file and files[name] != our_files[name]:
            kind = "another function" if name == "reward" else "another file"
            found.append(f"{name}={ours[name]!r} was {kind} there")
        elif not is_file and settings.get(name) != ours.get(name):
            found.append(f"{name}={settings.get(name)!r} there, {ours.get(name)!r} here")
    return "; ".join(found) or shape_difference(learned, here)


def shape_difference(learned: World, here: World) -> str:
    """Returns in what differs what is seen and shown in two worlds; "" if in nothing."""
    there, ours = learned["shapes"], here["shapes"]
    return "; ".join(
        f"{name} of shape {there.get(name, 'none')} there, {ours.get(name, 'none')} here"
        for name in sorted(there.keys() | ours.keys())
        if there.get(name) != ours.get(name)
    )


def require_alike(
    learned: World,
    here: World,
    *,
    another_world: bool = False,
    what: str = "the agent learned in",
) -> None:
    """Raises unless what was learned in one world may be used in another.

    Args:
      learned: where the agent learned.
      here: where it is to act.
      another_world: whether it is meant to be another; then only the shapes must be the same.
      what: begins the message.

    Raises:
      ValueError: in what they differ, and what to do.
    """
    differing = shape_difference(learned, here) if another_world else difference(learned, here)
    if not differing:
        return
    remedy = "use the same scenario and settings"
    if another_world:
        remedy = "another world, too, must show what has the same shapes"
    elif not shape_difference(learned, here):
        remedy += (
            ", or say that another world is meant: another_world=True, on the command line "
            "--another-world"
        )
    raise ValueError(f"{what} another world ({differing}); {remedy}")


def _name(scenario: type[Scenario]) -> str:
    return f"{scenario.__module__}:{scenario.__qualname__}"


def _is_same(one: str, other: str) -> bool:
    (module, _, name), (other_module, _, other_name) = one.partition(":"), other.partition(":")
    return one == other or ("__main__" in (module, other_module) and name == other_name)


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and Path(value).is_file()


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _shape(space: spaces.Space) -> list[int]:
    """Returns the size of each axis of a Box, or of what ids count, and its shape."""
    if isinstance(space, spaces.Discrete):
        return [int(space.n)]
    if isinstance(space, spaces.MultiDiscrete):
        return [*space.shape, int(np.max(space.nvec))]
    return [int(size) for size in space.shape or ()]
