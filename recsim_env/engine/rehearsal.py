"""The first steps of a scenario that nobody has checked, in plain Python, where faults show.

Compiled code does not notice that it writes past an array, and its compiler says little more of a
misspelt field than its name. So a few people take a few steps beforehand, in copies of all that is
written to.
"""

import dis
import inspect
import linecache
import random
import re
import types
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.core.scenario import Scenario
from recsim_env.engine.kernel import HOOKS
from recsim_env.inputs.spelling import did_you_mean

#: How many people rehearse how many steps, at most for so long; and how many items are drawn.
N_PEOPLE, N_STEPS, SECONDS, N_ITEMS = 3, 5, 0.5, 10

_CHECKED: "weakref.WeakSet[type[Scenario]]" = weakref.WeakSet()
_REHEARSED: "weakref.WeakKeyDictionary[type[Scenario], set[str]]" = weakref.WeakKeyDictionary()


class ScenarioFault(TypeError):
    """A function of a scenario uses what its records do not have; the message says which."""


def mark_checked(kind: type[Scenario]) -> None:
    """Remembers, as long as the process lasts, that `check_scenario` found nothing wrong."""
    _CHECKED.add(kind)


def is_due(scenario: Scenario) -> bool:
    """Returns whether the scenario must rehearse: it is not ours, and neither checked nor known."""
    kind = type(scenario)
    if kind.__module__.startswith("recsim_env.") or kind in _CHECKED:
        return False
    return repr(scenario.settings) not in _REHEARSED.get(kind, ())


def mark_rehearsed(scenario: Scenario) -> None:
    """Remembers that a rehearsal with these settings found nothing."""
    _REHEARSED.setdefault(type(scenario), set()).add(repr(scenario.settings))


#: What else is a function, or None, and what it takes.
_JUDGES = {
    "expected_reward": ("config", "user", "item"),
    "long_term_value": ("config", "user", "item"),
    "redundancy": ("config", "user", "item", "other"),
    "long_term_redundancy": ("config", "user", "item", "other"),
}


def check_functions(scenario: Scenario) -> None:
    """Raises ScenarioFault where a function of a scenario is lacking, or cannot be called."""
    if scenario.respond is Scenario.respond:
        raise ScenarioFault(
            f"{type(scenario).__name__} defines no respond(config, user, items, slate, response, "
            "rng); define it: it returns (reward, terminated)"
        )
    for name in HOOKS:
        taken = tuple(inspect.signature(getattr(Scenario, name)).parameters)
        _check_function(scenario, name, taken)
    for name, taken in _JUDGES.items():
        if getattr(scenario, name) is not None:
            _check_function(scenario, name, taken)
    for function in functions_of(scenario):
        _refuse_other_draws(scenario, function)


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
                f"{type(scenario).__name__}: {_name_of(function.__code__)} draws from "
                f"{'np.random' if is_numpys else each.argval}, which no seed decides; draw from "
                "the rng that it is given, by recsim_env.core.streams"
            )
        before = found


class Watch:
    """A context in which faults of a scenario's functions are explained, and others are no matter.

    What plain Python refuses and compiled code does not (a division by zero, an exponential that
    is too large) only ends the rehearsal.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __enter__(self) -> None:
        self._quiet = warnings.catch_warnings()
        self._quiet.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        self._quiet.__exit__(kind, error, traceback)
        if isinstance(error, AttributeError | IndexError | NameError):
            raise ScenarioFault(_plain_words(self.scenario, error)) from error
        if isinstance(error, ScenarioFault):
            return False
        if isinstance(error, TypeError | ValueError):
            _explain_answer(self.scenario, error)
        return isinstance(error, Exception)


def require_finite(scenario: Scenario, function: str, values: np.ndarray) -> None:
    """Raises ScenarioFault unless all numbers that a function returned are finite."""
    wrong = values[~np.isfinite(values)]
    if wrong.size:
        raise ScenarioFault(
            f"{type(scenario).__name__}: {function}() returned {wrong[0]}; return finite numbers"
        )


def _explain_answer(scenario: Scenario, error: Exception) -> None:
    """Raises ScenarioFault where the loops cannot use what a function of a scenario returned."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    code: Any = None if step is None else step.tb_frame.f_code
    wanted = {
        "take_step": "respond() must return (reward, terminated), a number and a bool",
        "step_batch": "respond() must return (reward, terminated), a number and a bool",
        "judge_batch": "expected_reward() and long_term_value() must return a number",
    }.get(code.co_name)
    if wanted and Path(code.co_filename).parent == Path(__file__).parent:
        raise ScenarioFault(f"{type(scenario).__name__}: {wanted} ({error})") from error


def _plain_words(scenario: Scenario, error: Exception) -> str:
    """Returns where in a scenario's functions an error arose, and what it comes down to."""
    step = error.__traceback__
    frames = []
    while step is not None:
        frames.append((step.tb_frame, step.tb_lineno, step.tb_lasti))
        step = step.tb_next
    own = [each for each in frames if "numpy" not in each[0].f_globals.get("__name__", "")]
    frame, line, instruction = own[-1]
    code = frame.f_code
    text = _source(code, instruction)
    complaint = str(error)
    name = re.search(r"attribute '(\w+)'", complaint)
    if name:
        fields = _fields_of(frame.f_locals.get(text.split(".")[0].split("[")[0]), text)
        known = f"; known are {', '.join(fields)}" if fields else ""
        complaint = f"there is no field {name[1]!r}{known}{did_you_mean(name[1], fields)}"
    where = f"{_name_of(code)} ({code.co_filename}, line {line})"
    return _sentence(scenario, where, f"`{text}`: {complaint}")


def _fields_of(record: Any, text: str) -> tuple[str, ...]:
    """Returns the fields that there are where an expression, which begins with `record`, ends."""
    dtype = getattr(record, "dtype", np.dtype(float)).base
    for name in re.findall(r"\.(\w+)", text)[:-1]:
        dtype = dtype[name].base if name in (dtype.names or ()) else dtype
    return dtype.names or ()


def _source(code: types.CodeType, instruction: int) -> str:
    """Returns the expression that an instruction belongs to, or the attribute it is about."""
    first, last, begin, end = list(code.co_positions())[instruction // 2]
    if first is not None and first == last and begin is not None:
        text = linecache.getline(code.co_filename, first).encode()[begin:end].decode()
        if text:
            return text
    attributes = [
        each.argval
        for each in dis.get_instructions(code)
        if each.offset <= instruction and each.opname in ("LOAD_ATTR", "STORE_ATTR")
    ]
    return str(attributes[-1]) if attributes else code.co_name


def _name_of(code: types.CodeType) -> str:
    return code.co_qualname.rpartition("<locals>.")[2]


def _sentence(scenario: Scenario, where: str, what: str) -> str:
    name = type(scenario).__name__
    return (
        f"{name}: {where} uses {what}. Mend it; recsim_env.testing.check_scenario({name}) looks "
        "for all such faults"
    )


def compiler_says(scenario: Scenario, error: BaseException) -> str:
    """Returns what a compiler's error comes down to: the function and the field, or complaints."""
    text = str(error)
    unknown = re.search(r"Unknown attribute '(\w+)'", text)
    field = unknown[1] if unknown else None
    if isinstance(error, KeyError) and error.args:  # what Numba raises where a field is written
        field = str(error.args[0])
    if field is not None:
        where = [
            _name_of(each.__code__)
            for each in functions_of(scenario)
            if field in each.__code__.co_names
        ]
        if where:
            fields = [name for each in scenario.schema.dtypes.values() for name in each.names or ()]
            lack = f"a field {field!r} that the record has not{did_you_mean(field, fields)}"
            return _sentence(scenario, " or ".join(dict.fromkeys(where)), lack)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    complaints = [
        line for line in lines if line.startswith((">>>", "No impl", "Untyped", "Unknown"))
    ]
    places = [line for line in lines if line.startswith("File ") and "site-packages" not in line]
    said = "; ".join(dict.fromkeys((complaints or lines[:3])[:3] + places[:1]))
    return f"{type(scenario).__name__} cannot be compiled: {said}"


def is_compilers(error: Exception) -> bool:
    """Returns whether the compiler raised it, and not what it compiled."""
    from numba.core.errors import NumbaError

    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    where = "" if step is None else step.tb_frame.f_globals.get("__name__", "")
    return isinstance(error, NumbaError) or (
        isinstance(error, KeyError) and where.startswith("numba.")
    )


def functions_of(scenario: Scenario) -> Iterator[types.FunctionType]:
    """Yields the functions that a scenario consists of, with all that they call."""
    names = (*HOOKS, "expected_reward", "long_term_value", "redundancy", "long_term_redundancy")
    waiting = [getattr(scenario, name) for name in names]
    seen = set()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, types.FunctionType) and each not in seen:
            seen.add(each)
            yield each
            waiting += [each.__globals__.get(name) for name in each.__code__.co_names]
