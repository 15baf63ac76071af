"""What the agents behind Stable-Baselines3 share: how they learn, remember, and are kept."""

import contextlib
import copy
import operator
import random
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from tqdm import tqdm

from recsim_env.agents.core.agent import as_steps
from recsim_env.agents.core.interaction import is_state_of
from recsim_env.agents.core.optional import extra
from recsim_env.agents.core.restoring import like, require_range, taken, whole
from recsim_env.agents.core.session_agent import SessionAgent, with_prefix
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.core.world import describe_world
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.wrappers import VectorSlateWrapper

# What the names of arrays begin with.
_POLICY, _OPTIMIZER, _VARIABLE = "policy.", "optimizer.", "variable."
_DRAWING = "drawing."

# How often, in interactions, losses are reported to the monitor.
_REPORT_EVERY = 1_000


class SB3Agent(SessionAgent):
    """A model of Stable-Baselines3, fed with all that is seen and what it remembers of the session.

    It learns in an environment of its own, made like the one it is given; `set_env` changes where
    it acts, not where it learns. It computes in one thread, so that the same seed gives the same
    agent.

    A subclass names its action wrapper, makes its model and chooses slates by it.

    Settings:
      width, device: see `SessionAgent`.
    """

    #: Rewards are divided by the running deviation of returns with this discount (and cut at ± 10).
    scale_discount: ClassVar[float] = 0.99

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.check_settings()
        extra("recsim_env.envs.sb3", needed_by=type(self).__name__)
        from recsim_env.agents.networks.compute import device_of

        # Stable-Baselines3 would take the CPU, without a word, where there is no GPU.
        self.device = device_of(self.settings["device"])
        own = self.env.twin(autoreset_mode="SameStep", flat=False)
        from recsim_env.agents.sb3.training import logger_of, training_env

        self._generator_states: dict[str, np.ndarray] = {}
        with self._generators():
            training = training_env(
                self.wrap(own), self.memory, seed=self.seed, discount=self.scale_discount
            )
            self.model = self.make_model(training)
        self.model.set_logger(logger_of(self))

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
        from recsim_env.agents.networks.compute import computing

        before = random.getstate(), np.random.get_state()
        seed = 0 if self._generator_states else int(self.rng.integers(2**31))
        random.seed(seed)
        np.random.seed(seed)
        try:
            with computing(seed):
                yield seed
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Learns from at least as many interactions; see `Agent.learn`."""
        total_timesteps = as_steps(total_timesteps)
        from recsim_env.agents.sb3.training import Watcher

        quiet = None if progress_bar else True  # None: only on a terminal
        self.world = describe_world(self.model.env.unwrapped.env.unwrapped.scenario)
        with tqdm(total=total_timesteps, unit="step", disable=quiet) as progress:

            def after_step(taken: Mapping[str, Any]) -> bool:
                before, self.num_timesteps = self.num_timesteps, self.model.num_timesteps
                progress.update(self.num_timesteps - before)
                if self.num_timesteps // _REPORT_EVERY > before // _REPORT_EVERY:
                    self.model.logger.dump(self.num_timesteps)
                goes_on = callback is None or callback(self) is not False
                if not goes_on:
                    self.after_stop(taken)
                return goes_on

            with self._generators() as seed:
                self._go_on_drawing(seed)
                self.model.learn(
                    total_timesteps,
                    Watcher(after_step, self._rest),
                    log_interval=None,
                    reset_num_timesteps=False,
                )
        return self

    def _go_on_drawing(self, seed: int) -> None:
        """Seeds the generator of actions, or lets all of them go on where learning was left."""
        from recsim_env.agents.networks.compute import set_generator_states

        self.model.action_space.seed(seed)
        if self._generator_states:
            set_generator_states(self._generator_states, self.model.action_space)
            self._generator_states = {}

    def _rest(self) -> None:
        """Lets whoever waits for it leave learning, between two rollouts."""
        if self.on_rest is None:
            return
        from recsim_env.agents.networks.compute import generator_states

        try:
            self.on_rest()
        except BaseException:
            self._generator_states = generator_states(self.model.action_space)
            raise

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

        from recsim_env.agents.networks.compute import computing

        with computing(), torch.no_grad():
            return self.choose(self.tensors(observation, state), deterministic=deterministic)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the weights, the optimisers' states and the scale of rewards."""
        from recsim_env.agents.networks.compute import optimizer_arrays

        scale = self.model.env.ret_rms
        found = {"scale": np.array([scale.mean, scale.var, scale.count])}
        for name, value in self.model.policy.state_dict().items():
            found[_POLICY + name] = value.cpu().numpy().copy()
        for prefix, optimizer in self._optimizers().items():
            found |= {prefix + name: part for name, part in optimizer_arrays(optimizer).items()}
        for name, variable in self._variables().items():
            found[name] = variable.detach().cpu().numpy().copy()
        return found

    def __reduce__(self) -> Any:
        """Returns how a copy is made, in this process or another: as a loaded agent is."""
        kept = {
            "num_timesteps": self.num_timesteps,
            "world": self.world,
            "generator": self.rng.bit_generator.state,
            "arrays": self.arrays(),
            "progress": self.progress(),
        }
        return _copied, (type(self), self.stage, self.seed, dict(self.settings), kept)

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        import torch

        from recsim_env.agents.networks.compute import check_weights, restore_optimizer

        policy = self.model.policy
        check_weights(policy, arrays, _POLICY)
        scales = like(arrays, "scale", np.zeros(3))
        require_range("scale", scales[1:], low=0.0)
        weights = with_prefix(arrays, _POLICY)
        policy.load_state_dict({name: torch.as_tensor(value) for name, value in weights.items()})
        for prefix, optimizer in self._optimizers().items():
            restore_optimizer(optimizer, with_prefix(arrays, prefix))
        for name, variable in self._variables().items():
            variable.data.copy_(
                torch.as_tensor(like(arrays, name, variable.detach().cpu().numpy()))
            )
        scale = self.model.env.ret_rms
        scale.mean, scale.var, scale.count = scales.tolist()
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
        """Returns the sessions that learning is amid; a subclass adds what else its model keeps."""
        if self.model._last_obs is None:
            return {}
        training = self.model.env
        drawing = {_DRAWING + name: value for name, value in self._generator_states.items()}
        training = self.model.env
        return drawing | {
            "environment": training.unwrapped.env.unwrapped.state,
            "sessions": training.venv.sessions,
            "returns": training.returns,
            "episode_start": self.model._last_episode_starts,
            "n_updates": np.array(self.model._n_updates),
        }

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Goes on with the sessions, if they are of as many people."""
        if not progress:
            return
        training = self.model.env
        people, n_envs = training.unwrapped.env.unwrapped, training.num_envs
        if not is_state_of(people, progress, may_be_over=False):
            return
        sessions = like(progress, "sessions", self.memory.begin(n_envs))
        people.state = progress["environment"]
        seen = self.memory.seen_with(sessions, people.observe())
        last = {name: seen[name] for name in self.model.observation_space.spaces}
        training.returns = like(progress, "returns", np.zeros(n_envs))
        self.model._last_obs = last
        training.venv.sessions, training.venv.observation = sessions, last
        if isinstance(training.unwrapped.env, VectorSlateWrapper):
            training.unwrapped.env._observation = self.model._last_obs
        starts = taken(progress, "episode_start")  # a bool or a float, as the last rollout left it
        flags = np.zeros(n_envs, starts.dtype if starts.dtype == np.float32 else bool)
        self.model._last_episode_starts = like(progress, "episode_start", flags)
        self.model._n_updates = whole(progress, "n_updates")
        self._generator_states = with_prefix(progress, _DRAWING)
        if self._generator_states:
            from recsim_env.agents.networks.compute import set_generator_states

            with self._generators():  # lends them to a copy, to see that they are what they seem
                set_generator_states(self._generator_states, copy.deepcopy(self.model.action_space))


def _copied(
    kind: type[SB3Agent], env: Any, seed: int, settings: Mapping[str, Any], kept: Mapping[str, Any]
) -> SB3Agent:
    """Returns an agent that goes on as the one that it is a copy of."""
    agent = kind(env, seed=seed, **settings)
    agent.num_timesteps, agent.world = kept["num_timesteps"], kept["world"]
    agent.rng.bit_generator.state = kept["generator"]
    agent.restore(kept["arrays"])
    agent.resume(kept["progress"])
    return agent
