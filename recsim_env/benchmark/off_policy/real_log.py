"""Logs of single choices by people who are not simulated, as arrays make them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.off_policy.policy_log import PolicyLog


def real_log(
    *,
    name: str,
    action: Any,
    n_actions: int,
    seen: Any,
    reward: Any,
    propensity: Any = None,
    is_over: Any = None,
    is_terminal: Any = None,
    policies: Sequence[str] = ("the logging policy",),
) -> PolicyLog:
    """Returns a log of actions that are the same in every row; it may lack propensities.

    Args:
      name: of the log.
      action: (n,), by number.
      n_actions: how many there are to choose among.
      seen: (n, d), what was seen of the person and the moment.
      reward: (n,).
      propensity: (n,), how likely each was; None if nobody knows.
      is_over: (n,), whether a session was then over; None if each row is a session.
      is_terminal: (n,), whether the person then left; by default where sessions are over.
      policies: names of those that chose.

    Raises:
      ValueError: arrays differ in length, or a number cannot be.
    """
    earned = np.asarray(reward, np.float64).ravel()
    n = len(earned)
    over = np.ones(n, bool) if is_over is None else np.asarray(is_over).ravel().astype(bool)
    left = over if is_terminal is None else np.asarray(is_terminal).ravel()
    session, step = _counted(over)
    columns: dict[str, np.ndarray] = {
        "slate": np.asarray(action).astype(np.int32).reshape(n, 1),
        "seen": np.asarray(seen, np.float32).reshape(n, -1),
        "reward": earned,
        "clicked": earned[:, None] > 0,
        "is_terminal": left.astype(np.float32),
        "is_over": over,
        "session_number": session,
        "step": step,
    }
    if propensity is not None:
        columns["propensity"] = np.asarray(propensity, np.float64).ravel()
    chosen = columns["slate"]
    if n and not 0 <= chosen.min() <= chosen.max() < n_actions:
        raise ValueError(
            f"actions go from {chosen.min()} to {chosen.max()}; number them 0 to n_actions - 1 = "
            f"{n_actions - 1}"
        )
    about = {
        "name": name,
        "n_candidates": int(n_actions),
        "context": ["seen"],
        "policies": list(policies),
    }
    return PolicyLog.of(LoggedSteps(columns, about), needs_propensities=False)


def require_keys(given: Mapping[str, Any], keys: Sequence[str], what: str) -> None:
    """Raises ValueError where what another library wrote lacks something."""
    lacking = [key for key in keys if given.get(key) is None]
    if lacking:
        raise ValueError(f"{what} has no {', '.join(lacking)}")


def _counted(is_over: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of each row's session, and of its step within it."""
    session = np.concatenate([[0], np.cumsum(is_over)[:-1]]).astype(np.int32)[: len(is_over)]
    first = np.searchsorted(session, session)
    return session, (np.arange(len(session)) - first).astype(np.int32)
