"""The first steps of a scenario that nobody has checked, in plain Python, where faults show.

Compiled code does not notice that it writes past an array, and its compiler says little more of a
misspelt field than its name. So a few people take a few steps beforehand, in copies of all that is
written to.
"""

import dis
import inspect
import random
import types
import weakref
from typing import Any

import numpy as np

from recsim_env.core.scenario import Scenario
from recsim_env.engine.faults import ScenarioFault, name_of
from recsim_env.engine.kernel import HOOKS, JUDGES, functions_of, with_called
from recsim_env.engine.reading import refuse_writing
from recsim_env.inputs.spelling import did_you_mean

#: How many people rehearse how many steps, at most for so long; and how many items are drawn.
N_PEOPLE, N_STEPS, SECONDS, N_ITEMS = 3, 5, 0.5, 10

# Of a scenario and what says what is earned, the settings that rehearsed; EVERY is that it passed
# `check_scenario`.
_Known = weakref.WeakKeyDictionary[Any, set[str]]
_KNOWN: "weakref.WeakKeyDictionary[type[Scenario], _Known]" = weakref.WeakKeyDictionary()
_EVERY = "every"


def _known(scenario: Scenario) -> set[str]:
    rewards = _KNOWN.setdefault(type(scenario), weakref.WeakKeyDictionary())
    return rewards.setdefault(scenario.reward_function, set())


def mark_checked(scenario: Scenario) -> None:
    """Remembers, as long as the process lasts, that `check_scenario` found nothing wrong.

    That is of the scenario's class and its reward; the settings may be others.
    """
    _known(scenario).add(_EVERY)


def is_due(scenario: Scenario) -> bool:
    """Returns whether the scenario must rehearse: it is not ours, and neither checked nor known."""
    code = (type(scenario), scenario.reward_function)
    if all(each.__module__.startswith("recsim_env.") for each in code):
        return False
    return not _known(scenario) & {_EVERY, repr(scenario.settings)}


def mark_rehearsed(scenario: Scenario) -> None:
    """Remembers that a rehearsal with these settings found nothing."""
    _known(scenario).add(repr(scenario.settings))


def check_functions(scenario: Scenario) -> None:
    """Raises ScenarioFault where a function of a scenario is lacking, or cannot be called."""
    if scenario.respond is Scenario.respond:
        raise ScenarioFault(
            f"{type(scenario).__name__} defines no respond(config, user, items, slate, response, "
            "rng); define it: it returns (reward, terminated)"
        )
    templates = {name: getattr(Scenario, name) for name in HOOKS} | JUDGES
    for name, template in templates.items():
        if getattr(scenario, name) is not None:
            _check_function(scenario, name, tuple(inspect.signature(template).parameters))
    for name in dir(scenario):
        meant = "" if hasattr(Scenario, name) else did_you_mean(name, templates)
        if meant and isinstance(inspect.getattr_static(scenario, name), staticmethod):
            raise ScenarioFault(f"{type(scenario).__name__}.{name} is called by nobody{meant}")
    _refuse_writing(scenario)
    named: set[str] = set()
    for function in functions_of(scenario):
        _refuse_other_draws(scenario, function)
        named.update(function.__code__.co_names)
    for flag in scenario.flags():
        if flag not in named:
            raise ScenarioFault(
                f"{type(scenario).__name__}: flags() names {flag!r}, which no function reads"
                f"{did_you_mean(flag, [name for name in named if name.isupper()])}"
            )


def _check_function(scenario: Scenario, name: str, taken: tuple[str, ...]) -> None:
    function, wanted = getattr(scenario, name), f"{name}({', '.join(taken)})"
    where = f"{type(scenario).__name__}.{name}"
    if isinstance(function, types.MethodType) or not callable(function):
        kind = "a method of an object" if callable(function) else f"{function!r}"
        raise ScenarioFault(f"{where} is {kind}; make it a @staticmethod {wanted}")
    if isinstance(function, types.FunctionType):
        try:
            inspect.signature(function).bind(*taken)
        except TypeError as error:
            raise ScenarioFault(f"{where} cannot be called ({error}); define {wanted}") from error


def _refuse_other_draws(scenario: Scenario, function: types.FunctionType) -> None:
    """Raises where a function draws from what no seed decides."""
    before: Any = None
    for each in dis.get_instructions(function):
        found = function.__globals__.get(each.argval) if each.opname == "LOAD_GLOBAL" else None
        is_numpys = before is np and each.argval == "random"
        if found is random or found is np.random or is_numpys:
            raise ScenarioFault(
                f"{type(scenario).__name__}: {name_of(function.__code__)} draws from "
                f"{'np.random' if is_numpys else each.argval}, which no seed decides; draw from "
                "the rng that it is given, by recsim_env.core.streams"
            )
        before = found


def _refuse_writing(scenario: Scenario) -> None:
    """Raises where a reward of one's own, or what it calls, sets a field of what it is to judge.

    Writing by index, which is as often to an array of its own, shows in the first steps.
    """
    if scenario.pays_own:
        return
    for function in with_called([scenario.reward_function]):
        for each in dis.get_instructions(function):
            if each.opname == "STORE_ATTR":
                refuse_writing(scenario, each.argval)


def require_finite(scenario: Scenario, function: str, values: np.ndarray) -> None:
    """Raises ScenarioFault unless all numbers that a function returned are finite."""
    is_finite = np.isfinite(values)
    if not is_finite.all():
        raise ScenarioFault(
            f"{type(scenario).__name__}: {function}() returned {values[~is_finite][0]}; return "
            "finite numbers"
        )


def earner(scenario: Scenario) -> str:
    """Returns the name of the function that says what is earned."""
    return "respond" if scenario.pays_own else f"the reward {scenario.reward_function.__name__}"
