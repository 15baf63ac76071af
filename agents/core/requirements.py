"""What agents need: of a scenario, by the names in `Agent.requires`, and of optional libraries."""

import importlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from recsim_env.core.scenario import Scenario
from recsim_env.inputs.spelling import did_you_mean


class UnsuitableScenario(ValueError):
    """An agent cannot work in a scenario; the message says why in a sentence."""


class Requirement(NamedTuple):
    """Something that a scenario has or lacks.

    Attributes:
      holds: whether a scenario has it.
      lack: says that it has not, of an {agent} and a {scenario}; {sizes} are the settings n_items
        and n_users where they are 0.
      outlook: which `Scenario.outlook` it is; of another reward the scenario says why it has none.
    """

    holds: Callable[[Scenario], bool]
    lack: str
    outlook: str = ""


REQUIREMENTS = {
    "item features": Requirement(
        lambda scenario: "candidates" in scenario.schema.spaces,
        "{agent} needs item features, and {scenario} with these settings shows none",
    ),
    "item ids": Requirement(
        lambda scenario: bool(scenario.n_items),
        "{agent} needs item ids, and {scenario} with these settings lacks them; set n_items",
    ),
    "user and item ids": Requirement(
        lambda scenario: bool(scenario.n_users and scenario.n_items),
        "{agent} needs user and item ids, and {scenario} with these settings lacks them; set "
        "{sizes}",
    ),
    "item ids or features": Requirement(
        lambda scenario: bool(scenario.n_items) or "candidates" in scenario.schema.spaces,
        "{agent} needs item ids or features, and {scenario} with these settings has neither; set "
        "n_items",
    ),
    "responses": Requirement(
        lambda scenario: "response" in scenario.schema.spaces,
        "{agent} needs to see what is chosen from a slate, and {scenario} with these settings does "
        "not show it",
    ),
    "categories": Requirement(
        lambda scenario: scenario.category is not None,
        "{scenario} does not say which category an item is of",
    ),
    "expected reward": Requirement(
        lambda scenario: scenario.outlook("expected_reward") is not None,
        "{scenario} defines no expected_reward(), so there is no oracle",
        "expected_reward",
    ),
    "long-term value": Requirement(
        lambda scenario: scenario.outlook("long_term_value") is not None,
        "{scenario} has no far-sighted reference; the oracle is its ceiling",
        "long_term_value",
    ),
}


def first_lack(agent: str, requires: Iterable[str], scenario: Scenario) -> str | None:
    """Returns a sentence on the first of what an agent requires that a scenario lacks, or None.

    Raises:
      TypeError: it requires what is not known by that name.
    """
    names = (requires,) if isinstance(requires, str) else tuple(requires)
    unknown = [name for name in names if name not in REQUIREMENTS or isinstance(requires, str)]
    if unknown:
        meant = did_you_mean(unknown[0], REQUIREMENTS)
        raise TypeError(
            f"{agent}.requires={requires!r} is no tuple of what scenarios may have; use some of "
            f"{', '.join(map(repr, REQUIREMENTS))}{meant}"
        )
    sizes = {"n_items": scenario.n_items, "n_users": scenario.n_users}
    named = {"agent": agent, "scenario": type(scenario).__name__}
    named["sizes"] = " and ".join(name for name, size in sizes.items() if not size)
    for name in names:
        requirement = REQUIREMENTS[name]
        if not requirement.holds(scenario):
            if requirement.outlook and not scenario.pays_own:
                return scenario.no_outlook(requirement.outlook)
            remedy = scenario.remedy_for(name)
            return requirement.lack.format(**named) + (f"; {remedy}" if remedy else "")
    return None


def extra(module: str, *, needed_by: str, install: str = "recsim-env[agents]") -> Any:
    """Returns a module that is, or needs, an optional library.

    Args:
      module: its full name.
      needed_by: what is said to need it.
      install: what pip is told to install.

    Raises:
      ImportError: the library is not installed; the message says how to. One that is installed and
        does not work says so itself.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f'{needed_by} needs {error.name}, which is not installed; pip install "{install}"'
        ) from error
