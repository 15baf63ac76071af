"""What both environments share: spaces, checks of what comes in, records from and to actions."""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.layouts import float_count
from recsim_env.scenario import Scenario, as_type_of
from recsim_env.spelling import did_you_mean

# A dict of arrays, or one array when `flat`.
Observation = Any

#: Seeds, and where those of a batch end.
N_SEEDS = 2**64


def as_count(name: str, value: Any, *, low: int, high: int, allowed: str) -> int:
    """Returns an argument that is a whole number.

    Raises:
      ValueError: it is of another type, or not from `low` to `high`; `allowed` says so.
    """
    count = int(as_type_of(0, name, value))
    if not low <= count <= high:
        raise ValueError(f"{name}={count} is not allowed; use {allowed}")
    return count


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
        last = "2**64 - 1" if num_envs == 1 else f"2**64 - {num_envs}, the number of environments"
        raise ValueError(f"{name}={seed!r} is not allowed; use a whole number, 0 to {last}")
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


def as_indices(actions: Any) -> np.ndarray:
    """Returns actions as an array of integers; raises ValueError where they are not."""
    try:
        array = np.asarray(actions)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"actions {actions!r} are not an array of indices ({error}); use integers"
        ) from error
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"actions of type {array.dtype} are not indices of candidates; use integers"
        )
    return array


class Interface:
    """The spaces of a scenario's environments, and observations from records."""

    def __init__(self, scenario: Scenario, *, flat: bool) -> None:
        self.scenario = scenario
        self.is_flat = flat
        fields = scenario.space_fields()
        self.field_names = tuple(fields)
        self.info_names = tuple(scenario.info_layout())
        self.observation_space: spaces.Space = spaces.Dict(fields)
        if flat:
            boxes = [space for space in fields.values() if isinstance(space, spaces.Box)]
            self.observation_space = spaces.Box(
                np.concatenate([box.low.ravel() for box in boxes]),
                np.concatenate([box.high.ravel() for box in boxes]),
                dtype=np.float32,
            )
        self.action_space: spaces.Space = (
            spaces.Discrete(scenario.n_candidates)
            if scenario.slate_size == 1
            else spaces.MultiDiscrete(np.full(scenario.slate_size, scenario.n_candidates))
        )
        self.n_floats = float_count(fields)

    def batch(self, records: np.ndarray) -> Observation:
        """Returns a batch of observation records as agents see it, without copying."""
        if self.is_flat:
            return records.view(np.float32).reshape(len(records), -1)[:, : self.n_floats]
        return {name: records[name] for name in self.field_names}

    def single(self, records: np.ndarray) -> Observation:
        """Returns the only record as an agent sees it."""
        if self.is_flat:
            return records.view(np.float32)[: self.n_floats]
        return {name: records[name][0] for name in self.field_names}

    def info(self, records: np.ndarray) -> dict[str, Any]:
        """Returns the only info record as a single environment gives it."""
        return {
            name: records[name][0].copy() if records[name].ndim > 1 else records[name][0].item()
            for name in self.info_names
        }

    def infos(self, records: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
        """Returns a batch of info records in Gymnasium's form, zero where `mask` is False."""
        infos: dict[str, Any] = {}
        for name in self.info_names:
            values = np.ascontiguousarray(records[name])
            values[~mask] = 0
            infos |= {name: values, f"_{name}": mask.copy()}
        return infos

    def slates(self, actions: Any, num_envs: int | None = None) -> np.ndarray:
        """Returns what was chosen as contiguous slates of int64, (n, slate_size).

        Args:
          actions: one slate, or one for each of the `num_envs`; of one item, also without its axis.
          num_envs: None is a single environment.

        Raises:
          ValueError: a wrong shape or type, or an index out of range: the first, and where it is.
        """
        array = as_indices(actions)
        k, n = self.scenario.slate_size, self.scenario.n_candidates
        batch = () if num_envs is None else (num_envs,)
        if array.shape != (*batch, k) and not (k == 1 and array.shape == batch):
            raise ValueError(
                f"an action of shape {array.shape} does not fit; use "
                f"{batch if k == 1 else (*batch, k)}, slate_size={k} of the candidates' indices"
                + (", one slate for each environment" if batch else "")
            )
        slates = array.reshape(-1, k)
        if slates.min() < 0 or slates.max() >= n:
            row, place = np.argwhere((slates < 0) | (slates >= n))[0]
            raise ValueError(
                f"action index {slates[row, place]} (environment {row}, place {place} of the "
                f"slate) is out of range; use 0 to {n - 1}, the indices of the candidates"
            )
        return np.ascontiguousarray(slates, np.int64)
