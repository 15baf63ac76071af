"""The loop that agents of our own share: score, show, learn from what happened."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from gymnasium.vector import AutoresetMode
from tqdm import tqdm

from recsim_env.agents.core.agent import Agent, as_steps, with_prefix
from recsim_env.agents.core.restoring import MANY, like, require_range
from recsim_env.agents.core.resuming import is_state_of
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.agents.core.world import describe_world
from recsim_env.envs import RecommendationVectorEnv

# What the names of parts of the memory begin with in `progress`.
_MEMORY = "memory."

# The other parts of `progress`.
_WHERE = ("environment", "is_over", "episode_start")


class Listener(Protocol):
    """Is told what an agent does while it learns."""

    def begin(self) -> None:
        """Notes that everybody's session begins anew."""

    def on_transition(self, feedback: Transition, propensity: np.ndarray) -> None:
        """Hears of a batch of steps, and how likely their slates were, (n,)."""


class OnlineAgent(Agent):
    """An agent of our own: it acts, receives feedback, and shares the loop of `learn`.

    A subclass gives `scores`, and what it does with `Transition` in `update`; both take batches.
    """

    #: How often (of slates) a uniformly random slate is shown while learning.
    exploration: float = 0.0

    #: Exact, as long as the scores are not drawn; who draws them names "scores".
    draws_slates: ClassVar[str | None] = None

    #: Who else is told what is done while learning.
    listener: Listener | None = None

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self._observation: Observation | None = None
        self._learning_env = self.env
        self._is_over = np.zeros(self.env.num_envs, bool)
        self._episode_start = np.ones(self.env.num_envs, bool)
        self._state: Any = None
        self._progress: Mapping[str, np.ndarray] = {}

    @abstractmethod
    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns how much the agent wants to show each candidate, (n, n_candidates)."""

    def exploration_after(self, n_steps: int) -> float:
        """Returns `exploration` after so many interactions; by default it stays as it is."""
        return self.exploration

    def update(self, feedback: Transition) -> None:
        """Learns from a batch of feedback; by default not at all."""

    def begin(self) -> None:
        """Does what is to do when learning begins in an environment; by default nothing."""

    def finish(self) -> None:
        """Does what is left to do when `learn` ends; by default nothing."""

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the candidates with the highest scores, or now and then any."""
        scores = self._known_scores(observation, state, deterministic=deterministic)
        if self.exploration > 0 and not deterministic:
            explores = self.rng.random(len(scores)) < self.exploration
            scores = np.where(explores[:, None], 0.0, scores)
        return top_slates(scores, self.slate_size, self.rng)

    def _known_scores(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns `scores`; raises ValueError for a wrong shape, or NaN, which would be chance."""
        scores = self.scores(observation, state, deterministic=deterministic)
        shape = (len(next(iter(observation.values()))), self.env.scenario.n_candidates)
        if np.shape(scores) != shape:
            raise ValueError(
                f"{type(self).__name__}.scores() returned an array of shape {np.shape(scores)}; "
                f"return {shape}, a score for each candidate of each person"
            )
        if np.isnan(scores).any():
            raise ValueError(
                f"{type(self).__name__}.scores() returned NaN, of what it saw or of what it "
                "learned; neither may be NaN"
            )
        return scores

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns the chance of slates given the scores, ties and uniform slates included."""
        if self.draws_slates == "slates":
            return super()._slate_chance(observation, slates, state, deterministic=deterministic)
        scores = self._known_scores(observation, state, deterministic=deterministic)
        chance = slate_chance(scores, slates)
        if self.exploration > 0 and not deterministic:
            uniform = slate_chance(np.zeros(scores.shape), slates)
            chance = self.exploration * uniform + (1.0 - self.exploration) * chance
        return chance

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Acts and updates in turn; see `Agent.learn`."""
        total_timesteps = as_steps(total_timesteps)
        if self.env.autoreset_mode != AutoresetMode.NEXT_STEP:
            raise ValueError("learning needs an environment with autoreset_mode='NextStep'")
        if not self._go_on() and (self._observation is None or self.env is not self._learning_env):
            self._observation, _ = self.stage.reset(seed=self.seed)
            self._is_over = np.zeros(self.env.num_envs, bool)
            self._episode_start = np.ones(self.env.num_envs, bool)
            self._state = self.begin_state(self.env.num_envs)
            self.begin()
            if self.listener is not None:
                self.listener.begin()
        self._learning_env, self.world = self.env, describe_world(self.env.scenario)
        goal = self.num_timesteps + total_timesteps
        quiet = None if progress_bar else True  # None: only on a terminal
        with tqdm(total=total_timesteps, unit="step", disable=quiet) as progress:
            while self.num_timesteps < goal:
                progress.update(self._learn_once())
                if callback is not None and callback(self) is False:
                    break
                if self.on_rest is not None and self.num_timesteps < goal:
                    self.on_rest()
        self.finish()
        return self

    def progress(self) -> dict[str, np.ndarray]:
        """Returns the sessions that learning is amid; see `Agent.progress`."""
        if self._observation is None:
            return dict(self._progress)
        memory = {f"{_MEMORY}{place}": part for place, part in enumerate(_leaves(self._state))}
        return memory | {
            "environment": self._learning_env.state,
            "is_over": self._is_over,
            "episode_start": self._episode_start,
        }

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Keeps the sessions for the next `learn`, and nothing that subclasses took back.

        Sessions of another number of people are not gone on with.
        """
        kept = {name: progress[name] for name in _WHERE if name in progress}
        kept |= {k: value for k, value in progress.items() if k.startswith(_MEMORY)}
        if kept:
            goes_on = is_state_of(self.env, kept)
            kept = self._checked(kept) if goes_on else {}
        self._progress = kept
        self.exploration = self.exploration_after(self.num_timesteps)

    def _checked(self, kept: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns sessions of as many people as there are.

        Raises:
          ValueError: they cannot be of this environment, or of such an agent.
        """
        flags = np.zeros(self.env.num_envs, bool)
        found = {"environment": kept["environment"]}
        for name in ("is_over", "episode_start"):
            found[name] = like(kept, name, flags)
        parts = _leaves(self.begin_state(self.env.num_envs))
        for place, model in enumerate(parts):
            name = f"{_MEMORY}{place}"
            found[name] = like(kept, name, model)
            if model.dtype.kind == "i":
                require_range(name, found[name], low=-1, high=self.memory_bound() - 1)
        return found

    def memory_bound(self) -> int:
        """Returns what the whole numbers in the memory of a session, -1 being none, stay below."""
        return MANY

    def _go_on(self) -> bool:
        """Goes on with the sessions of a loaded agent, if they are of such an environment."""
        kept, self._progress = self._progress, {}
        if not kept or kept["environment"].shape != (self.env.num_envs,):
            return False
        self.env.state = kept["environment"]
        self._observation = self.env.observe()
        self._is_over, self._episode_start = kept["is_over"], kept["episode_start"]
        memory = with_prefix(kept, _MEMORY)
        parts = iter([memory[str(place)] for place in range(len(memory))])
        self._state = _rebuilt(self.begin_state(self.env.num_envs), parts)
        return True

    def _learn_once(self) -> int:
        """Shows one slate to everybody and updates; returns how many steps were really taken."""
        observation = self._observation
        assert observation is not None
        self._state = self.next_state(self._state, observation, self._episode_start)
        slates = self.recommend(observation, self._state, deterministic=False)
        propensity = np.empty(0)
        if self.listener is not None:
            propensity = self._slate_chance(observation, slates, self._state, deterministic=False)
        self._state = self.remember(self._state, observation, slates)
        taken = self.stage.step(slates)
        feedback = Transition.of_batch(self.env.scenario, observation, slates, taken, self._is_over)
        self.update(feedback)
        if self.listener is not None:
            self.listener.on_transition(feedback, propensity[feedback.index])
        self._episode_start = self._is_over
        self._observation, _, terminated, truncated, _ = taken
        self._is_over = terminated | truncated
        self.num_timesteps += len(feedback.index)
        self.exploration = self.exploration_after(self.num_timesteps)
        return len(feedback.index)


def _leaves(state: Any) -> list[np.ndarray]:
    """Returns the arrays of a memory, which is None, an array, or a tuple of memories."""
    if state is None:
        return []
    return (
        [leaf for part in state for leaf in _leaves(part)] if isinstance(state, tuple) else [state]
    )


def _rebuilt(like: Any, leaves: Iterator[np.ndarray]) -> Any:
    """Returns a memory made like another, of the arrays that `_leaves` returned."""
    if like is None:
        return None
    if isinstance(like, tuple):
        return type(like)(*(_rebuilt(part, leaves) for part in like))
    return next(leaves)


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
