"""Checks of what agents are given beside observations: how long to learn, who listens, memories."""

from typing import Any

import numpy as np

from recsim_env.envs.arguments import as_count


def as_steps(total_timesteps: Any) -> int:
    """Returns how many interactions to learn from; raises ValueError where it is no such number."""
    if isinstance(total_timesteps, float) and total_timesteps.is_integer():
        total_timesteps = int(total_timesteps)  # 1e5, as people write it
    return as_count("total_timesteps", total_timesteps, low=0, allowed="0 or more")


def as_callback(callback: Any) -> Any:
    """Returns who is called while an agent learns; raises TypeError where nobody can be."""
    if callback is None or callable(callback):
        return callback
    raise TypeError(
        f"callback={callback!r:.80} cannot be called; use a function of the agent, which returns "
        "False to end learning (callbacks of Stable-Baselines3 are for its own models)"
    )


def check_memory(state: Any, episode_start: Any, own: Any, n: int) -> None:
    """Raises unless what is passed along to `predict` can be what it returned.

    Args:
      state: the memory of sessions; None is that of a beginning.
      episode_start: which of them have just begun; None is none.
      own: a memory of the agent, of sessions that have just begun.
      n: how many are seen.

    Raises:
      ValueError: it is of another type, or of others than `n` sessions.
    """
    if not (state is None or own is None or type(state) is type(own)):
        raise ValueError(
            f"state of type {type(state).__name__} is no memory of this agent; pass what predict() "
            "returned second, or None where all episodes begin"
        )
    if episode_start is not None and np.shape(episode_start) != (n,):
        raise ValueError(
            f"episode_start of shape {np.shape(episode_start)} does not fit {n} observations; use "
            f"({n},), whether each is the first of its episode"
        )
