"""What stands between the deep agents and Stable-Baselines3: its environment, logger and callback.

Import this module where it is used: it needs Stable-Baselines3.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import VecEnvWrapper, VecNormalize

from recsim_env.agents.core.session import SessionMemory
from recsim_env.envs.sb3 import VecEnvAdapter
from recsim_env.envs.wrappers import VectorSlateWrapper


class Watcher(BaseCallback):
    """Says when a step was taken and when a rollout begins.

    Args:
      after_step: called with the variables around the step; False ends learning.
      before_rollout: called before each rollout, when everything before it is learned from.
    """

    def __init__(
        self,
        after_step: Callable[[Mapping[str, Any]], bool],
        before_rollout: Callable[[], None],
    ) -> None:
        super().__init__()
        self._after_step, self._before_rollout = after_step, before_rollout

    def _on_step(self) -> bool:
        return self._after_step(self.locals)

    def _on_rollout_start(self) -> None:
        self._before_rollout()


class _Monitor(KVWriter):
    """Hands numbers on to the monitor of an agent."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def write(self, key_values: Any, key_excluded: Any, step: int = 0) -> None:
        if self._agent.monitor is not None:
            self._agent.monitor({name: float(value) for name, value in key_values.items()}, step)


def logger_of(agent: Any) -> Logger:
    """Returns Stable-Baselines3's logger, which hands numbers on to the agent's monitor."""
    return Logger(folder=None, output_formats=[_Monitor(agent)])


class WithMemory(VecEnvWrapper):
    """Adds the memory of the session to observations.

    Args:
      venv: whose people are remembered.
      memory: adds up each session.
    """

    def __init__(self, venv: VecEnvAdapter, memory: SessionMemory) -> None:
        fields: Any = venv.observation_space
        space = spaces.Dict(dict(fields.spaces) | memory.spaces)
        super().__init__(venv, observation_space=space)
        self.memory, self._slates = memory, venv.env

    def _seen(self, observation: Any) -> Any:
        self.observation = observation
        return self.memory.seen_with(self.sessions, observation)

    def reset(self) -> Any:
        """Begins sessions of which nothing is remembered."""
        self.sessions = self.memory.begin(self.num_envs)
        return self._seen(self.venv.reset())

    def step_async(self, actions: np.ndarray) -> None:
        """Remembers what is shown."""
        slates = np.reshape(actions, (self.num_envs, -1))
        if isinstance(self._slates, VectorSlateWrapper):
            slates = self._slates.form.slates(actions, self.observation)
        self.sessions = self.memory.showing(self.sessions, self.observation, slates)
        super().step_async(actions)

    def step_wait(self) -> Any:
        """Remembers the responses; of sessions that ended, in their last observation alone."""
        observation: Any
        observation, rewards, ended, infos = self.venv.step_wait()
        memory, before = self.memory, self.sessions
        self.sessions = memory.after(before, observation)
        self.sessions[ended] = 0.0
        for index in np.flatnonzero(ended):
            last = infos[index]["terminal_observation"]
            batch = {name: value[None] for name, value in last.items()}
            after = memory.after(before[index : index + 1], batch)
            seen = memory.seen_with(after, batch)
            last.update({name: seen[name][0] for name in memory.spaces})
        return self._seen(observation), rewards, ended, infos


def training_env(env: VectorEnv, memory: SessionMemory, *, seed: int, discount: float) -> Any:
    """Returns what Stable-Baselines3 trains in: with the memory, and with rewards near 1."""
    adapter = VecEnvAdapter(env)
    adapter.seed(seed)
    return VecNormalize(WithMemory(adapter, memory), norm_obs=False, gamma=discount)
