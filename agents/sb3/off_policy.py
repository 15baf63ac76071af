"""What agents share that learn from a replay buffer of Stable-Baselines3."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from recsim_env.agents.core.replay import affordable
from recsim_env.agents.core.restoring import like, require_range, rows_like, taken
from recsim_env.agents.core.session_agent import with_prefix
from recsim_env.agents.sb3.agent import SB3Agent

# What the names of arrays begin with.
_BUFFER = "buffer."


class OffPolicyAgent(SB3Agent):
    """A model that learns from what anybody did, again and again.

    Settings:
      learning_rate (0.001); gamma (0.99).
      tau: share of the learned weights that moves into the averaged ones at every gradient step
        (0.01).
      buffer_size: interactions that are kept (50,000; fewer where they would take more than 1 GiB).
      learning_starts: interactions before the first update, by random slates (1,000).
      batch_size (128).
      update_every: interactions for each gradient step (16), where of this and num_envs the larger
        is rounded down to a multiple of the other.
      width, device: see `SB3Agent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **SB3Agent.defaults,
        "learning_rate": 1e-3,
        "gamma": 0.99,
        "tau": 0.01,
        "buffer_size": 50_000,
        "learning_starts": 1_000,
        "batch_size": 128,
        "update_every": 16,
    }

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        for name in ("buffer_size", "batch_size", "update_every"):
            self.require(name, self.settings[name] >= 1, "1 or more")
        self.require("learning_starts", self.settings["learning_starts"] >= 0, "0 or more")
        self.require("tau", 0 < self.settings["tau"] <= 1, "more than 0, up to 1")

    def model_settings(self, env: Any) -> dict[str, Any]:
        """Returns what all off-policy models of Stable-Baselines3 are made with."""
        chosen = self.settings
        n_floats = sum(math.prod(part.shape) for part in env.observation_space.values())
        return {
            "learning_rate": chosen["learning_rate"],
            "gamma": chosen["gamma"],
            "tau": chosen["tau"],
            "buffer_size": affordable(chosen["buffer_size"], 2 * 4 * n_floats, least=env.num_envs),
            "learning_starts": chosen["learning_starts"],
            "batch_size": chosen["batch_size"],
            "train_freq": max(1, chosen["update_every"] // env.num_envs),
            "gradient_steps": max(1, env.num_envs // chosen["update_every"]),
            "device": self.device,
        }

    def _columns(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yields the columns of the replay buffer, (buffer_size, num_envs, ...), by name."""
        buffer = self.model.replay_buffer
        for name in ("actions", "rewards", "dones", "timeouts"):
            yield name, getattr(buffer, name)
        for name in ("observations", "next_observations"):
            for field, column in getattr(buffer, name).items():
                yield f"{name}.{field}", column

    def progress(self) -> dict[str, np.ndarray]:
        """Returns the sessions under way, and the replay buffer as far as it is full."""
        sessions, buffer = super().progress(), self.model.replay_buffer
        if not sessions:
            return {}
        counts = [buffer.pos, buffer.full, self.model._episode_num]
        return (
            sessions
            | {_BUFFER + name: column[: buffer.size()] for name, column in self._columns()}
            | {"counts": np.array(counts, np.int64)}
        )

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Goes on with the sessions, if they are of as many people, and with the latest steps."""
        super().resume(progress)
        if not progress:
            return
        counts = like(progress, "counts", np.zeros(3, np.int64))
        require_range("counts", counts, low=0)
        pos, is_full, self.model._episode_num = counts.tolist()
        kept = self._checked_buffer(with_prefix(progress, _BUFFER))
        if pos > len(kept["rewards"]) or is_full > 1:
            raise ValueError("counts are of another replay buffer")
        self._refill(kept, pos if is_full else 0)
        self.model._last_original_obs = self.model._last_obs

    def _checked_buffer(self, kept: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the columns of a buffer, (n, num_envs, ...) with any n and num_envs.

        Raises:
          ValueError: a column has another shape, or actions that there are not.
        """
        shape = taken(kept, "rewards").shape
        if len(shape) != 2 or not shape[1]:
            raise ValueError(f"rewards have shape {shape}, where steps of several people are due")
        empty = {
            name: np.empty((shape[0], shape[1], *column.shape[2:]), column.dtype)
            for name, column in self._columns()
        }
        found = rows_like(kept, empty, shape[0])
        for name in ("dones", "timeouts"):
            require_range(name, found[name], low=0.0, high=1.0)
        actions: Any = self.model.action_space
        if isinstance(actions, spaces.Box):
            low, high = float(actions.low.min()), float(actions.high.max())
        else:
            n_choices = actions.n if isinstance(actions, spaces.Discrete) else actions.nvec.max()
            low, high = 0.0, float(n_choices - 1)
        require_range("actions", found["actions"], low=low, high=high)
        return found

    def _refill(self, kept: Mapping[str, np.ndarray], oldest: int) -> None:
        """Keeps the steps of another buffer, (n, num_envs, ...) from the row `oldest` on.

        They stay in their places where they can; in a buffer of another size, or of other people,
        the latest of them are in order.
        """
        buffer = self.model.replay_buffer
        n_before, n_people = kept["rewards"].shape
        n_rows = min(n_before * n_people // buffer.n_envs, buffer.buffer_size)
        is_same = (n_rows, buffer.n_envs) == (n_before, n_people)
        start = oldest if is_same and n_rows == buffer.buffer_size else 0
        places = (start + np.arange(n_rows)) % buffer.buffer_size
        for name, column in self._columns():
            steps = np.roll(kept[name], -oldest, axis=0).reshape(-1, *column.shape[2:])
            latest = steps[len(steps) - n_rows * buffer.n_envs :]
            column[places] = latest.reshape(n_rows, *column.shape[1:])
        buffer.pos, buffer.full = (
            (start + n_rows) % buffer.buffer_size,
            n_rows == buffer.buffer_size,
        )
