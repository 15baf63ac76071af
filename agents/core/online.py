"""Agents that learn as they serve: score, show, learn from what happened."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np

from recsim_env.agents.core import acting
from recsim_env.agents.core.agent import Agent
from recsim_env.agents.core.arguments import as_steps
from recsim_env.agents.core.interaction import Interaction
from recsim_env.agents.core.restoring import State, part
from recsim_env.agents.core.slate_distribution import Mixture, Ranked, SlateDistribution
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.agents.core.world import describe_world
from recsim_env.envs import RecommendationVectorEnv

# Beyond all scores.
_BEYOND = 1e15


class OnlineAgent(Agent):
    """Base class of agents that score candidates, and learn from every batch of steps.

    A subclass gives `scores`, and what it does with a `Transition` in `update`; both take batches.

    Attributes:
      exploration: how often (of slates) a uniformly random slate is shown while learning.
      interaction: the sessions that it is amid.
    """

    #: Whether its exploration follows a plan of its own.
    has_schedule: ClassVar[bool] = False

    #: Exact, as long as the scores are not drawn; who draws them names "scores".
    draws_slates: ClassVar[str | None] = None

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.exploration = self.settings.share_after(0)
        self.interaction = Interaction(self)

    @abstractmethod
    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns how much the agent wants to show each candidate, (n, n_candidates)."""

    def update(self, transition: Transition) -> None:
        """Learns from a batch of steps; by default not at all.

        The batch is empty where all environments spent the step on beginning an episode.
        """

    def begin(self) -> None:
        """Does what is to do when learning begins in an environment; by default nothing."""

    def finish(self) -> None:
        """Does what is left to do when `learn` ends; by default nothing."""

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the candidates with the highest scores, or now and then any."""
        scores = self._known_scores(observation, state, deterministic=deterministic)
        wasted = acting.wasted(self.env, observation)
        return self._shown(scores, 0.0 if deterministic else self.exploration, wasted)

    def logged(
        self, observation: Observation, state: Any, *, exploration: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns slates of which another share than the agent's own is uniform.

        Args:
          observation, state: as for `recommend`.
          exploration: the share.

        Returns:
          (n, slate_size) slates; and (n,), how likely they were, exactly if `draws_slates` is None.
        """
        scores = self._known_scores(observation, state, deterministic=False)
        wasted = acting.wasted(self.env, observation)
        slates = self._shown(scores, exploration, wasted)
        return slates, self._distribution(scores, exploration, wasted).slate(slates)

    def _shown(self, scores: np.ndarray, share: float, wasted: np.ndarray | None) -> np.ndarray:
        """Returns the slates of the highest scores, of which a share is uniform instead.

        What would leave its place empty comes last.
        """
        if share > 0:
            explores = self.rng.random(len(scores)) < share
            scores = np.where(explores[:, None], 0.0, scores)
        return top_slates(lowered(scores, wasted), self.slate_size, self.rng)

    def _distribution(
        self, scores: np.ndarray, share: float, wasted: np.ndarray | None
    ) -> SlateDistribution:
        """Returns what `_shown` may show."""
        best = Ranked(lowered(scores, wasted), self.slate_size)
        if share <= 0:
            return best
        uniform = Ranked(lowered(np.zeros(scores.shape), wasted), self.slate_size)
        return Mixture(share, uniform, best)

    def _known_scores(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns `scores`, checked."""
        scores = self.scores(observation, state, deterministic=deterministic)
        shape = (len(next(iter(observation.values()))), self.env.scenario.n_candidates)
        return checked_scores(scores, shape, type(self).__name__)

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns the slates that the scores allow, ties and uniform slates included."""
        if self.draws_slates == "slates":
            return super()._slate_distribution(observation, state, deterministic=deterministic)
        scores = self._known_scores(observation, state, deterministic=deterministic)
        wasted = acting.wasted(self.env, observation)
        return self._distribution(scores, 0.0 if deterministic else self.exploration, wasted)

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Acts and updates in turn; see `Agent.learn`."""
        for _ in collect(self, total_timesteps, callback=callback, progress_bar=progress_bar):
            pass
        return self

    def enter(self) -> bool:
        """Goes on with the sessions under way, or begins new ones; returns whether they are new."""
        is_new = self.interaction.enter()
        self.world = describe_world(self.env.scenario)
        if is_new:
            self.begin()
        return is_new

    def on_transition(self, transition: Transition) -> None:
        """Learns from a batch of steps, and counts them."""
        self.update(transition)
        self.num_timesteps += len(transition.index)
        self.exploration = self.settings.share_after(self.num_timesteps)

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned, and the sessions that learning is amid."""
        sessions = self.interaction.state_dict()
        return super().state_dict() | {"learning": {"sessions": sessions} if sessions else {}}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        super().load_state_dict({k: value for k, value in state.items() if k != "learning"})
        self.interaction.load_state_dict(part(part(state, "learning"), "sessions"))
        self.exploration = self.settings.share_after(self.num_timesteps)


def collect(
    behaviour: OnlineAgent,
    total_timesteps: int,
    *,
    exploration: float | None = None,
    learner: Agent | None = None,
    callback: Any = None,
    progress_bar: bool = False,
) -> Iterator[Transition]:
    """Lets an agent act and learn, and yields each batch of steps: what others can learn from.

    Args:
      behaviour: whose slates are shown.
      total_timesteps, callback, progress_bar: as in `Agent.learn`.
      exploration: share of uniform slates; then the steps tell propensities, too. By default the
        agent explores as it does, and they do not.
      learner: who learns of the steps, if it is another, as for `Interaction.run`.
    """
    total = as_steps(total_timesteps)

    def policy(observation: Observation, state: Any) -> tuple[np.ndarray, np.ndarray]:
        return behaviour.logged(observation, state, exploration=exploration or 0.0)

    behaviour.enter()
    for transition in behaviour.interaction.run(
        total,
        callback,
        progress_bar,
        policy=None if exploration is None else policy,
        learner=learner,
    ):
        behaviour.on_transition(transition)
        yield transition
    behaviour.finish()


def checked_scores(scores: np.ndarray, shape: tuple[int, int], agent: str) -> np.ndarray:
    """Returns scores of candidates as they are.

    Raises:
      ValueError: they have another shape, or hold NaN, which would be chance.
    """
    if np.shape(scores) != shape:
        raise ValueError(
            f"{agent}.scores() returned an array of shape {np.shape(scores)}; "
            f"return {shape}, a score for each candidate of each person"
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"{agent}.scores() returned NaN, of what it saw or of what it "
            "learned; neither may be NaN"
        )
    return scores


def lowered(scores: np.ndarray, wasted: np.ndarray | None) -> np.ndarray:
    """Returns scores in which what would leave its place empty comes last, in its order."""
    if wasted is None:
        return scores
    finite = np.nan_to_num(scores, posinf=_BEYOND, neginf=-_BEYOND)
    return np.where(wasted, finite - _BEYOND - finite.max(axis=1, keepdims=True), finite)


def top_slates(scores: np.ndarray, slate_size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the `slate_size` best candidates of each row, best first, ties in random order.

    Args:
      scores: (n, n_candidates).
      slate_size: at most n_candidates.
      rng: breaks ties.
    """
    return np.lexsort((rng.random(scores.shape), -scores))[:, :slate_size]
