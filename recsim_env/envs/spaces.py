"""What both environments share: spaces, and turning records and actions into each other."""

from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.core.scenario import Scenario
from recsim_env.envs.arguments import as_indices, as_switch

# A dict of arrays, or one array when `flat`.
Observation = Any


class Interface:
    """The spaces of a scenario's environments, observations from records, slates from actions.

    Args:
      scenario: the scenario.
      flat: whether observations are one vector.
      num_envs: of a batch; None is a single environment.
    """

    def __init__(self, scenario: Scenario, *, flat: bool, num_envs: int | None = None) -> None:
        self.scenario = scenario
        self.is_flat = as_switch("flat", flat)
        schema = scenario.schema
        fields = schema.spaces
        self.field_names = tuple(fields)
        self.info_names = tuple(scenario.info_layout())
        # in the order of a flat observation; a plain dict would be sorted
        self.observation_space: spaces.Space = spaces.Dict(list(fields.items()))
        if self.is_flat:
            boxes = schema.boxes.values()
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
        self.n_floats = schema.n_floats
        batch = () if num_envs is None else (num_envs,)
        whole = (*batch, scenario.slate_size)
        self._shapes = (batch, whole) if scenario.slate_size == 1 else (whole,)

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

    def slates(self, actions: Any) -> np.ndarray:
        """Returns what was chosen as contiguous slates of int64, (n, slate_size).

        Args:
          actions: one slate, or one for each environment of a batch; of one item, also without its
            axis.

        Raises:
          ValueError: a wrong shape or type, or an index out of range: the first, and where it is.
        """
        array = as_indices(actions)
        k, n = self.scenario.slate_size, self.scenario.n_candidates
        if array.shape not in self._shapes:
            each = ", one slate for each environment" if len(self._shapes[-1]) > 1 else ""
            raise ValueError(
                f"an action of shape {array.shape} does not fit; use {self._shapes[0]}, "
                f"slate_size={k} of the candidates' indices{each}"
            )
        slates = array.reshape(-1, k)
        if slates.min() < 0 or slates.max() >= n:
            row, place = np.argwhere((slates < 0) | (slates >= n))[0]
            raise ValueError(
                f"action index {slates[row, place]} (environment {row}, place {place} of the "
                f"slate) is out of range; use 0 to {n - 1}, the indices of the candidates"
            )
        return np.ascontiguousarray(slates, np.int64)

    def masks(self, can_be_shown: np.ndarray) -> np.ndarray:
        """Returns which candidates are worth choosing, for each place of the slate.

        Args:
          can_be_shown: (n, n_candidates); where nothing can be, all are as good.

        Returns:
          (n, slate_size * n_candidates), bool.
        """
        is_any = can_be_shown.any(axis=1, keepdims=True)
        return np.tile(can_be_shown | ~is_any, self.scenario.slate_size)

    def candidates(self, slots: np.ndarray, catalogue: np.ndarray) -> np.ndarray:
        """Returns a copy of the true records of all candidates, (n, n_candidates).

        Args:
          slots: (n,), the states of the episodes.
          catalogue: (n_items,), where the scenario has one.
        """
        if self.scenario.n_items:
            return catalogue[slots["candidates"]]
        return slots["own_items"].copy()
