"""What the agents behind Stable-Baselines3 share: how they learn, remember, and are kept."""

import contextlib
import importlib
import random
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from gymnasium import spaces
from tqdm import tqdm

from recsim_env.agents.agent import Agent
from recsim_env.agents.feedback import Observation
from recsim_env.agents.visit import VISIT, VisitMemory
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario
from recsim_env.wrappers import VectorSlateWrapper


class DeepAgent(Agent):
    """A model of Stable-Baselines3, fed with all that is seen and what it remembers of the visit.

    It learns in an environment of its own, made like the one it is given; `set_env` changes where
    it acts, not where it learns. Integer ids stay unseen: it knows people and items by their
    features. The same seed gives the same agent for the same number of torch threads.

    A subclass names its action wrapper, makes its model and chooses slates by it.

    Settings:
      width: of the hidden layers (32).
      device: where torch computes ("cpu").
    """

    defaults: ClassVar[Mapping[str, Any]] = {"width": 32, "device": "cpu"}

    #: Rewards are divided by the running deviation of returns with this discount.
    scale_discount: ClassVar[float] = 0.99

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.check_settings()
        importlib.import_module("recsim_env.sb3")  # says how to install what is missing
        self.memory = VisitMemory(env.scenario)
        own = env.twin(autoreset_mode="SameStep", flat=False)
        with self._generators():
            training = _training_env(
                self.wrap(own), self.memory, seed=self.seed, discount=self.scale_discount
            )
            self.model = self.make_model(training)
        self.model.set_logger(_no_logger())

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features."""
        if "candidates" not in scenario.space_fields():
            return (
                f"{cls.__name__} needs item features, and {type(scenario).__name__} with these "
                "settings shows none"
            )
        return None

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        self.require("width", self.settings["width"] >= 1, "1 or more")
        self.require("gamma", 0 <= self.settings["gamma"] <= 1, "0 to 1")
        self.require("learning_rate", self.settings["learning_rate"] > 0, "more than 0")

    @abstractmethod
    def wrap(self, env: RecommendationVectorEnv) -> Any:
        """Returns the environment with the actions that the model takes."""

    @abstractmethod
    def make_model(self, env: Any) -> Any:
        """Returns the untrained Stable-Baselines3 model for a training environment."""

    @abstractmethod
    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Returns slates, (n, slate_size), for a batch of observations as tensors."""

    @contextlib.contextmanager
    def _generators(self) -> Iterator[int]:
        """Seeds the global generators, yields the seed, and puts back how they were."""
        import torch

        before = random.getstate(), np.random.get_state(), torch.get_rng_state()
        seed = int(self.rng.integers(2**31))
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        try:
            yield seed
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])
            torch.set_rng_state(before[2])

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Learns from at least as many user-steps; see `Agent.learn`."""
        quiet = None if progress_bar else True  # None: only on a terminal
        with tqdm(total=total_timesteps, unit="step", disable=quiet) as progress:

            def after_step(_locals: Any, _globals: Any) -> bool:
                progress.update(self.model.num_timesteps - self.num_timesteps)
                self.num_timesteps = self.model.num_timesteps
                return callback is None or callback(self) is not False

            with self._generators() as seed:
                self.model.action_space.seed(seed)
                self.model.learn(
                    total_timesteps, after_step, log_interval=None, reset_num_timesteps=False
                )
        return self

    def begin_state(self, n: int) -> Any:
        """Returns empty memories of `n` visits."""
        return self.memory.begin(n)

    def next_state(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Returns the memories with the last responses; empty where a visit begins."""
        state = self.memory.after(state, observation)
        state[np.asarray(episode_start, bool)] = 0.0
        return state

    def remember(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Returns the memories with what is being shown."""
        return self.memory.showing(state, observation, slates)

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the best slates by what the model has learned."""
        import torch

        with torch.no_grad():
            return self.choose(self.tensors(observation, state), deterministic=deterministic)

    def tensors(self, observation: Observation, state: Any) -> Any:
        """Returns what is seen and remembered as the model takes it."""
        import torch

        return {
            name: torch.as_tensor(np.ascontiguousarray(value), device=self.model.device)
            for name, value in self.memory.seen_with(state, observation).items()
            if name in self.model.observation_space.spaces
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the weights, the optimiser's state and the scale of rewards."""
        kept = {f"policy.{k}": v.cpu().numpy() for k, v in self.model.policy.state_dict().items()}
        moments = self.model.policy.optimizer.state_dict()["state"]
        for index, parts in moments.items():
            kept |= {f"optimizer.{index}.{k}": np.asarray(v.cpu()) for k, v in parts.items()}
        scale = self.model.env.ret_rms
        return kept | {"reward_scale": np.array([scale.mean, scale.var, scale.count])}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        import torch

        policy, moments = {}, dict[int, dict[str, Any]]()
        for name, value in arrays.items():
            part, _, key = name.partition(".")
            if part == "policy":
                policy[key] = torch.as_tensor(value)
            elif part == "optimizer":
                index, _, key = key.partition(".")
                moments.setdefault(int(index), {})[key] = torch.as_tensor(value)
        self.model.policy.load_state_dict(policy)
        optimizer = self.model.policy.optimizer
        optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
        scale = self.model.env.ret_rms
        scale.mean, scale.var, scale.count = (float(x) for x in arrays["reward_scale"])
        self.model.num_timesteps = self.num_timesteps


def _no_logger() -> Any:
    from stable_baselines3.common.logger import Logger

    return Logger(folder=None, output_formats=[])


def _training_env(
    env: VectorSlateWrapper, memory: VisitMemory, *, seed: int, discount: float
) -> Any:
    """Returns what Stable-Baselines3 trains in: with the memory, and with rewards near 1."""
    from stable_baselines3.common.vec_env import VecEnvWrapper, VecNormalize

    from recsim_env.sb3 import VecEnvAdapter

    class WithMemory(VecEnvWrapper):
        """Adds the memory of the visit to observations."""

        def __init__(self, venv: Any) -> None:
            space = spaces.Dict(dict(venv.observation_space.spaces) | {VISIT: memory.space})
            super().__init__(venv, observation_space=space)

        def _seen(self, observation: Any) -> Any:
            self.observation = observation
            return memory.seen_with(self.visits, observation)

        def reset(self) -> Any:
            self.visits = memory.begin(self.num_envs)
            return self._seen(self.venv.reset())

        def step_async(self, actions: np.ndarray) -> None:
            slates = env.form.slates(actions, self.observation)
            self.visits = memory.showing(self.visits, self.observation, slates)
            super().step_async(actions)

        def step_wait(self) -> Any:
            observation: Any
            observation, rewards, ended, infos = self.venv.step_wait()
            before = self.visits
            self.visits = memory.after(before, observation)
            self.visits[ended] = 0.0
            for index in np.flatnonzero(ended):
                last = infos[index]["terminal_observation"]
                batch = {name: value[None] for name, value in last.items()}
                after = memory.after(before[index : index + 1], batch)
                last[VISIT] = memory.seen_with(after, batch)[VISIT][0]
            return self._seen(observation), rewards, ended, infos

    adapter = VecEnvAdapter(env)
    adapter.seed(seed)
    return VecNormalize(WithMemory(adapter), norm_obs=False, gamma=discount)
