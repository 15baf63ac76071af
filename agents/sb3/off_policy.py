"""Models of Stable-Baselines3 with a replay buffer: what they are given, and what is kept."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.agents.core.replay import affordable
from recsim_env.agents.core.restoring import (
    State,
    flattened,
    part,
    require_range,
    rows_like,
    taken,
    whole,
)
from recsim_env.agents.sb3.agent import SB3Settings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class OffPolicySettings(SB3Settings):
    """What agents that learn from a replay buffer are given."""

    tau: float = setting(
        0.01,
        above=0.0,
        high=1.0,
        doc="share of the learned weights that moves into the averaged ones at every gradient step",
    )
    buffer_size: int = setting(
        50_000, low=1, doc="interactions that are kept; fewer where they would take over 1 GiB"
    )
    learning_starts: int = setting(
        1_000, low=0, doc="interactions before the first update, by random slates"
    )
    batch_size: int = setting(128, low=1, doc="steps of a gradient step")
    update_every: int = setting(
        16,
        search=Search(choices=(8, 16, 32)),
        low=1,
        doc="interactions for each gradient step, where of this and num_envs the larger is rounded "
        "down to a multiple of the other",
    )

    def of_model(self, env: Any) -> dict[str, Any]:
        """Returns what Stable-Baselines3's model is made with, for a training environment."""
        n_floats = sum(math.prod(each.shape) for each in env.observation_space.values())
        return {
            "learning_rate": self.learning_rate,
            "gamma": self.gamma,
            "tau": self.tau,
            "buffer_size": affordable(self.buffer_size, 2 * 4 * n_floats, least=env.num_envs),
            "learning_starts": self.learning_starts,
            "batch_size": self.batch_size,
            "train_freq": max(1, self.update_every // env.num_envs),
            "gradient_steps": max(1, env.num_envs // self.update_every),
        }


class KeptReplay:
    """The replay buffer of a model, as part of an agent's file.

    Args:
      model: an off-policy model of Stable-Baselines3.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def state_dict(self) -> dict[str, Any]:
        """Returns the buffer as far as it is full, and where it goes on."""
        buffer = self._model.replay_buffer
        return {
            "steps": {name: column[: buffer.size()] for name, column in self._columns()},
            "position": buffer.pos,
            "is_full": int(buffer.full),
            "n_episodes": self._model._episode_num,
        }

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned, the latest steps where there is not room for all.

        Raises:
          ValueError: it is of another kind of buffer.
        """
        kept = self._checked(flattened(part(state, "steps")))
        position = whole(state, "position", high=len(kept["rewards"]))
        is_full = whole(state, "is_full", high=1)
        self._model._episode_num = whole(state, "n_episodes")
        self._refill(kept, position if is_full else 0)
        self._model._last_original_obs = self._model._last_obs

    def _columns(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yields the columns of the buffer, (buffer_size, num_envs, ...), by name."""
        buffer = self._model.replay_buffer
        for name in ("actions", "rewards", "dones", "timeouts"):
            yield name, getattr(buffer, name)
        for name in ("observations", "next_observations"):
            for field, column in getattr(buffer, name).items():
                yield f"{name}.{field}", column

    def _checked(self, kept: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the columns of a buffer, (n, num_envs, ...) with any n and num_envs.

        Raises:
          ValueError: a column has another shape, or actions that there are not.
        """
        shape = taken(kept, "rewards").shape
        if len(shape) != 2 or not shape[1]:
            raise ValueError(f"rewards have shape {shape}, where steps of several people are due")
        empty = {
            name: np.empty((*shape, *column.shape[2:]), column.dtype)
            for name, column in self._columns()
        }
        found = rows_like(kept, empty, shape[0])
        for name in ("dones", "timeouts"):
            require_range(name, found[name], low=0.0, high=1.0)
        low, high = _range_of(self._model.action_space)
        require_range("actions", found["actions"], low=low, high=high)
        return found

    def _refill(self, kept: Mapping[str, np.ndarray], oldest: int) -> None:
        """Keeps the steps of another buffer, (n, num_envs, ...) from the row `oldest` on.

        They stay in their places where they can; in a buffer of another size, or of other people,
        the latest of them are in order.
        """
        buffer = self._model.replay_buffer
        n_before, n_people = kept["rewards"].shape
        n_rows = min(n_before * n_people // buffer.n_envs, buffer.buffer_size)
        is_same = (n_rows, buffer.n_envs) == (n_before, n_people)
        start = oldest if is_same and n_rows == buffer.buffer_size else 0
        places = (start + np.arange(n_rows)) % buffer.buffer_size
        for name, column in self._columns():
            steps = np.roll(kept[name], -oldest, axis=0).reshape(-1, *column.shape[2:])
            latest = steps[len(steps) - n_rows * buffer.n_envs :]
            column[places] = latest.reshape(n_rows, *column.shape[1:])
        buffer.pos = (start + n_rows) % buffer.buffer_size
        buffer.full = n_rows == buffer.buffer_size


def _range_of(actions: Any) -> tuple[float, float]:
    """Returns the smallest and the largest number in an action."""
    if isinstance(actions, spaces.Box):
        return float(actions.low.min()), float(actions.high.max())
    n_choices = actions.n if isinstance(actions, spaces.Discrete) else actions.nvec.max()
    return 0.0, float(n_choices - 1)
