"""Counting interactions: an observer of every step that any batch environment takes."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import numpy as np

#: Called with the rewards, which episodes ended, and which environments took a step instead of only
#: beginning the next episode; each (num_envs,); and how many seconds the step took.
StepObserver = Callable[[np.ndarray, np.ndarray, np.ndarray, float], None]

_OBSERVER: ContextVar[StepObserver | None] = ContextVar("recsim_env_step_observer", default=None)


@contextlib.contextmanager
def observing_steps(observer: StepObserver) -> Iterator[None]:
    """Calls `observer` after every step that any batch environment takes inside the context.

    An agent may learn in an environment of its own making, with another autoreset mode say; so
    what an agent spends and earns is counted in the environments.
    """
    token = _OBSERVER.set(observer)
    try:
        yield
    finally:
        _OBSERVER.reset(token)


def step_observer() -> StepObserver | None:
    """Returns who observes steps here and now, or None."""
    return _OBSERVER.get()
