"""Agents behind Stable-Baselines3: they know items by features, and remember the session."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.agent import Agent
from recsim_env.agents.core.restoring import State, flattened, nested, part
from recsim_env.agents.core.session import SessionMemory
from recsim_env.agents.core.transition import Observation
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
    """

    defaults: ClassVar[Mapping[str, Any]] = {"width": 32, "device": "cpu"}
    requires = ("item features",)

    device: Any
    memory: SessionMemory

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("width", self.settings["width"] >= 1, "1 or more")
        is_known = self.settings["device"] in ("cpu", "cuda", "auto")
        self.require("device", is_known, "'cpu', 'cuda' or 'auto'")
        self.memory = SessionMemory(self.env.scenario)
        self.seen_space = self.memory.seen_space

    def seen(self, observation: Observation, state: Any) -> dict[str, np.ndarray]:
        """Returns what networks take of an observation and a memory, fields of `seen_space`."""
        return self.memory.seen(state, observation)

    def tensors(self, observation: Observation, state: Any) -> Any:
        """Returns what is `seen` as tensors on the device."""
        import torch

        return {
            name: torch.as_tensor(np.ascontiguousarray(value), device=self.device)
            for name, value in self.seen(observation, state).items()
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns what was learned as named arrays."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""

    def progress(self) -> dict[str, np.ndarray]:
        """Returns how learning stands."""
        return {}

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Takes back what `progress` returned."""

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned, and how learning stands."""
        return nested(self.arrays()) | {"learning": nested(self.progress())}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        self.restore(flattened({k: v for k, v in state.items() if k != "learning"}))
        self.resume(flattened(part(state, "learning")))


def with_prefix(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Returns the arrays whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
