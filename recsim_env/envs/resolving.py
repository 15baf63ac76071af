"""Which scenario is meant by a name, a class or an instance."""

import dataclasses
import inspect
from typing import Any

from recsim_env.core.scenario import Scenario
from recsim_env.inputs.importing import imported_class
from recsim_env.inputs.spelling import did_you_mean


def resolve_scenario(scenario: str | type[Scenario] | Scenario, **settings: Any) -> Scenario:
    """Returns the scenario meant by a name, a class or an instance, with settings.

    Args:
      scenario: a name is ``"module:Class"`` or ``"file.py:Class"``.
      **settings: of the scenario.

    Raises:
      TypeError: it is none of these.
      ValueError: there is no such class, or a setting is unknown or out of range.
    """
    kind, given = _kind_of(scenario)
    return kind.create(**(given | settings))


def _kind_of(scenario: Any) -> tuple[type[Scenario], dict[str, Any]]:
    """Returns the class of a scenario, however it is named, and the settings that it has."""
    found: Any = scenario_class(scenario) if isinstance(scenario, str) else scenario
    if isinstance(found, Scenario):
        return type(found), found.settings
    if isinstance(found, type) and issubclass(found, Scenario):
        return found, {}
    raise TypeError(f"scenario={scenario!r} is not a Scenario, a subclass of it, or 'module:Class'")


def scenario_class(scenario: str | type[Scenario]) -> type[Scenario]:
    """Returns the class that ``"module:Class"`` or ``"file.py:Class"`` stands for, or that class.

    Raises:
      ValueError: there is no such class of a scenario.
    """
    if not isinstance(scenario, str):
        return scenario
    found: type[Scenario] = imported_class(scenario, Scenario, what="scenario")
    return found


def scenario_for(env: type, scenario: Any, settings: dict[str, Any]) -> Scenario:
    """Returns the scenario that an environment is made of.

    Raises:
      TypeError: a keyword is neither an argument of the environment nor a setting. It begins with
        Python's words, by which libraries tell that an argument is not taken.
      ValueError: as `resolve_scenario`.
    """
    kind, _ = _kind_of(scenario)
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        arguments = [name for name in inspect.signature(env).parameters if name != "settings"]
        raise TypeError(
            f"{env.__name__}.__init__() got an unexpected keyword argument {unknown[0]!r}"
            f"{did_you_mean(unknown[0], [*known, *arguments])}; {kind.__name__} has no setting "
            f"{', '.join(unknown)}; known are {', '.join(known)}; and the environment takes "
            f"{', '.join(arguments)}"
        )
    return resolve_scenario(scenario, **settings)
