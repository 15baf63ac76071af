"""What stands between an agent and Stable-Baselines3: its environment, logger and callback.

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

from recsim_env.agents.core.session import SessionMemory, SessionTracker
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.action_forms import ActionForm
from recsim_env.envs.sb3 import VecEnvAdapter


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


class SessionVecEnv(VecEnvWrapper):
    """People among whom a model learns: what it sees of them, and which slates its actions mean.

    It sees the memory of the session beside the observation.

    Args:
      venv: the people.
      memory: adds up each session.
      form: how actions become slates; None where they are slates.

    Attributes:
      tracker: the memories of the sessions under way.
    """

    def __init__(
        self, venv: VecEnvAdapter, memory: SessionMemory, form: ActionForm | None = None
    ) -> None:
        fields: Any = venv.observation_space
        space = spaces.Dict(dict(fields.spaces) | memory.spaces)
        super().__init__(venv, space, venv.action_space if form is None else form.space)
        self.tracker, self._form = SessionTracker(memory), form

    def reset(self) -> Any:
        """Begins sessions of which nothing is remembered."""
        self.tracker.begin(self.num_envs)
        return self._seen(self.venv.reset())

    def go_on(self, sessions: np.ndarray, observation: Any) -> Any:
        """Goes on with sessions that others began, and returns what is seen of them.

        Args:
          sessions: their memories.
          observation: what the people show.
        """
        self.tracker.memories = sessions
        fields: Any = self.venv.observation_space
        return self._seen({name: observation[name] for name in fields.spaces})

    def step_async(self, actions: np.ndarray) -> None:
        """Shows the slates that the actions mean."""
        form = self._form
        slates = actions if form is None else form.slates(actions, self._observation)
        self._slates = np.reshape(slates, (self.num_envs, -1))
        shape: Any = self.venv.action_space.shape
        super().step_async(self._slates.reshape(self.num_envs, *shape))

    def step_wait(self) -> Any:
        """Remembers the responses; of sessions that ended, in their last observation alone."""
        observation: Any
        observation, rewards, ended, infos = self.venv.step_wait()
        following, over = observation, np.flatnonzero(ended)
        if len(over):
            following = {name: value.copy() for name, value in observation.items()}
            for index in over:
                for name, value in infos[index]["terminal_observation"].items():
                    following[name][index] = value
        everybody = np.arange(self.num_envs)
        _, after = self.tracker.advance(
            self._observation, self._slates, following, is_over=ended, index=everybody
        )
        seen = self.tracker.memory.seen_with(after, following)
        for index in over:
            infos[index]["terminal_observation"] = {name: seen[name][index] for name in seen}
        return self._seen(observation), rewards, ended, infos

    def _seen(self, observation: Any) -> Any:
        self._observation = observation
        return self.tracker.memory.seen_with(self.tracker.memories, observation)


def training_env(
    env: VectorEnv, memory: SessionMemory, form: ActionForm | None, *, seed: int, discount: float
) -> Any:
    """Returns what Stable-Baselines3 trains in: with the memory, and with rewards near 1."""
    adapter = VecEnvAdapter(env)
    adapter.seed(seed)
    return VecNormalize(SessionVecEnv(adapter, memory, form), norm_obs=False, gamma=discount)


def people_in(model: Any) -> RecommendationVectorEnv:
    """Returns the people among whom a model learns."""
    people: RecommendationVectorEnv = model.env.unwrapped.env.unwrapped
    return people
