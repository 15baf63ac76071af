"""The one interface of all agents, and the loop that those of our own share."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from gymnasium.vector import AutoresetMode
from tqdm import tqdm

from recsim_env.array_file import read_arrays, write_arrays
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario, as_type_of

Observation = Mapping[str, np.ndarray]

FILE_KIND = "agent"
FILE_VERSION = 1


class UnsuitableScenario(ValueError):
    """An agent cannot work in a scenario; the message says why in a sentence."""


@dataclass(frozen=True)
class Feedback:
    """What a batch of slates led to; rows are the environments that really took a step.

    Attributes:
      observation: what the agent saw, each field (n, ...).
      slates: (n, slate_size) indices of the shown candidates.
      next_observation: what it saw next; its `response` answers these slates.
      rewards: (n,).
      is_terminal: (n,), whether the person left.
      is_over: (n,), whether the episode ended, by leaving or by the horizon.
      index: (n,), which environment each row comes from.
      attention: (n, slate_size), how likely each place was looked at, in [0, 1]; 0 where it was
        empty.
    """

    observation: Observation
    slates: np.ndarray
    next_observation: Observation
    rewards: np.ndarray
    is_terminal: np.ndarray
    is_over: np.ndarray
    index: np.ndarray
    attention: np.ndarray

    @classmethod
    def of_step(cls, scenario: Scenario, **columns: Any) -> Self:
        """Returns feedback on a step in a scenario, which says what was looked at."""
        is_shown = ~_repeats(columns["slates"])
        following = columns["next_observation"]
        if "response" in following:
            return cls(
                **columns,
                attention=scenario.attention(following["response"][:, :, 0] > 0) * is_shown,
            )
        return cls(**columns, attention=is_shown.astype(float))

    @classmethod
    def of_batch(
        cls,
        scenario: Scenario,
        observation: Observation,
        slates: np.ndarray,
        taken: tuple[Any, ...],
        is_over: np.ndarray,
    ) -> Self:
        """Returns feedback on what `env.step(slates)` returned, `taken`.

        An environment whose episode was over, `is_over`, spent the step on beginning the next one.
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
        )

    @property
    def is_shown(self) -> np.ndarray:
        """(n, slate_size), False where a slate repeats an earlier item and the place was empty."""
        return ~_repeats(self.slates)

    @property
    def place_rewards(self) -> np.ndarray:
        """(n, slate_size), the reward shared equally by the clicked places of each slate.

        Exact wherever at most one place is clicked.
        """
        clicked = self.next_observation["response"][:, :, 0] > 0
        n_clicked = np.maximum(clicked.sum(axis=1, keepdims=True), 1)
        return clicked * self.rewards[:, None] / n_clicked

    def shown(self, name: str) -> np.ndarray:
        """Returns the rows of an observation field, one per candidate, that the slates showed."""
        values = self.observation[name]
        return values[np.arange(len(values))[:, None], self.slates]


class Agent(ABC):
    """Learns from people and recommends slates to them, always in batches.

    The interface is that of Stable-Baselines3's models, so that both are interchangeable.

    Args:
      env: the environment to learn in; autoreset mode NEXT_STEP.
      seed: of the agent's own generator and of the people met while learning.

    Raises:
      UnsuitableScenario: the scenario lacks what the agent needs.
      ValueError: a setting out of range, or of another type than its default.
    """

    #: The settings that the constructor takes beside env and seed, and their defaults.
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        unknown = sorted(set(settings) - set(self.defaults))
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no setting {', '.join(unknown)}; known are "
                f"{', '.join(self.defaults) or 'none'}"
            )
        for name, value in settings.items():
            as_type_of(self.defaults[name], name, value)
        reason = self.unsuitable(env.scenario)
        if reason is not None:
            raise UnsuitableScenario(reason)
        self.env = env
        self.seed = seed
        self.settings: dict[str, Any] = dict(self.defaults) | settings
        self.rng = np.random.default_rng(seed)
        self.num_timesteps = 0

    def require(self, name: str, holds: bool, allowed: str) -> None:
        """Raises ValueError saying what is allowed for the setting `name`, unless `holds`."""
        if not holds:
            raise ValueError(f"{name}={self.settings[name]!r} is not allowed; use {allowed}")

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Returns a sentence saying why the agent cannot work in a scenario, or None."""
        return None

    @property
    def slate_size(self) -> int:
        """How many items the agent shows."""
        return self.env.scenario.slate_size

    def set_env(self, env: RecommendationVectorEnv) -> None:
        """Lets the agent act in (and, if it is privileged, look into) another environment."""
        self.env = env

    @abstractmethod
    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Learns from at least `total_timesteps` further user-steps; can be called again.

        Args:
          total_timesteps: user-steps, counted over all environments.
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
        is_single = self._is_single(observation)
        if is_single:
            observation = {name: np.asarray(value)[None] for name, value in observation.items()}
        state = self._entered(observation, state, episode_start)
        slates = self.recommend(observation, state, deterministic=deterministic)
        state = self.remember(state, observation, slates)
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
        is_single = self._is_single(observation)
        if is_single:
            observation = {name: np.asarray(value)[None] for name, value in observation.items()}
        n = len(next(iter(observation.values())))
        wanted = np.reshape(slates, (n, self.slate_size))
        state = self._entered(observation, state, episode_start)
        own, self.rng = self.rng, np.random.default_rng([self.seed, _fingerprint(observation)])
        try:
            chances = [
                self._slate_chance(observation, wanted, state, deterministic=deterministic)
                for _ in range(n_draws if self.draws_slates else 1)
            ]
        finally:
            self.rng = own
        found = np.mean(chances, axis=0)
        return np.asarray(found[0] if is_single else found)

    #: What `slate_probability` has to draw: "slates", "scores", or nothing (None).
    draws_slates: ClassVar[str | None] = "slates"

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns (n,), the chance of slates given one draw; by default whether it drew them."""
        drawn = self.recommend(observation, state, deterministic=deterministic)
        return (drawn == slates).all(axis=1).astype(float)

    def _is_single(self, observation: Observation) -> bool:
        """Returns whether an observation is one person's, without a batch axis."""
        single_space: Any = self.env.single_observation_space
        first = next(iter(observation))
        return np.ndim(observation[first]) == len(single_space[first].shape)

    def _entered(
        self, observation: Observation, state: Any, episode_start: np.ndarray | None
    ) -> Any:
        """Returns the memory with which slates are chosen; see `predict` for the arguments."""
        n = len(next(iter(observation.values())))
        if state is None:
            state, episode_start = self.begin_state(n), np.ones(n, bool)
        if episode_start is None:
            episode_start = np.zeros(n, bool)
        return self.next_state(state, observation, episode_start)

    @abstractmethod
    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns (n, slate_size) indices of candidates for a batch; see `predict`."""

    def begin_state(self, n: int) -> Any:
        """Returns the memory at the start of `n` episodes; by default none."""
        return None

    def next_state(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Returns the memory after seeing an observation; by default it stays as it is."""
        return state

    def remember(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Returns the memory after showing slates, (n, slate_size); by default it stays as it is.

        The next observation tells which of them were clicked, but no longer what they were.
        """
        return state

    # Files ---------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns what was learned as named arrays; `restore` takes them back."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned; by default that is nothing.

        Raises:
          ValueError: there is something, which would be lost.
        """
        if arrays:
            raise ValueError(
                f"{type(self).__name__} has no restore() that takes back {', '.join(arrays)}; "
                "define it beside arrays()"
            )

    def save(self, path: str | Path) -> None:
        """Writes the agent to one file of arrays and JSON (no pickles), replacing it atomically."""
        values = {
            "agent": f"{type(self).__module__}:{type(self).__qualname__}",
            "seed": self.seed,
            "settings": self.settings,
            "num_timesteps": self.num_timesteps,
            "generator": self.rng.bit_generator.state,
        }
        write_arrays(path, self.arrays(), values, kind=FILE_KIND, version=FILE_VERSION)

    @classmethod
    def load(cls, path: str | Path, env: RecommendationVectorEnv) -> Self:
        """Returns the agent that `save` wrote, acting in `env`.

        Raises:
          ValueError: the file holds something else, or another agent.
        """
        arrays, about = read_arrays(path, kind=FILE_KIND, version=FILE_VERSION)
        expected = f"{cls.__module__}:{cls.__qualname__}"
        if about["agent"] != expected:
            raise ValueError(f"{path} holds {about['agent']}, not {expected}; use load_agent")
        agent = cls(env, seed=about["seed"], **about["settings"])
        agent.num_timesteps = about["num_timesteps"]
        agent.rng.bit_generator.state = about["generator"]
        agent.restore(arrays)
        return agent


class StepwiseAgent(Agent):
    """An agent of our own: it acts, receives feedback, and shares the loop of `learn`.

    A subclass gives `scores`, and what it does with `Feedback` in `update`; both take batches.
    """

    #: How often (of slates) a uniformly random slate is shown while learning.
    exploration: float = 0.0

    #: Exact, as long as the scores are not drawn; who draws them names "scores".
    draws_slates: ClassVar[str | None] = None

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self._observation: Observation | None = None
        self._learning_env = env
        self._is_over = np.zeros(env.num_envs, bool)
        self._episode_start = np.ones(env.num_envs, bool)
        self._state: Any = None

    @abstractmethod
    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns how much the agent wants to show each candidate, (n, n_candidates)."""

    def update(self, feedback: Feedback) -> None:
        """Learns from a batch of feedback; by default not at all."""

    def begin(self) -> None:
        """Does what is to do when learning begins in an environment; by default nothing."""

    def finish(self) -> None:
        """Does what is left to do when `learn` ends; by default nothing."""

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the candidates with the highest scores, or now and then any."""
        scores = self.scores(observation, state, deterministic=deterministic)
        if self.exploration > 0 and not deterministic:
            explores = self.rng.random(len(scores)) < self.exploration
            scores = np.where(explores[:, None], 0.0, scores)
        return top_slates(scores, self.slate_size, self.rng)

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns the chance of slates given the scores, ties and uniform slates included."""
        if self.draws_slates == "slates":
            return super()._slate_chance(observation, slates, state, deterministic=deterministic)
        scores = self.scores(observation, state, deterministic=deterministic)
        chance = slate_chance(scores, slates)
        if self.exploration > 0 and not deterministic:
            uniform = slate_chance(np.zeros(scores.shape), slates)
            chance = self.exploration * uniform + (1.0 - self.exploration) * chance
        return chance

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Acts and updates in turn; see `Agent.learn`."""
        if self.env.autoreset_mode != AutoresetMode.NEXT_STEP:
            raise ValueError("learning needs an environment with autoreset_mode='NextStep'")
        if self._observation is None or self.env is not self._learning_env:
            self._learning_env = self.env
            self._observation, _ = self.env.reset(seed=self.seed)
            self._is_over = np.zeros(self.env.num_envs, bool)
            self._episode_start = np.ones(self.env.num_envs, bool)
            self._state = self.begin_state(self.env.num_envs)
            self.begin()
        goal = self.num_timesteps + total_timesteps
        quiet = None if progress_bar else True  # None: only on a terminal
        with tqdm(total=total_timesteps, unit="step", disable=quiet) as progress:
            while self.num_timesteps < goal:
                progress.update(self._learn_once(self._observation))
                if callback is not None and callback(self) is False:
                    break
        self.finish()
        return self

    def _learn_once(self, observation: Observation) -> int:
        """Shows one slate to everybody and updates; returns how many steps were really taken."""
        self._state = self.next_state(self._state, observation, self._episode_start)
        slates = self.recommend(observation, self._state, deterministic=False)
        self._state = self.remember(self._state, observation, slates)
        taken = self.env.step(slates)
        feedback = Feedback.of_batch(self.env.scenario, observation, slates, taken, self._is_over)
        self.update(feedback)
        self._episode_start = self._is_over
        self._observation, _, terminated, truncated, _ = taken
        self._is_over = terminated | truncated
        self.num_timesteps += len(feedback.index)
        return len(feedback.index)


def _fingerprint(observation: Observation) -> int:
    """Returns a number that depends on what is seen, the same in every process."""
    return zlib.crc32(b"".join(np.asarray(value).tobytes() for value in observation.values()))


def _repeats(slates: np.ndarray) -> np.ndarray:
    """Returns (n, slate_size), True where a slate holds an earlier item once more."""
    same = slates[:, :, None] == slates[:, None, :]
    return np.tril(same, -1).any(axis=2)


def top_slates(scores: np.ndarray, slate_size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the `slate_size` best candidates of each row, best first, ties in random order.

    Args:
      scores: (n, n_candidates).
      slate_size: at most n_candidates.
      rng: breaks ties.
    """
    return np.lexsort((rng.random(scores.shape), -scores))[:, :slate_size]


def slate_chance(scores: np.ndarray, slates: np.ndarray) -> np.ndarray:
    """Returns how likely `top_slates` returns these slates, (n,), over its random order of ties.

    Args:
      scores: (n, n_candidates).
      slates: (n, slate_size).
    """
    left = scores.astype(float)
    rows = np.arange(len(scores))
    chance = np.ones(len(scores))
    for place in slates.T:
        best = left == left.max(axis=1, keepdims=True)
        chance *= best[rows, place] / best.sum(axis=1)
        left[rows, place] = -np.inf
    return chance
