"""The loops of one scenario: those of `batch`, with its functions bound into them, and compiled.

With NUMBA_DISABLE_JIT=1, or ``Kernel(scenario, compiled=False)``, nothing is compiled, and one can
step through a person in a debugger.
"""

import os
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from recsim_env.compiler.binding import Binder, called_by
from recsim_env.core.reward import own
from recsim_env.core.scenario import Scenario
from recsim_env.core.schema import copy_shown
from recsim_env.engine.batch import (
    judge,
    judge_batch,
    judge_shelf,
    judge_slates,
    lost,
    lower_batch,
    sample_catalogue,
    step_batch,
)
from recsim_env.engine.candidates import prefetch
from recsim_env.engine.episode import slot_dtype

# The functions of a scenario that the loops call in any case.
HOOKS = (
    "sample_item",
    "sample_user",
    "begin_episode",
    "respond",
    "observe",
    "report",
    "sample_visitor",
    "sample_candidate",
    "is_excluded",
)

# The functions that a scenario may lack, and what they are bound in the place of.
JUDGES = {
    "expected_reward": judge,
    "long_term_value": judge,
    "redundancy": lost,
    "long_term_redundancy": lost,
}


#: Given a scenario and its reward, returns what is called in the place of that.
Watcher = Callable[[Scenario, Callable[..., Any]], Callable[..., Any]]


class Loops(NamedTuple):
    """The loops over many people that a scenario's functions were bound into.

    Attributes:
      step: `step_batch`.
      sample_catalogue: likewise.
      judges: by "expected_reward", "long_term_value" and "can_be_shown", the loops that judge all
        candidates in turn; none where the scenario cannot.
      liking: `judge_slates` and `judge_shelf` by the `expected_reward`, or none likewise.
      digest: of all that they consist of, records included.
    """

    step: Any
    sample_catalogue: Any
    judges: Mapping[str, tuple[Any, ...]]
    liking: tuple[Any, ...]
    digest: str


def functions_of(scenario: Scenario) -> Iterator[types.FunctionType]:
    """Yields the functions that a scenario consists of, with all that they call."""
    roots = [getattr(scenario, name) for name in HOOKS]
    yield from with_called([*roots, scenario.reward_function, *map(scenario.outlook, JUDGES)])


def with_called(functions: Iterable[Any]) -> Iterator[types.FunctionType]:
    """Yields functions with all that they call; what is no function of Python is left out."""
    waiting, seen = list(functions), set()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, types.FunctionType) and each not in seen:
            seen.add(each)
            yield each
            waiting += called_by(each)


class Kernel:
    """The loops of one scenario; compiling happens at the first call of each.

    Scenarios of the same functions and the same records share them, whatever their settings: Numba
    never frees what it has compiled, so a process that makes environments by the thousand must not
    compile, or load, their loops anew each time.

    Plain Python and compiled code agree to the last bit where records hold float64 and integers.
    Arithmetic of a float32 field with a Python number is float32 in NumPy and float64 in Numba, so
    there they agree to about 1e-7, and a choice that hangs by less may fall the other way.

    Args:
      scenario: whose functions to bind.
      compiled: False runs them as plain Python; None compiles unless NUMBA_DISABLE_JIT is set.
      watch: returns what is called in the place of a reward of one's own in plain Python.
    """

    def __init__(
        self, scenario: Scenario, *, compiled: bool | None = None, watch: Watcher | None = None
    ) -> None:
        self.is_compiled = _jit_enabled() if compiled is None else compiled
        if self.is_compiled or scenario.pays_own:
            watch = None
        # Quick, and it tells which loops these are.
        loops = _bind(scenario, compiled=False, watch=watch)
        if self.is_compiled:
            known = _COMPILED.get(loops.digest)
            loops = known or _COMPILED.setdefault(loops.digest, _bind(scenario, compiled=True))
        self.step, self.sample_catalogue, self.judges, self.liking, _ = loops

    def records(self, array: np.ndarray) -> np.ndarray:
        """Returns the array as the loops take it: plain compiled, `recarray` in plain Python."""
        if self.is_compiled or array.dtype.names is None:
            return array
        return array.view(np.recarray)


# What this process has compiled, by the digest of the same loops in plain Python.
_COMPILED: dict[str, Loops] = {}


def _bind(scenario: Scenario, *, compiled: bool, watch: Watcher | None = None) -> Loops:
    """Returns the loops with the scenario's functions in the places of those of `Scenario`."""
    functions = {getattr(Scenario, name): getattr(scenario, name) for name in HOOKS}
    functions[own] = scenario.reward_function
    functions[copy_shown] = scenario.schema.copy_shown
    worth = scenario.outlook("expected_reward") if scenario.observe_state else None
    functions[Scenario.expected_reward] = worth or judge
    if compiled:
        from recsim_env.compiler.prefetch import prefetch as compiled_prefetch

        functions[prefetch] = compiled_prefetch
    flags = dict(scenario.flags()) | {
        "HAS_CATALOGUE": scenario.n_items > 0,
        "HAS_USERS": scenario.n_users > 0,
        "HAS_INFO": len(scenario.info_layout()) > 0,
        "HAS_ANOTHER_REWARD": not scenario.pays_own,
        "SHOWS_WORTH": worth is not None,
    }
    binder = Binder(functions, flags, compiled=compiled, layout=_layout(scenario))
    if watch is not None:
        binder.functions[own] = watch(scenario, binder.bind_root(scenario.reward_function))

    outlook = scenario.outlook

    def judges(value: Callable | None, redundancy: Callable | None) -> tuple[Any, ...]:
        if value is None:
            return ()
        loops = [binder.bind_root(judge_batch, {judge: value})]
        if redundancy is not None:
            loops.append(binder.bind_root(lower_batch, {lost: redundancy}))
        return tuple(loops)

    liking = outlook("expected_reward")
    return Loops(
        step=binder.bind_root(step_batch),
        sample_catalogue=binder.bind_root(sample_catalogue),
        judges={
            "expected_reward": judges(outlook("expected_reward"), outlook("redundancy")),
            "long_term_value": judges(outlook("long_term_value"), outlook("long_term_redundancy")),
            "can_be_shown": judges(judge, None),
        },
        liking=()
        if liking is None
        else tuple(binder.bind_root(each, {judge: liking}) for each in (judge_slates, judge_shelf)),
        digest=binder.digest.hexdigest(),
    )


def _layout(scenario: Scenario) -> str:
    """Returns a text that differs between scenarios whose records differ."""
    dtypes = [*scenario.schema.dtypes.values(), slot_dtype(scenario), scenario.config().dtype]
    return repr(dtypes)


def _jit_enabled() -> bool:
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
