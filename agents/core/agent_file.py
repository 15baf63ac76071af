"""What the file of an agent says of it, beside its arrays."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.agents.core.restoring import MANY
from recsim_env.agents.core.world import check_world
from recsim_env.formats.array_file import read_values

FILE_KIND = "agent"
FILE_VERSION = 1


def read_about(path: str | Path) -> dict[str, Any]:
    """Returns what the file of an agent says of it: its class, settings, world and notes.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file holds something else, or is damaged.
    """
    about = read_values(path, kind=FILE_KIND, version=FILE_VERSION)
    check_about(about, path)
    return about


def check_about(about: Mapping[str, Any], path: str | Path) -> None:
    """Raises ValueError unless the values are those that `Agent.save` writes."""

    def is_count(name: str, most: float) -> bool:
        value = about.get(name)
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most

    try:
        if not isinstance(about.get("agent"), str):
            raise ValueError("it does not say which agent it holds")
        for name, most in (("seed", np.inf), ("num_timesteps", MANY)):
            if not is_count(name, most):
                raise ValueError(f"{name}={about.get(name)!r:.50} is no number of 0 or more")
        for name in ("settings", "notes"):
            if not isinstance(about.get(name), dict):
                raise ValueError(f"{name}={about.get(name)!r:.50} are no values by name")
        check_world(about.get("world"))
        _check_generator(about.get("generator"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _check_generator(state: Any) -> None:
    """Raises ValueError unless it is the state of a generator as agents have."""
    generator = np.random.default_rng(0).bit_generator
    try:
        generator.state = state
        holds = generator.state == state
    except (ValueError, TypeError, KeyError, OverflowError):
        holds = False
    if not holds:
        raise ValueError("the state of its generator is none")
