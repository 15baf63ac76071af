"""What agents are handed to act on, brought into the form that they take, or refused."""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.agents.core.transition import Observation
from recsim_env.core.scenario import Scenario
from recsim_env.envs.arguments import as_indices


def batched(observation: Observation, space: spaces.Dict, agent: str) -> tuple[Observation, bool]:
    """Returns what is seen with an axis for the people, and whether it had none.

    Args:
      observation: its fields, or some of them, for one person or for several.
      space: of the observations of one person.
      agent: who is said not to be able to act on others.

    Raises:
      TypeError: it is no dict.
      ValueError: it is not of that space.
    """
    if not isinstance(observation, Mapping):
        raise TypeError(
            f"an observation of type {type(observation).__name__} is none; use the dict that "
            "reset() and step() return first"
        )
    known = {name: field.shape or () for name, field in space.spaces.items()}
    seen = {name: value for name, value in observation.items() if name in known}
    heads = {_head(np.shape(value), known[name]) for name, value in seen.items()}
    head = heads.pop() if len(heads) == 1 else None
    if head is None or len(head) > 1:
        shapes = {name: np.shape(value) for name, value in observation.items()}
        raise ValueError(
            f"{agent} cannot act on {_listed(shapes)}; use the observation of an environment like "
            f"its own, {_listed(known)}, for one person or with an axis for people before"
        )
    if not head:
        seen = {name: np.asarray(value)[None] for name, value in seen.items()}
    return seen, not head


def lack_of(name: str, agent: str) -> ValueError:
    """Returns the error of an observation that leaves out a field which an agent needs."""
    return ValueError(
        f"{agent} needs {name!r}, which these observations leave out (VecEnvAdapter keeps ids with "
        "keep_ids=True)"
    )


def indices_of(slates: Any, n: int, scenario: Scenario) -> np.ndarray:
    """Returns slates as (n, slate_size) indices of candidates.

    Raises:
      ValueError: there are others than `n` slates, or an index is out of range.
    """
    wanted, n_candidates = as_indices(slates), scenario.n_candidates
    if wanted.size != n * scenario.slate_size:
        raise ValueError(
            f"slates of shape {wanted.shape} do not fit; use ({n}, {scenario.slate_size})"
        )
    if wanted.size and not 0 <= wanted.min() <= wanted.max() < n_candidates:
        raise ValueError(
            f"slates hold an index out of range; use 0 to {n_candidates - 1}, the indices of "
            "the candidates"
        )
    return wanted.reshape(n, scenario.slate_size)


def fingerprint(observation: Observation) -> int:
    """Returns a number that depends on what is seen, the same in every process."""
    return zlib.crc32(b"".join(np.asarray(value).tobytes() for value in observation.values()))


def _head(shape: tuple[int, ...], own: tuple[int, ...]) -> tuple[int, ...] | None:
    """Returns what stands before a shape of one's own; None where it is another."""
    n_before = len(shape) - len(own)
    return tuple(shape[:n_before]) if n_before >= 0 and shape[n_before:] == own else None


def _listed(shapes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
