"""What a batch of slates led to, as every agent is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from recsim_env.core.scenario import Scenario

Observation = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Transition:
    """What a batch of slates led to; rows are the environments that really took a step.

    There are none where all of them began an episode at once.

    Attributes:
      observation: what the agent saw, each field (n, ...).
      slates: (n, slate_size) indices of the shown candidates.
      next_observation: what it saw next; its `response` answers these slates.
      rewards: (n,).
      is_terminal: (n,), whether the person left.
      is_over: (n,), whether the episode ended, by leaving or by the horizon.
      index: (n,), which environment each row comes from.
      begins: (n,), whether a session had just begun when the slate was chosen.
      examination_probability: (n, slate_size), how likely each place was looked at, in [0, 1]; 0
        where it was empty for it repeats an item.
      state: what the agent remembered of the session when it chose the slate, as `predict` has it;
        rows as above.
      propensity: (n,), how likely the slates were shown, where somebody asked for it.
    """

    observation: Observation
    slates: np.ndarray
    next_observation: Observation
    rewards: np.ndarray
    is_terminal: np.ndarray
    is_over: np.ndarray
    index: np.ndarray
    begins: np.ndarray
    examination_probability: np.ndarray
    state: Any = None
    propensity: np.ndarray | None = None

    @classmethod
    def of_step(cls, scenario: Scenario, **columns: Any) -> Self:
        """Returns what a step in a scenario led to; the scenario says what was looked at."""
        is_shown = ~is_repeated(columns["slates"])
        following = columns["next_observation"]
        if "response" in following:
            return cls(
                **columns,
                examination_probability=scenario.examination_probability(
                    following["response"][:, :, 0] > 0
                )
                * is_shown,
            )
        return cls(**columns, examination_probability=is_shown.astype(float))

    @classmethod
    def of_batch(
        cls,
        scenario: Scenario,
        observation: Observation,
        slates: np.ndarray,
        taken: tuple[Any, ...],
        *,
        is_over: np.ndarray,
        begins: np.ndarray,
        state: Any = None,
        propensity: np.ndarray | None = None,
    ) -> Self:
        """Returns what `env.step(slates)` led to, which returned `taken`.

        An environment whose episode was over, `is_over`, spent the step on beginning the next one.
        The other arguments are the attributes, with a row for every environment.
        """
        following, rewards, terminated, truncated, _ = taken
        index = np.flatnonzero(~is_over)
        return cls.of_step(
            scenario,
            observation={name: value[index] for name, value in observation.items()},
            slates=slates[index],
            next_observation={name: value[index] for name, value in following.items()},
            rewards=rewards[index],
            is_terminal=terminated[index],
            is_over=(terminated | truncated)[index],
            index=index,
            begins=begins[index],
            state=rows_of_memory(state, index),
            propensity=rows_of_memory(propensity, index),
        )

    @property
    def is_shown(self) -> np.ndarray:
        """(n, slate_size), False where a slate repeats an earlier item and the place was empty."""
        return ~is_repeated(self.slates)

    @property
    def place_rewards(self) -> np.ndarray:
        """(n, slate_size), the reward shared equally by the clicked places of each slate.

        Exact wherever at most one place is clicked.
        """
        return shared_by_clicks(self.rewards, self.next_observation["response"][:, :, 0] > 0)

    def shown(self, name: str) -> np.ndarray:
        """Returns the rows of an observation field, one per candidate, that the slates showed."""
        values = self.observation[name]
        return values[np.arange(len(values))[:, None], self.slates]


def shared_by_clicks(amounts: np.ndarray, clicked: np.ndarray) -> np.ndarray:
    """Returns (n, slate_size), amounts (n,) shared equally by the clicked places of each slate."""
    return clicked * amounts[:, None] / np.maximum(clicked.sum(axis=1, keepdims=True), 1)


def rows_of_memory(state: Any, index: np.ndarray | slice) -> Any:
    """Returns some rows of a memory, which is None, an array, or a named tuple of memories."""
    if isinstance(state, tuple):
        return type(state)(*(rows_of_memory(part, index) for part in state))
    return None if state is None else state[index]


def is_repeated(slates: np.ndarray) -> np.ndarray:
    """Returns (n, slate_size), True where a slate holds an earlier item once more."""
    same = slates[:, :, None] == slates[:, None, :]
    return np.tril(same, -1).any(axis=2)
