"""What an agent saw, showed and earned since its last update, laid out for gradient steps.

Import this module where it is used: it needs torch.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from recsim_env.agents.core.restoring import (
    State,
    flattened,
    part,
    require_range,
    rows_like,
    taken,
)


class Rollout:
    """Steps of a batch of people, `n_steps` of each, scattered over rows in random order.

    So each minibatch is a run of rows: a view, without copies. What is seen is kept as the network
    takes it. Where a person's session was over, the step went into the beginning of the next one,
    and holds nothing to learn from; its value is that of the last moment, which goes on where the
    session was cut off.

    Args:
      n_steps: of each person.
      num_envs: people.
      device: where the rows are.

    Attributes:
      n_taken: steps so far.
    """

    def __init__(self, n_steps: int, num_envs: int, device: torch.device) -> None:
        self.n_steps, self.num_envs, self.device = n_steps, num_envs, device
        self.columns: dict[str, torch.Tensor] = {}
        shape = n_steps, num_envs
        self._grids = {
            "value": np.zeros(shape, np.float32),
            "reward": np.zeros(shape, np.float32),
            "goes_on": np.zeros(shape, np.float32),
            "is_valued_next": np.zeros(shape, np.float32),
            "is_step": np.zeros(shape, bool),
        }
        self._places = np.arange(n_steps * num_envs).reshape(shape)
        self.n_taken = 0

    @property
    def is_full(self) -> bool:
        """Whether all steps are there."""
        return self.n_taken == self.n_steps

    def begin(self, rng: np.random.Generator) -> None:
        """Forgets all, and draws where the next steps are kept."""
        self._places = rng.permutation(self.n_steps * self.num_envs).reshape(self._places.shape)
        self.n_taken = 0

    def room(
        self, models: Mapping[str, torch.Tensor | np.ndarray]
    ) -> tuple[np.ndarray, dict[str, torch.Tensor]]:
        """Returns where everybody's next step is kept, (num_envs,), and in which columns.

        Args:
          models: rows like those of the columns, by name.
        """
        for name, model in models.items():
            if name not in self.columns:
                like, shape = torch.as_tensor(model[:0]), (self._places.size, *model.shape[1:])
                self.columns[name] = torch.zeros(shape, dtype=like.dtype, device=self.device)
        return self._places[self.n_taken], {name: self.columns[name] for name in models}

    def see(self, values: torch.Tensor, columns: Mapping[str, torch.Tensor | np.ndarray]) -> None:
        """Keeps what everybody is shown at the next step.

        Args:
          values: (num_envs,), what the moments are worth.
          columns: (num_envs, ...) by name, the same names each time.
        """
        self._grids["value"][self.n_taken] = values.cpu().numpy()
        self.keep(columns)

    def keep(self, columns: Mapping[str, torch.Tensor | np.ndarray]) -> None:
        """Keeps more of this step, (num_envs, ...) by name, before `earn`."""
        places, rooms = self.room(columns)
        for name, room in rooms.items():
            rows = torch.as_tensor(columns[name])
            if self.device.type == "cpu":  # as NumPy does it, three times as fast
                room.numpy()[places] = rows.numpy()
            else:
                room[torch.from_numpy(places).to(self.device)] = rows.to(self.device)

    def earn(
        self, rewards: np.ndarray, is_terminal: np.ndarray, is_over: np.ndarray, is_step: np.ndarray
    ) -> None:
        """Keeps what came of it, (num_envs,) each.

        Args:
          rewards: in units of the values.
          is_terminal: whether the person left.
          is_over: whether the session ended.
          is_step: False where a session began instead.
        """
        found = {
            "reward": rewards,
            "goes_on": ~is_over,
            "is_valued_next": ~is_terminal,
            "is_step": is_step,
        }
        for name, each in found.items():
            self._grids[name][self.n_taken] = each
        self.n_taken += 1

    def batch(
        self, last_values: np.ndarray, *, gamma: float, gae_lambda: float
    ) -> dict[str, torch.Tensor]:
        """Returns the steps by column in random order, with advantages and returns.

        Args:
          last_values: (num_envs,), of the moments after the last step.
          gamma: discount of a step.
          gae_lambda: of the generalised advantage.
        """
        grids = self._grids
        values = np.vstack([grids["value"], last_values.astype(np.float32)[None]])
        errors = grids["reward"] + gamma * grids["is_valued_next"] * values[1:] - values[:-1]
        shrink = np.float32(gamma * gae_lambda) * grids["goes_on"]
        advantages = np.empty_like(errors)
        following = np.zeros(self.num_envs, np.float32)
        for step in range(self.n_steps - 1, -1, -1):
            following = errors[step] + shrink[step] * following
            advantages[step] = following
        more = {"advantage": advantages, "return": advantages + values[:-1]}
        return self._compact({name: self._placed(each) for name, each in more.items()})

    def _placed(self, grid: np.ndarray) -> torch.Tensor:
        column = np.empty(grid.size, grid.dtype)
        column[self._places.ravel()] = grid.ravel()
        return torch.from_numpy(column).to(self.device)

    def _compact(self, more: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Returns the columns and more without what is no step, whose rows the last ones fill."""
        columns = {**self.columns, **more}
        is_step = self._placed(self._grids["is_step"]).cpu().numpy()
        n_rows = int(is_step.sum())
        if n_rows < len(is_step):
            holes = torch.from_numpy(np.flatnonzero(~is_step[:n_rows])).to(self.device)
            last = torch.from_numpy(n_rows + np.flatnonzero(is_step[n_rows:])).to(self.device)
            for column in columns.values():
                column[holes] = column[last]
        return {name: column[:n_rows] for name, column in columns.items()}

    # Saving ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns the steps so far, and where the next are kept."""
        places = self._places[: self.n_taken].ravel()
        columns = {name: column.cpu().numpy()[places] for name, column in self.columns.items()}
        grids = {name: grid[: self.n_taken] for name, grid in self._grids.items()}
        return {"columns": columns, "grids": grids, "places": self._places}

    def load_state_dict(
        self,
        state: State,
        models: Mapping[str, torch.Tensor | np.ndarray],
        *,
        n_candidates: int,
    ) -> None:
        """Takes back what `state_dict` returned.

        Args:
          state: as from there.
          models: rows of each column.
          n_candidates: numbers in `slate` are below.

        Raises:
          ValueError: it is of another rollout.
        """
        places, size = taken(state, "places"), self._places.size
        is_order = places.dtype == self._places.dtype and places.shape == self._places.shape
        if not (is_order and np.array_equal(np.sort(places.ravel()), np.arange(size))):
            raise ValueError("places is no order of the steps")
        kept = rows_like(part(state, "grids"), self._grids)
        n_taken = len(kept["value"])
        if n_taken >= self.n_steps:
            raise ValueError(f"grids hold {n_taken} steps, of a rollout of {self.n_steps}")
        arrays = {name: torch.as_tensor(each).cpu().numpy() for name, each in models.items()}
        found = rows_like(flattened(part(state, "columns")), arrays, n_taken * self.num_envs)
        require_range("slate", found["slate"], low=0, high=n_candidates - 1)
        self._places, self.n_taken = places.copy(), n_taken
        for name, grid in kept.items():
            self._grids[name][:n_taken] = grid
        rows = torch.from_numpy(places[:n_taken].ravel()).to(self.device)
        for name, column in found.items():
            shape = (size, *column.shape[1:])
            tensor = torch.from_numpy(column).to(self.device)
            self.columns[name] = torch.zeros(shape, dtype=tensor.dtype, device=self.device)
            self.columns[name][rows] = tensor
