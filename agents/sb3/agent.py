"""Agents whose model is one of Stable-Baselines3's: how they learn, recommend, and are kept.

Where learning stands, Stable-Baselines3 keeps in attributes of its models whose names begin with an
underscore, and has no other way to read or to set it.
"""

import contextlib
import copy
import operator
import random
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from recsim_env.agents.core.agent import Agent
from recsim_env.agents.core.arguments import as_callback, as_steps
from recsim_env.agents.core.interaction import is_state_of
from recsim_env.agents.core.requirements import extra
from recsim_env.agents.core.restoring import (
    State,
    flattened,
    like,
    part,
    require_range,
    taken,
    whole,
)
from recsim_env.agents.core.reward_wrappers import paid_alike
from recsim_env.agents.core.session import SessionMemory
from recsim_env.agents.core.settings import discount
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.core.world import describe_world
from recsim_env.agents.networks.training import EncoderSettings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.action_forms import ActionForm
from recsim_env.progress import progress

# What `state_dict` holds.
_PARTS = ("policy", "optimizers", "variables", "scale", "learning")

# How often, in interactions, losses are reported to the monitor.
_REPORT_EVERY = 1_000


@dataclass(frozen=True, kw_only=True)
class SB3Settings(EncoderSettings):
    """What all agents behind Stable-Baselines3 are given."""

    learning_rate: float = setting(
        1e-3, search=Search(1e-4, 1e-2, log=True), above=0.0, doc="of Adam"
    )
    gamma: float = discount(0.99)


class SB3Agent(Agent):
    """Base class of agents behind Stable-Baselines3: a model fed with all that is seen.

    The model sees every float field of an observation, and what happened so far in the session
    (`SessionMemory`). It learns in an environment of its own, made like the one that the agent is
    given, with the same reward wrappers; `set_env` changes where it acts, not where it learns. It
    computes in one thread, so that the same seed gives the same agent.

    A subclass makes the model and chooses slates by it.

    Attributes:
      model: of Stable-Baselines3.
      device: where torch computes.
      form: how the model's actions become slates; None where they are slates.
    """

    Settings = SB3Settings
    settings: SB3Settings
    requires = ("item features",)
    memory: Any

    #: Rewards are divided by the running deviation of returns with this discount (and cut at ± 10).
    scale_discount: ClassVar[float] = 0.99

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        extra("recsim_env.envs.sb3", needed_by=type(self).__name__)
        from recsim_env.agents.networks.compute import device_of
        from recsim_env.agents.sb3.training import logger_of, training_env

        # Stable-Baselines3 would take the CPU, without a word, where there is no GPU.
        self.device = device_of(self.settings.device)
        self.memory = SessionMemory(self.env.scenario)
        own = self.env.twin(autoreset_mode="SameStep", flat=False)
        self.form = self.action_form(own)
        self._generator_states: dict[str, Any] = {}
        with self.generators():
            training = training_env(
                paid_alike(self.stage, own),
                self.memory,
                self.form,
                seed=self.seed,
                discount=self.scale_discount,
            )
            self.model = self.make_model(training)
        self.model.set_logger(logger_of(self))

    def action_form(self, env: RecommendationVectorEnv) -> ActionForm | None:
        """Returns how the model's actions become slates; by default they are slates."""
        return None

    @abstractmethod
    def make_model(self, env: Any) -> Any:
        """Returns the untrained Stable-Baselines3 model for a training environment."""

    @abstractmethod
    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Returns slates, (n, slate_size), for a batch of observations as tensors."""

    # Acting --------------------------------------------------------------------------------------

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the best slates by what the model has learned."""
        import torch

        from recsim_env.agents.networks.compute import computing

        with computing(), torch.no_grad():
            return self.choose(self.tensors(observation, state), deterministic=deterministic)

    def tensors(self, observation: Observation, state: Any) -> Any:
        """Returns what the model sees as it serves, as tensors on the device."""
        from recsim_env.agents.networks.compute import as_tensors

        self.model.policy.set_training_mode(False)  # a network of one's own may drop out
        return as_tensors(self.memory.seen(state, observation), self.device)

    # Learning ------------------------------------------------------------------------------------

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Learns from at least as many interactions; see `Agent.learn`."""
        total_timesteps, callback = as_steps(total_timesteps), as_callback(callback)
        from recsim_env.agents.sb3.training import Watcher, people_in

        self.world = describe_world(people_in(self.model).scenario)
        with progress(total=total_timesteps, unit="step", shown=progress_bar) as bar:

            def after_step(taken: Mapping[str, Any]) -> bool:
                before, self.num_timesteps = self.num_timesteps, self.model.num_timesteps
                bar.update(self.num_timesteps - before)
                if self.num_timesteps // _REPORT_EVERY > before // _REPORT_EVERY:
                    self.model.logger.dump(self.num_timesteps)
                goes_on = callback is None or callback(self) is not False
                if not goes_on:
                    self.after_stop(taken)
                return goes_on

            with self.generators() as seed:
                self._go_on_drawing(seed)
                self.model.learn(
                    total_timesteps,
                    Watcher(after_step, self._rest),
                    log_interval=None,
                    reset_num_timesteps=False,
                )
        return self

    @contextlib.contextmanager
    def generators(self) -> Iterator[int]:
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

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns the weights, the optimisers' states, the scale of rewards, and the sessions."""
        from recsim_env.agents.networks.compute import optimizer_arrays, weights_of

        scale = self.model.env.ret_rms
        optimizers = {name: optimizer_arrays(each) for name, each in self._optimizers().items()}
        variables = self._variables().items()
        return super().state_dict() | {
            "policy": weights_of(self.model.policy),
            "optimizers": optimizers,
            "variables": {name: each.detach().cpu().numpy().copy() for name, each in variables},
            "scale": np.array([scale.mean, scale.var, scale.count]),
            "learning": self._learning_state(),
        }

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned; goes on with the sessions of as many people."""
        import torch

        from recsim_env.agents.networks.compute import restore_optimizer, set_weights

        super().load_state_dict({k: value for k, value in state.items() if k not in _PARTS})
        scales = like(state, "scale", np.zeros(3))
        require_range("scale", scales[1:], low=0.0)
        set_weights(self.model.policy, flattened(part(state, "policy")))
        moments, variables = part(state, "optimizers"), part(state, "variables")
        for name, optimizer in self._optimizers().items():
            restore_optimizer(optimizer, flattened(part(moments, name)))
        for name, variable in self._variables().items():
            own = variable.detach().cpu().numpy()
            variable.data.copy_(torch.as_tensor(like(variables, name, own)))
        scale = self.model.env.ret_rms
        scale.mean, scale.var, scale.count = scales.tolist()
        self.model.num_timesteps = self.num_timesteps
        if learning := part(state, "learning"):
            self._load_learning_state(learning)

    def _optimizers(self) -> dict[str, Any]:
        """Returns the optimisers that Stable-Baselines3 would save, by name."""
        names, _ = self.model._get_torch_save_params()
        return {
            name.replace(".", "_"): operator.attrgetter(name)(self.model)
            for name in names
            if name.endswith("optimizer")
        }

    def _variables(self) -> dict[str, Any]:
        """Returns the tensors that Stable-Baselines3 would save beside the policy."""
        _, names = self.model._get_torch_save_params()
        return {name: getattr(self.model, name) for name in names}

    def kept_parts(self) -> dict[str, Any]:
        """Returns what else learning goes on with, by name: each has the two methods of a state."""
        return {}

    def _learning_state(self) -> dict[str, Any]:
        """Returns the sessions that learning is amid, and what else it goes on with."""
        from recsim_env.agents.sb3.training import people_in

        model = self.model
        if model._last_obs is None:
            return {}
        parts = {name: each.state_dict() for name, each in self.kept_parts().items()}
        return parts | {
            "environment": people_in(model).state,
            "sessions": model.env.venv.tracker.memories,
            "returns": model.env.returns,
            "episode_start": model._last_episode_starts,
            "n_updates": model._n_updates,
            "drawing": self._generator_states,
        }

    def _load_learning_state(self, state: State) -> None:
        """Takes back what `_learning_state` returned, the sessions if they are of as many people.

        Raises:
          ValueError: they cannot be of this environment, or of such an agent.
        """
        from recsim_env.agents.sb3.training import people_in

        if is_state_of(people_in(self.model), state, may_be_over=False):
            self._go_on(state)
        for name, each in self.kept_parts().items():
            each.load_state_dict(part(state, name))

    def _go_on(self, state: State) -> None:
        """Goes on with sessions of as many people as there are."""
        from recsim_env.agents.networks.compute import set_generator_states
        from recsim_env.agents.sb3.training import people_in

        model, people = self.model, people_in(self.model)
        n, tracker = people.num_envs, model.env.venv.tracker
        starts = taken(state, "episode_start")  # a bool or a float, as the last rollout left it
        flags = np.zeros(n, starts.dtype if starts.dtype == np.float32 else bool)
        sessions = like(state, "sessions", tracker.memory.begin(n))
        model.env.returns = like(state, "returns", np.zeros(n))
        model._last_episode_starts = like(state, "episode_start", flags)
        model._n_updates = whole(state, "n_updates")
        people.state = taken(state, "environment")
        seen = model.env.venv.go_on(sessions, people.observe())
        model._last_obs = model.env.normalize_obs(seen)  # a copy, as after each step
        self._generator_states = part(state, "drawing")
        if self._generator_states:
            with self.generators():  # lends them to a copy, to see that they are what they seem
                set_generator_states(self._generator_states, copy.deepcopy(model.action_space))

    def __reduce__(self) -> Any:
        """Returns how a copy is made, in this process or another: as a loaded agent is."""
        kept = {
            "num_timesteps": self.num_timesteps,
            "world": self.world,
            "generator": self.rng.bit_generator.state,
            "state": self.state_dict(),
        }
        return _copied, (type(self), self.stage, self.seed, self.settings.as_dict(), kept)


def _copied(
    kind: type[SB3Agent], env: Any, seed: int, settings: Mapping[str, Any], kept: Mapping[str, Any]
) -> SB3Agent:
    """Returns an agent that goes on as the one that it is a copy of."""
    agent = kind(env, seed=seed, **settings)
    agent.num_timesteps, agent.world = kept["num_timesteps"], kept["world"]
    agent.rng.bit_generator.state = kept["generator"]
    agent.load_state_dict(kept["state"])
    return agent
