"""Checks of what environments are given: arguments, seeds, options and actions."""

import math
import operator
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import as_type_of
from recsim_env.inputs.spelling import did_you_mean

N_SEEDS = 2**64

#: More do not help, and each is one of the machine's.
MAX_THREADS = 1024


def as_count(name: str, value: Any, *, allowed: str, low: int = 1, high: int = 2**63 - 1) -> int:
    """Returns an argument that is a whole number.

    Raises:
      ValueError: it is of another type, or not from `low` to `high`; `allowed` says so.
    """
    count = int(as_type_of(0, name, value))
    if not low <= count <= high:
        raise ValueError(f"{name}={count} is not allowed; use {allowed}")
    return count


def as_switch(name: str, value: Any) -> bool:
    """Returns an argument that is True or False; raises ValueError where it is not."""
    return bool(as_type_of(False, name, value))


def as_compiled(compiled: Any) -> bool | None:
    """Returns the argument; raises ValueError unless it is True, False or None."""
    return None if compiled is None else as_switch("compiled", compiled)


def as_threads(threads: Any) -> int:
    """Returns the argument; raises ValueError unless it is a number of threads."""
    return as_count("threads", threads, high=MAX_THREADS, allowed=f"1 to {MAX_THREADS}")


def as_horizon(max_episode_steps: Any) -> int | None:
    """Returns the argument `max_episode_steps`; raises ValueError where it is no such number."""
    if max_episode_steps is None:
        return None
    return as_count("max_episode_steps", max_episode_steps, low=0, allowed="0 (none) or more")


def as_seed(seed: Any, *, name: str = "seed", num_envs: int = 1) -> int:
    """Returns a seed as Python's integer, whichever kind of integer it is.

    Args:
      seed: any integer.
      name: of the argument, for the error.
      num_envs: how many environments count their seeds from it.

    Raises:
      ValueError: it is no integer, or does not fit 64 bits.
    """
    number = -1
    if not isinstance(seed, bool):
        try:
            number = operator.index(seed)
        except (TypeError, ValueError):
            number = -1
    if not 0 <= number <= N_SEEDS - num_envs:
        listed = "" if num_envs == 1 else " (environment i has seed + i), or a list of one for each"
        raise ValueError(
            f"{name}={seed!r} is not allowed; use a whole number, 0 to 2**64 - {num_envs}{listed}"
        )
    return number


def as_options(options: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    """Returns the options of a reset, none for None.

    Raises:
      TypeError: they are no dict.
      ValueError: one is not among the `known`.
    """
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise TypeError(f"options={options!r} is not allowed; use a dict, of {_listed(known)}")
    for name in options:
        if name not in known:
            raise ValueError(
                f"reset() has no option {name!r}; known are {_listed(known)}"
                f"{did_you_mean(name, known)}"
            )
    return options


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)


def as_user_id(scenario: Scenario, value: Any, *, name: str = "options['user_id']") -> int:
    """Returns who is asked for, by number; -1 where it is None: whoever comes.

    Raises:
      ValueError: people of the scenario have no ids, or nobody has this one.
    """
    if value is None:
        return -1
    if scenario.n_users == 0:
        raise ValueError(
            f"{name}={value!r} cannot be asked for: here everybody is a stranger; set n_users to "
            f"make {type(scenario).__name__} with people who have ids and come back"
        )
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < scenario.n_users:
        raise ValueError(
            f"{name}={value!r} is nobody; use a whole number, 0 to {scenario.n_users - 1} "
            f"(n_users={scenario.n_users})"
        )
    return number


def as_mode(mode: Any) -> AutoresetMode:
    """Returns the argument `autoreset_mode`; raises ValueError unless it is one, or names one."""
    try:
        return AutoresetMode(mode)
    except ValueError as error:
        names = [each.value for each in AutoresetMode]
        raise ValueError(
            f"autoreset_mode={mode!r} is not allowed; use one of {', '.join(names)}"
            f"{did_you_mean(mode, names)}"
        ) from error


def as_num_envs(num_envs: Any, *, bytes_each: int) -> int:
    """Returns the argument.

    Raises:
      ValueError: it is no number of environments, or of more than memory can hold.
    """
    number = as_count("num_envs", num_envs, allowed="at least 1")
    gibibytes = number * bytes_each / 2**30
    if gibibytes > _memory_gibibytes():
        raise ValueError(
            f"num_envs={number} would take {gibibytes:,.0f} GiB, and this machine has "
            f"{_memory_gibibytes():,.0f}; use fewer"
        )
    return number


def _memory_gibibytes() -> float:
    if not hasattr(os, "sysconf"):  # Windows does not tell
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def as_array(actions: Any) -> np.ndarray:
    """Returns actions as an array, of whatever they are; raises ValueError where they are none."""
    try:
        return np.asarray(actions)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"actions {actions!r} are not an array ({error}); use one of numbers"
        ) from error


def as_indices(actions: Any) -> np.ndarray:
    """Returns actions as an array of integers; raises ValueError where they are not."""
    array = as_array(actions)
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"actions of type {array.dtype} are not indices of candidates; use integers"
        )
    return array


def as_seeds(seed: Any, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns a seed for each environment of a batch, and where a list holds None instead.

    Args:
      seed: the first of as many in a row, or a list of one for each.
      num_envs: how many environments there are.

    Raises:
      ValueError: a list of another length, or as in `as_seed`.
    """
    is_none = np.zeros(num_envs, bool)
    if not _is_list(seed):
        first = as_seed(seed, num_envs=num_envs)
        return np.uint64(first) + np.arange(num_envs, dtype=np.uint64), is_none
    _require_one_each("seed", seed, num_envs)
    seeds = np.zeros(num_envs, np.uint64)
    for index, one in enumerate(seed):
        is_none[index] = one is None
        seeds[index] = 0 if one is None else as_seed(one, name=f"seed[{index}]")
    return seeds, is_none


def as_user_ids(scenario: Scenario, value: Any, num_envs: int) -> np.ndarray | None:
    """Returns who is asked for in each environment, -1 where nobody is; None is nobody at all.

    Args:
      scenario: whose people they are.
      value: one for all, or a list of one for each.
      num_envs: how many environments there are.

    Raises:
      ValueError: a list of another length, or as in `as_user_id`.
    """
    if value is None:
        return None
    if not _is_list(value):
        return np.full(num_envs, as_user_id(scenario, value))
    _require_one_each("options['user_id']", value, num_envs)
    return np.array(
        [
            as_user_id(scenario, one, name=f"options['user_id'][{index}]")
            for index, one in enumerate(value)
        ]
    )


def as_reset_mask(mask: Any, num_envs: int) -> np.ndarray:
    """Returns which environments begin an episode, (num_envs,); raises ValueError for no mask."""
    if mask is None:
        return np.ones(num_envs, bool)
    if not (isinstance(mask, np.ndarray) and mask.dtype == bool and mask.shape == (num_envs,)):
        raise ValueError(
            f"options['reset_mask'] must be a boolean array of shape ({num_envs},), got {mask!r}"
        )
    return mask


def _is_list(values: Any) -> bool:
    """Returns whether these are values for each environment and not one for all."""
    return isinstance(values, list | tuple | range) or np.ndim(values) == 1


def _require_one_each(name: str, values: Any, num_envs: int) -> None:
    if len(values) != num_envs:
        raise ValueError(
            f"{name} lists {len(values)} for {num_envs} environments; give one for each"
        )
