"""What agents with networks share: they know items by features, and remember the session."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.agent import Agent
from recsim_env.agents.core.session import SessionMemory
from recsim_env.agents.core.transition import Observation
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv


class SessionAgent(Agent):
    """An agent that sees every float field of an observation, and what happened in this session.

    Integer ids stay unseen.

    Settings:
      width: of the hidden layers (32).
      device: where torch computes, "cpu" or "cuda", or "auto" for the GPU where there is one
        ("cpu").

    Attributes:
      memory: adds up the session.
      seen_space: of what networks take: the float fields and those of the memory.
      device: where torch computes; a subclass names it once torch is known to be there.
      monitor: called now and then while learning with losses by name, and `num_timesteps`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"width": 32, "device": "cpu"}

    device: Any

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("width", self.settings["width"] >= 1, "1 or more")
        is_known = self.settings["device"] in ("cpu", "cuda", "auto")
        self.require("device", is_known, "'cpu', 'cuda' or 'auto'")
        self.memory = SessionMemory(self.env.scenario)
        self.seen_space = self.memory.seen_space
        self.monitor: Callable[[Mapping[str, float], int], None] | None = None

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features."""
        if "candidates" not in scenario.space_fields():
            return (
                f"{cls.__name__} needs item features, and {type(scenario).__name__} with these "
                "settings shows none"
            )
        return None

    def begin_state(self, n: int) -> Any:
        """Returns empty memories of `n` sessions."""
        return self.memory.begin(n)

    def next_state(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Returns the memories with the last responses; empty where a session begins."""
        state = self.memory.after(state, observation)
        state[np.asarray(episode_start, bool)] = 0.0
        return state

    def remember(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Returns the memories with what is being shown."""
        return self.memory.showing(state, observation, slates)

    def seen(self, observation: Observation, state: Any) -> dict[str, np.ndarray]:
        """Returns what networks take of an observation and a memory, fields of `seen_space`."""
        every = self.memory.seen_with(state, observation)
        return {name: every[name] for name in self.seen_space}

    def tensors(self, observation: Observation, state: Any) -> Any:
        """Returns what is `seen` as tensors on the device."""
        import torch

        return {
            name: torch.as_tensor(np.ascontiguousarray(value), device=self.device)
            for name, value in self.seen(observation, state).items()
        }
