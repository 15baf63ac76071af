"""Faults of a scenario's functions, explained: which function uses which field wrongly."""

import dis
import linecache
import re
import traceback
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.core.scenario import Scenario
from recsim_env.engine.kernel import functions_of
from recsim_env.inputs.spelling import did_you_mean


class ScenarioFault(TypeError):
    """A function of a scenario uses what its records do not have; the message says which."""


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

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self._quiet.__exit__(kind, error, trace)
        explain(self.scenario, error)
        return isinstance(error, Exception) and not isinstance(error, ScenarioFault)


def explain(scenario: Scenario, error: Any) -> None:
    """Raises a ScenarioFault that explains what plain Python raised, where that says what is wrong.

    Args:
      scenario: whose functions ran.
      error: what they raised; None is nothing.
    """
    if isinstance(error, AttributeError | IndexError | NameError):
        raise ScenarioFault(_plain_words(scenario, error)) from error
    if isinstance(error, ValueError) and "read-only" in str(error):
        raise ScenarioFault(_plain_words(scenario, error, _OF_EVERYBODY)) from error
    if isinstance(error, TypeError | ValueError) and not isinstance(error, ScenarioFault):
        _explain_answer(scenario, error)


_OF_EVERYBODY = (
    "items of the catalogue are the same for everybody, and cannot be written to; keep what "
    "changes in the person's record"
)


def _explain_answer(scenario: Scenario, error: Exception) -> None:
    """Raises ScenarioFault where the loops cannot use what a function of a scenario returned."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    code: Any = None if step is None else step.tb_frame.f_code
    pair = "respond() must return (reward, terminated), a number and a bool"
    earned = f"the reward {scenario.reward_function.__name__}() must return a number"
    wanted = {
        "take_step": pair,
        "step_batch": pair if scenario.pays_own else earned,
        "judge_batch": "expected_reward() and long_term_value() must return a number",
    }.get(code.co_name)
    if wanted and Path(code.co_filename).parent == Path(__file__).parent:
        raise ScenarioFault(f"{type(scenario).__name__}: {wanted} ({error})") from error


def _plain_words(scenario: Scenario, error: Exception, complaint: str = "") -> str:
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
    complaint = complaint or str(error)
    name = re.search(r"attribute '(\w+)'", complaint)
    if name and text.startswith("config.") and name[1] in scenario.settings:
        complaint = (
            f"the setting {name[1]!r} is no number, and config holds numbers alone; let derived() "
            "return what functions read of it, as numbers or arrays"
        )
    elif name:
        fields = _fields_of(frame.f_locals.get(text.split(".")[0].split("[")[0]), text)
        known = f"; known are {', '.join(fields)}" if fields else ""
        complaint = f"there is no field {name[1]!r}{known}{did_you_mean(name[1], fields)}"
    where = f"{name_of(code)} ({code.co_filename}, line {line})"
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


def name_of(code: types.CodeType) -> str:
    """Returns a function's name, with its class but without what it was defined in."""
    return code.co_qualname.rpartition("<locals>.")[2]


def _sentence(scenario: Scenario, where: str, what: str) -> str:
    name = type(scenario).__name__
    return (
        f"{name}: {where} uses {what}. Mend it; recsim_env.testing.check_scenario({name}) looks "
        "for all such faults"
    )


def _compiler_says(scenario: Scenario, error: BaseException) -> str:
    """Returns what a compiler's error comes down to: the function and the field, or complaints."""
    text = str(error)
    unknown = re.search(r"Unknown attribute '(\w+)'", text)
    field = unknown[1] if unknown else None
    if isinstance(error, KeyError) and error.args:  # what Numba raises where a field is written
        field = str(error.args[0])
    if field is not None:
        where = [
            name_of(each.__code__)
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


def explain_compiler(scenario: Scenario, error: Exception) -> None:
    """Raises a ScenarioFault that explains an error, if it is the compiler's."""
    if _is_compilers(error):
        raise ScenarioFault(_compiler_says(scenario, error)) from error


def _is_compilers(error: Exception) -> bool:
    """Returns whether the compiler raised it, and not what it compiled, which has no frames."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_globals.get("__name__", "").startswith("numba.") for frame in frames)
