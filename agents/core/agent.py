"""The one interface of all agents: learn, predict, say how likely, save and load."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from recsim_env.agents.core import acting
from recsim_env.agents.core.agent_file import read_agent, write_agent
from recsim_env.agents.core.memories import check_memory, check_starts
from recsim_env.agents.core.requirements import UnsuitableScenario, first_lack
from recsim_env.agents.core.restoring import MANY, State
from recsim_env.agents.core.session import Memory
from recsim_env.agents.core.settings import AgentSettings
from recsim_env.agents.core.sight import Sight, sighted
from recsim_env.agents.core.slate_distribution import (
    Listed,
    Propensities,
    SlateDistribution,
    mean_propensities,
)
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.core.world import describe_world, difference, require_alike
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.arguments import as_count, as_seed, as_switch
from recsim_env.formats.html_table import html_table


class Agent(ABC):
    """Learns from people and recommends slates to them, always in batches.

    The interface is that of Stable-Baselines3's models, so that both are interchangeable.

    Args:
      env: the environment to learn in; autoreset mode NEXT_STEP. Wrappers that only watch or
        transform rewards, single environments and Gymnasium's own batches of them are taken as
        `agents.core.acting.people_of` says.
      seed: of the agent's own generator and of the people met while learning.
      rng: a generator of somebody else's to draw from; by default one of its own.
      **settings: the fields of `Settings`.

    Attributes:
      settings: all of them, as a frozen dataclass.
      env: the batch of people among whom it acts.
      stage: through what it steps them: `env`, or what watches it and says what is earned.
      sight: what it sees of them beyond what they show, if it does; `env` is a twin then.
      world: what scenario it learned in last; see `agents.core.world`.
      memory: what it remembers within a session, if it does.
      monitor: called now and then while learning with losses by name, and `num_timesteps`.
      on_rest: called by `learn` wherever the agent, saved and loaded, would go on exactly as it
        does; what it raises ends learning there.

    Raises:
      UnsuitableScenario: the scenario lacks what the agent needs.
      TypeError: `env` is no environment that agents can act in.
      ValueError: a setting out of range, or of another type than its default.
    """

    #: The settings that the constructor takes beside env and seed: names, types, ranges, defaults.
    Settings: ClassVar[type[AgentSettings]] = AgentSettings
    settings: AgentSettings

    #: What a scenario must have, by names in `requirements.REQUIREMENTS`.
    requires: ClassVar[tuple[str, ...]] = ()

    #: Whether it refuses observations that leave out a field, of which it would say nothing.
    needs_every_field: ClassVar[bool] = False

    #: Whether it looks into the people it serves, and so must be in their very environment.
    is_privileged: ClassVar[bool] = False

    #: Prefixes of the names of saved arrays that may hold infinite numbers.
    infinite: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        env: RecommendationVectorEnv,
        *,
        seed: int = 0,
        rng: np.random.Generator | None = None,
        **settings: Any,
    ) -> None:
        self.settings = self.Settings.of(type(self).__name__, settings)
        self._enter(env)
        self.world: Mapping[str, Any] = describe_world(self.env.scenario)
        self.seed = as_seed(seed)
        self.rng = np.random.default_rng(self.seed) if rng is None else rng
        self.num_timesteps = 0
        self.memory: Memory | None = None
        self.monitor: Callable[[Mapping[str, float], int], None] | None = None
        self.on_rest: Callable[[], None] | None = None

    def __repr__(self) -> str:
        scenario = self.world["scenario"].rpartition(":")[2]
        return f"<{type(self).__name__} in {scenario}, {self._experience()}>"

    def _experience(self) -> str:
        return (
            f"learned from {self.num_timesteps:,} interactions" if self.learns else "learns nothing"
        )

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: where it learned, and its settings."""
        world = self.world["scenario"].rpartition(":")[2]
        head = f"{type(self).__name__} in {world}: {self._experience()}, seed {self.seed}"
        rows = [[name, str(value)] for name, value in self.settings.as_dict().items()]
        return html_table(head, [], rows)

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Returns a sentence saying why the agent cannot work in a scenario, or None."""
        return first_lack(cls.__name__, cls.requires, scenario)

    #: Whether `learn` changes what it shows; references do not learn.
    learns: ClassVar[bool] = True

    @property
    def slate_size(self) -> int:
        """How many items the agent shows."""
        return self.env.scenario.slate_size

    def set_env(self, env: RecommendationVectorEnv, *, another_world: bool = False) -> None:
        """Lets the agent act in (and, if it is privileged, look into) another environment.

        Args:
          env: made like the one it is in, or the one it learned in; horizon, number of people and
            seeds may be others. Until it has learned anything, only the shapes must be the same.
          another_world: True lets it act in another world, where what is seen and shown has the
            same shapes: to study transfer, or how sensitive a policy is to what people are like.

        Raises:
          UnsuitableScenario: the scenario lacks what the agent needs.
          TypeError: as in the constructor.
          ValueError: it is another world; the message says in what it differs.
        """
        people, _ = acting.people_of(env)
        scenario = sighted(people.scenario) if self.settings.sees_state else people.scenario
        if scenario != self.env.scenario:
            here = describe_world(scenario)
            if difference(describe_world(self.env.scenario), here):
                is_free = another_world or not self.knows_its_world
                require_alike(self.world, here, another_world=is_free)
                self.world = self.world if self.knows_its_world else here
        self._enter(env)

    @property
    def knows_its_world(self) -> bool:
        """Whether what it knows is of one world; by default as soon as it has learned."""
        return self.num_timesteps > 0

    def _enter(self, env: Any) -> None:
        """Acts in an environment from now on."""
        people, stage = acting.people_of(env)
        looks = self.is_privileged or self.settings.sees_state
        if looks and acting.stands_for_others(env):
            raise TypeError(
                f"{type(self).__name__} looks into the people whom it serves, and cannot in "
                f"{type(env).__name__}; give it the batch that gymnasium.make_vec makes without "
                "vectorization_mode"
            )
        reason = self.unsuitable(people.scenario)
        if reason is not None:
            raise UnsuitableScenario(reason)
        self.env, self.stage, self.sight = people, stage, None
        if self.settings.sees_state and not people.scenario.observe_state:
            self.sight = Sight(people, stage)
            self.env, self.stage = self.sight.env, self.sight.stage

    @abstractmethod
    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Learns from at least `total_timesteps` further interactions; can be called again.

        Args:
          total_timesteps: interactions, counted over all environments; a whole number.
          callback: called after each batch of steps with the agent; False ends learning.
          progress_bar: whether to show progress on a terminal.
        """

    def predict(
        self,
        observation: Observation,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """Returns a slate for every observation, and the state to pass along next time.

        Args:
          observation: each field (n, ...), or one unbatched observation.
          state: what the last call returned, for agents that remember within an episode.
          episode_start: (n,), whether an episode has just begun.
          deterministic: True serves the best the agent knows; False also explores, as in `learn`.

        Returns:
          (n, slate_size) indices of candidates, (n,) where the slate is one item, without the
          leading axis where the observation had none; and the state.
        """
        deterministic = as_switch("deterministic", deterministic)
        observation, is_single = self._batched(observation)
        try:
            state = self._entered(observation, state, episode_start)
            slates = self.recommend(observation, state, deterministic=deterministic)
            state = self.remember(state, observation, slates)
        except KeyError as error:
            self._explain_lack(error, observation)
            raise
        slates = slates[:, 0] if self.slate_size == 1 else slates
        return (slates[0] if is_single else slates), state

    def slate_probability(
        self,
        observation: Observation,
        slates: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        *,
        deterministic: bool = False,
        n_draws: int = 1_000,
    ) -> np.ndarray:
        """Returns how likely `predict`, called with the same arguments, would show these slates.

        It is the propensity that a log needs, of the slate in its order. Where `draws_slates` is
        None it is exact. Else it is the mean over `n_draws` draws of a generator of its own, of
        what that names: "scores" (the chance of the slate given the drawn scores), or "slates"
        (whether the very slate was drawn, which is rarely so where there are many). The same
        observation has the same draws, so that the chances of all slates add up to 1; others have
        others, so that errors average out over a log.

        Args:
          observation, state, episode_start, deterministic: as in `predict`.
          slates: (n, slate_size) or (n,) indices of candidates, of one observation (slate_size,) or
            one index.
          n_draws: how many draws; ignored where it is exact.

        Returns:
          (n,), or a single number for one unbatched observation.
        """
        observation, is_single = self._batched(observation)
        n = _n_of(observation)
        wanted = acting.indices_of(slates, n, self.env.scenario)
        state = self._entered(observation, state, episode_start)
        found = self.propensity(
            observation, wanted, state, deterministic=deterministic, n_draws=n_draws
        )
        return np.asarray(found[0] if is_single else found)

    def propensity(
        self,
        observation: Observation,
        slates: np.ndarray,
        state: Any,
        *,
        deterministic: bool = False,
        n_draws: int,
    ) -> np.ndarray:
        """Returns how likely `recommend` would show slates, (n,); see `slate_probability`."""
        with self._drawing_for(observation, n_draws) as n:
            chances = [
                self._slate_chance(observation, slates, state, deterministic=deterministic)
                for _ in range(n)
            ]
        return np.asarray(np.mean(chances, axis=0))

    def place_propensities(
        self,
        observation: Observation,
        slates: np.ndarray,
        state: Any,
        *,
        deterministic: bool = False,
        n_draws: int = 1_000,
    ) -> Propensities:
        """Returns how likely `recommend` would show slates, in whole and place by place.

        Args:
          observation, slates, state, deterministic, n_draws: as for `slate_probability`, of a
            batch; the state is that before the slates are shown.
        """
        observation, _ = self._batched(observation)
        check_memory(state, self.begin_state(0), _n_of(observation))
        with self._drawing_for(observation, n_draws) as n:
            return mean_propensities(
                lambda: self._slate_distribution(observation, state, deterministic=deterministic),
                slates,
                n,
            )

    @contextlib.contextmanager
    def _drawing_for(self, observation: Observation, n_draws: int) -> Iterator[int]:
        """Lends itself a generator that follows from what is seen; yields how often to draw."""
        n_draws = as_count("n_draws", n_draws, allowed="at least 1")
        seed = [self.seed, acting.fingerprint(observation)]
        own, self.rng = self.rng, np.random.default_rng(seed)
        try:
            yield n_draws if self.draws_slates else 1
        finally:
            self.rng = own

    #: What `slate_probability` has to draw: "slates", "scores", or nothing (None).
    draws_slates: ClassVar[str | None] = "slates"

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns (n,), the chance of slates given one draw."""
        return self._slate_distribution(observation, state, deterministic=deterministic).slate(
            slates
        )

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns what may be shown given one draw; by default the very slates that it drew."""
        drawn = self.recommend(observation, state, deterministic=deterministic)
        return Listed(drawn[:, None], len(drawn), self.env.scenario.n_candidates)

    def _batched(self, observation: Observation) -> tuple[Observation, bool]:
        """Returns what is seen with an axis for the people, and whether it had none."""
        space: Any = self.env.single_observation_space
        name = type(self).__name__
        seen, is_single = acting.batched(observation, space, name)
        seen = seen if self.sight is None else self.sight.of(seen, name)
        for field in space.spaces if self.needs_every_field else ():
            if field not in seen:
                raise acting.lack_of(field, name)
        return seen, is_single

    def _explain_lack(self, error: KeyError, observation: Observation) -> None:
        """Raises ValueError where the error is that a field of the observation was left out."""
        space: Any = self.env.single_observation_space
        for name in error.args:
            if name in space.spaces and name not in observation:
                raise acting.lack_of(name, type(self).__name__) from error

    def _entered(
        self, observation: Observation, state: Any, episode_start: np.ndarray | None
    ) -> Any:
        """Returns the memory with which slates are chosen; see `predict` for the arguments."""
        n = _n_of(observation)
        check_starts(episode_start, n)
        if state is None:
            state, episode_start = self.begin_state(n), np.ones(n, bool)
        else:
            check_memory(state, self.begin_state(0), n)
        if episode_start is None:
            episode_start = np.zeros(n, bool)
        return self.next_state(state, observation, episode_start)

    @abstractmethod
    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns (n, slate_size) indices of candidates for a batch; see `predict`."""

    def begin_state(self, n: int) -> Any:
        """Returns the memory at the start of `n` episodes; by default that of `memory`, if any."""
        return None if self.memory is None else self.memory.begin(n)

    def next_state(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Returns the memory after seeing an observation; it is empty where an episode begins."""
        return state if self.memory is None else self.memory.next(state, observation, episode_start)

    def remember(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Returns the memory after showing slates, (n, slate_size).

        The next observation tells which of them were clicked, but no longer what they were.
        """
        return state if self.memory is None else self.memory.showing(state, observation, slates)

    def memory_bound(self) -> int:
        """Returns what the whole numbers in the memory of a session, -1 being none, stay below."""
        return MANY

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns all that the agent knows beside its settings, as nested dicts of arrays.

        That is what was learned and, under "learning", how learning stands: the sessions it is
        amid, say. An agent that takes it back goes on as if it had not been saved; without
        "learning" it begins new sessions. A subclass adds what it learned to what its base returns.
        """
        return {}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned, where it fits the environment.

        A subclass takes what it added, and hands the rest to its base (see `restoring.split`).

        Raises:
          ValueError: something is missing, does not fit, or would be lost.
        """
        if state:
            raise ValueError(
                f"{type(self).__name__} has no load_state_dict() that takes back "
                f"{', '.join(state)}; define it beside state_dict()"
            )

    def save(self, path: str | Path, *, notes: Mapping[str, Any] | None = None) -> None:
        """Writes the agent to one file of arrays and JSON (no pickles), replacing it atomically.

        An agent that is loaded into an environment made like its own learns on as it would have.

        Args:
          path: the file; its folder must exist.
          notes: what else the file shall tell, as JSON values.
        """
        write_agent(self, path, notes or {})

    @classmethod
    def load(
        cls,
        path: str | Path,
        env: RecommendationVectorEnv,
        *,
        another_world: bool = False,
        **changes: Any,
    ) -> Self:
        """Returns the agent that `save` wrote, acting in `env`.

        Args:
          path: of the file.
          env: where it acts, and learns on; made like the one that it learned in, see `set_env`.
          another_world: as in `set_env`.
          changes: settings other than the agent was saved with; `device="cpu"`, say, where there
            is no GPU. A `network` that is somebody's own code has to be named again.

        Raises:
          UnsuitableScenario, TypeError: as in the constructor.
          ValueError: the file holds something else, or another agent, is damaged, or is of an agent
            that learned in another world.
        """
        return read_agent(cls, path, env, changes, another_world=another_world)

    @classmethod
    def blank(cls, env: RecommendationVectorEnv, *, seed: int, **settings: Any) -> Self:
        """Returns an agent that `load` puts what it reads into; by default a new one."""
        return cls(env, seed=seed, **settings)


def _n_of(observation: Observation) -> int:
    """Returns how many people are seen."""
    return len(next(iter(observation.values())))
