"""What the agents behind Stable-Baselines3 share: how they learn, remember, and are kept."""

import contextlib
import operator
import random
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from tqdm import tqdm

from recsim_env.agents.agent import with_prefix
from recsim_env.agents.extras import extra
from recsim_env.agents.feedback import Observation
from recsim_env.agents.visit import VisitMemory
from recsim_env.agents.visit_agent import VisitAgent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.wrappers import VectorSlateWrapper

# What the names of arrays begin with.
_POLICY, _OPTIMIZER, _VARIABLE, _LAST = "policy.", "optimizer.", "variable.", "last."

# How often, in user-steps, losses are reported to the monitor.
_REPORT_EVERY = 1_000


class DeepAgent(VisitAgent):
    """A model of Stable-Baselines3, fed with all that is seen and what it remembers of the visit.

    It learns in an environment of its own, made like the one it is given; `set_env` changes where
    it acts, not where it learns. It computes in one thread, so that the same seed gives the same
    agent.

    A subclass names its action wrapper, makes its model and chooses slates by it.

    Settings:
      width, device: see `VisitAgent`.
    """

    #: Rewards are divided by the running deviation of returns with this discount (and cut at ± 10).
    scale_discount: ClassVar[float] = 0.99

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.check_settings()
        extra("recsim_env.sb3", needed_by=type(self).__name__)
        from recsim_env.agents.torch_computing import device_of

        # Stable-Baselines3 would take the CPU, without a word, where there is no GPU.
        self.device = device_of(self.settings["device"])
        own = env.twin(autoreset_mode="SameStep", flat=False)
        with self._generators():
            training = _training_env(
                self.wrap(own), self.memory, seed=self.seed, discount=self.scale_discount
            )
            self.model = self.make_model(training)
        self.model.set_logger(_logger(self))

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        self.require("gamma", 0 <= self.settings["gamma"] <= 1, "0 to 1")
        self.require("learning_rate", self.settings["learning_rate"] > 0, "more than 0")

    def wrap(self, env: RecommendationVectorEnv) -> Any:
        """Returns the environment with the actions that the model takes; by default slates."""
        return env

    @abstractmethod
    def make_model(self, env: Any) -> Any:
        """Returns the untrained Stable-Baselines3 model for a training environment."""

    @abstractmethod
    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Returns slates, (n, slate_size), for a batch of observations as tensors."""

    @contextlib.contextmanager
    def _generators(self) -> Iterator[int]:
        """Seeds the global generators, yields the seed, and puts back how they were."""
        from recsim_env.agents.torch_computing import computing

        before = random.getstate(), np.random.get_state()
        seed = int(self.rng.integers(2**31))
        random.seed(seed)
        np.random.seed(seed)
        try:
            with computing(seed):
                yield seed
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Learns from at least as many user-steps; see `Agent.learn`."""
        quiet = None if progress_bar else True  # None: only on a terminal
        with tqdm(total=total_timesteps, unit="step", disable=quiet) as progress:

            def after_step(taken: Mapping[str, Any], _globals: Any) -> bool:
                before, self.num_timesteps = self.num_timesteps, self.model.num_timesteps
                progress.update(self.num_timesteps - before)
                if self.num_timesteps // _REPORT_EVERY > before // _REPORT_EVERY:
                    self.model.logger.dump(self.num_timesteps)
                goes_on = callback is None or callback(self) is not False
                if not goes_on:
                    self.after_stop(taken)
                return goes_on

            with self._generators() as seed:
                self.model.action_space.seed(seed)
                self.model.learn(
                    total_timesteps, after_step, log_interval=None, reset_num_timesteps=False
                )
        return self

    def after_stop(self, taken: Mapping[str, Any]) -> None:
        """Lets the model see what the last step led to, which it ignores where learning stops.

        Args:
          taken: its own variables around that step.
        """
        self.model._last_obs = self.model._last_original_obs = taken["new_obs"]
        self.model._last_episode_starts = taken["dones"]

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the best slates by what the model has learned."""
        import torch

        from recsim_env.agents.torch_computing import computing

        with computing(), torch.no_grad():
            return self.choose(self.tensors(observation, state), deterministic=deterministic)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the weights, the optimisers' states and the scale of rewards."""
        from recsim_env.agents.torch_computing import optimizer_arrays

        scale = self.model.env.ret_rms
        found = {"scale": np.array([scale.mean, scale.var, scale.count])}
        for name, value in self.model.policy.state_dict().items():
            found[_POLICY + name] = value.cpu().numpy().copy()
        for prefix, optimizer in self._optimizers().items():
            found |= {prefix + name: part for name, part in optimizer_arrays(optimizer).items()}
        for name, variable in self._variables().items():
            found[name] = variable.detach().cpu().numpy().copy()
        return found

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        import torch

        from recsim_env.agents.torch_computing import restore_optimizer

        policy = self.model.policy
        weights = with_prefix(arrays, _POLICY)
        policy.load_state_dict({name: torch.as_tensor(value) for name, value in weights.items()})
        for prefix, optimizer in self._optimizers().items():
            restore_optimizer(optimizer, with_prefix(arrays, prefix))
        for name, variable in self._variables().items():
            variable.data.copy_(torch.as_tensor(arrays[name]))
        scale = self.model.env.ret_rms
        scale.mean, scale.var, scale.count = (float(x) for x in arrays["scale"])
        self.model.num_timesteps = self.num_timesteps

    def _optimizers(self) -> dict[str, Any]:
        """Returns the optimisers that Stable-Baselines3 would save, by what their arrays begin."""
        names, _ = self.model._get_torch_save_params()
        return {
            f"{_OPTIMIZER}{name}.": operator.attrgetter(name)(self.model)
            for name in names
            if name.endswith("optimizer")
        }

    def _variables(self) -> dict[str, Any]:
        """Returns the tensors that Stable-Baselines3 would save beside the policy."""
        _, names = self.model._get_torch_save_params()
        return {_VARIABLE + name: getattr(self.model, name) for name in names}

    def progress(self) -> dict[str, np.ndarray]:
        """Returns the visits that learning is amid; a subclass adds what else its model keeps."""
        if self.model._last_obs is None:
            return {}
        training = self.model.env
        last = {_LAST + name: value for name, value in self.model._last_obs.items()}
        return last | {
            "environment": training.unwrapped.env.unwrapped.state,
            "visits": training.venv.visits,
            "returns": training.returns,
            "episode_start": self.model._last_episode_starts,
            "n_updates": np.array(self.model._n_updates),
        }

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Goes on with the visits, if they are of as many people."""
        training = self.model.env
        if not progress or progress["environment"].shape != (training.num_envs,):
            return
        training.unwrapped.env.unwrapped.state = progress["environment"]
        training.returns = progress["returns"]
        self.model._last_obs = with_prefix(progress, _LAST)
        training.venv.visits, training.venv.observation = progress["visits"], self.model._last_obs
        if isinstance(training.unwrapped.env, VectorSlateWrapper):
            training.unwrapped.env._observation = self.model._last_obs
        self.model._last_episode_starts = progress["episode_start"]
        self.model._n_updates = int(progress["n_updates"])


def _logger(agent: DeepAgent) -> Any:
    """Returns Stable-Baselines3's logger, which hands numbers on to the agent's monitor."""
    from stable_baselines3.common.logger import KVWriter, Logger

    class Monitor(KVWriter):
        def write(self, key_values: Any, key_excluded: Any, step: int = 0) -> None:
            if agent.monitor is not None:
                agent.monitor({name: float(value) for name, value in key_values.items()}, step)

    return Logger(folder=None, output_formats=[Monitor()])


def _training_env(env: VectorEnv, memory: VisitMemory, *, seed: int, discount: float) -> Any:
    """Returns what Stable-Baselines3 trains in: with the memory, and with rewards near 1."""
    from stable_baselines3.common.vec_env import VecEnvWrapper, VecNormalize

    from recsim_env.sb3 import VecEnvAdapter

    class WithMemory(VecEnvWrapper):
        """Adds the memory of the visit to observations."""

        def __init__(self, venv: Any) -> None:
            space = spaces.Dict(dict(venv.observation_space.spaces) | memory.spaces)
            super().__init__(venv, observation_space=space)

        def _seen(self, observation: Any) -> Any:
            self.observation = observation
            return memory.seen_with(self.visits, observation)

        def reset(self) -> Any:
            self.visits = memory.begin(self.num_envs)
            return self._seen(self.venv.reset())

        def step_async(self, actions: np.ndarray) -> None:
            slates = np.reshape(actions, (self.num_envs, -1))
            if isinstance(env, VectorSlateWrapper):
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
                seen = memory.seen_with(after, batch)
                last.update({name: seen[name][0] for name in memory.spaces})
            return self._seen(observation), rewards, ended, infos

    adapter = VecEnvAdapter(env)
    adapter.seed(seed)
    return VecNormalize(WithMemory(adapter), norm_obs=False, gamma=discount)
