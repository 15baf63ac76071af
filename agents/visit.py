"""What happened so far in a visit, for agents that learn values of whole visits."""

import math

import numpy as np
from gymnasium import spaces

from recsim_env.agents.feedback import Observation
from recsim_env.scenario import Scenario

#: Name of the field among observations.
VISIT = "visit"

# Sums are divided by this, so that they stay near the size of the other features.
_SCALE = 100.0

# How much of the trace of clicked items is left after a slate.
_DECAY = 0.8


class VisitMemory:
    """Adds up what a person did in this visit, from what was seen and shown and nothing else.

    What an agent sees of it is, for each person, (1 + n_columns + n_features): slates shown so far
    and the sum of each column of `response` over the items that were clicked, both in hundreds; and
    a trace of the features of clicked items, by a fifth new with every slate. Without it, how far a
    visit has come and what it has left behind are hidden, and what an item does to the rest of the
    visit drowns in that.

    Args:
      scenario: whose responses are added up; it shows `candidates`.

    Attributes:
      space: of the field `VISIT`.
      seen_space: of what agents with this memory see: the float fields and `VISIT`.
    """

    def __init__(self, scenario: Scenario) -> None:
        fields = scenario.observation_fields()
        has_response = "response" in fields
        n_features = fields["candidates"].shape[1] if has_response else 0
        self._n_sums = 1 + (fields["response"].shape[1] if has_response else 0)
        self._shown_shape = (scenario.slate_size, n_features)
        limit = np.finfo(np.float32).max
        self.space = spaces.Box(-limit, limit, (self._n_sums + n_features,), np.float32)
        boxes: dict[str, spaces.Space] = {
            name: space
            for name, space in scenario.space_fields().items()
            if isinstance(space, spaces.Box)
        }
        self.seen_space = spaces.Dict(boxes | {VISIT: self.space})

    def begin(self, n: int) -> np.ndarray:
        """Returns the memory of `n` visits that have just begun."""
        return np.zeros((n, self.space.shape[0] + math.prod(self._shown_shape)), np.float32)

    def showing(
        self, memory: np.ndarray, observation: Observation, slates: np.ndarray
    ) -> np.ndarray:
        """Returns the memory with the features of what is shown, until the response is known."""
        memory = memory.copy()
        shown = observation["candidates"][np.arange(len(slates))[:, None], slates]
        of_shown = memory[:, self.space.shape[0] :]
        of_shown[:] = shown[:, :, : self._shown_shape[1]].reshape(of_shown.shape)
        return memory

    def after(self, memory: np.ndarray, observation: Observation) -> np.ndarray:
        """Returns the memory after slates whose responses `observation` shows."""
        memory = memory.copy()
        memory[:, 0] += 1.0 / _SCALE
        if "response" not in observation:
            return memory
        response = observation["response"]
        is_clicked = (response[:, :, :1] > 0).astype(np.float32)
        n_sums, n_seen = self._n_sums, self.space.shape[0]
        memory[:, 1:n_sums] += (response * is_clicked).sum(axis=1) / _SCALE
        shown = memory[:, n_seen:].reshape(-1, *self._shown_shape)
        clicked = (shown * is_clicked).sum(axis=1)
        memory[:, n_sums:n_seen] += (1.0 - _DECAY) * (clicked - memory[:, n_sums:n_seen])
        return memory

    def seen_with(self, memory: np.ndarray, observation: Observation) -> dict[str, np.ndarray]:
        """Returns the observation with the memory beside it."""
        return {**observation, VISIT: memory[:, : self.space.shape[0]]}
