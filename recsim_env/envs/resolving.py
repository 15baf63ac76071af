"""Which scenario is meant by what people call it: a name, an id, a class or an instance."""

import dataclasses
import inspect
import re
from typing import Any

import gymnasium

from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import require_dataclass
from recsim_env.envs.registry import BATCH_ARGUMENTS, NAMESPACE, no_scenario
from recsim_env.inputs.importing import imported_class, imported_module
from recsim_env.inputs.spelling import did_you_mean


def resolve_scenario(scenario: str | type[Scenario] | Scenario, **settings: Any) -> Scenario:
    """Returns the scenario meant by a name, a class or an instance, with settings.

    Args:
      scenario: a name is as for `scenario_id`; the settings that its id fixes count.
      **settings: of the scenario, beyond those that it has.

    Raises:
      TypeError: it is none of these.
      ValueError: there is no such scenario, or a setting is unknown or out of range.

    >>> import recsim_env
    >>> resolve_scenario("LongTermSatisfaction", time_budget=20).settings["time_budget"]
    20
    """
    kind, given = _kind_of(scenario)
    return kind.create(**(given | settings))


def _kind_of(scenario: Any) -> tuple[type[Scenario], dict[str, Any]]:
    """Returns the class of a scenario, however it is named, and the settings that it has."""
    if isinstance(scenario, str):
        return named_scenario(scenario)
    if isinstance(scenario, Scenario):
        return type(scenario), scenario.settings
    if isinstance(scenario, type) and issubclass(scenario, Scenario):
        return scenario, {}
    raise TypeError(no_scenario(scenario))


def scenario_for(env: type, scenario: Any, settings: dict[str, Any]) -> Scenario:
    """Returns the scenario that an environment is made of.

    Raises:
      TypeError: a keyword is neither an argument of the environment nor a setting. It begins with
        Python's words, by which libraries tell that an argument is not taken.
      ValueError: as `resolve_scenario`.
    """
    kind, _ = _kind_of(scenario)
    require_dataclass(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        arguments = [name for name in inspect.signature(env).parameters if name != "settings"]
        hint = did_you_mean(unknown[0], [*known, *arguments])
        if unknown[0] in BATCH_ARGUMENTS:
            hint = ", which a batch takes; make one by gymnasium.make_vec"
        raise TypeError(
            f"{env.__name__}.__init__() got an unexpected keyword argument {unknown[0]!r}{hint}; "
            f"{kind.__name__} has no setting {', '.join(unknown)}; known are {', '.join(known)}; "
            f"and the environment takes {', '.join(arguments)}"
        )
    return resolve_scenario(scenario, **settings)


# Names -------------------------------------------------------------------------------------------


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
    module, colon, given = name.rpartition(":")
    if colon and given.replace(".", "").isidentifier():
        return name
    if colon:
        imported_module(module, name)
    known = scenario_ids()
    full = given if "/" in given else f"{NAMESPACE}/{given}"
    if full in known:
        return full
    versions = [env_id for env_id in known if re.fullmatch(re.escape(full) + r"-v\d+", env_id)]
    if versions:
        return max(versions, key=lambda env_id: int(env_id.rpartition("-v")[2]))
    short = [env_id.removeprefix(f"{NAMESPACE}/") for env_id in known]
    is_others = "/" in given and not given.startswith(f"{NAMESPACE}/") and not module
    raise ValueError(
        f"scenario {name!r} is unknown; known are {', '.join(short)}; and module:Class or "
        f"file.py:Class{f'; import what registers it, or name that: module:{name}' * is_others}"
        f"{did_you_mean(given, short)}"
    )


def named_scenario(name: str) -> tuple[type[Scenario], dict[str, Any]]:
    """Returns the class of the scenario of that name, and the settings that its id fixes.

    Raises:
      ValueError: an unknown name; the known ones are listed.
    """
    env_id = scenario_id(name)
    fixed = {"scenario": env_id} if ":" in env_id else dict(gymnasium.registry[env_id].kwargs)
    kind = fixed.pop("scenario")
    return imported_class(kind, Scenario, what="scenario") if isinstance(kind, str) else kind, fixed


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
