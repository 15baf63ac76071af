"""Checks of what agents are given to learn by: how long, and who listens."""

from typing import Any

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
