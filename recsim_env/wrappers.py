"""Action wrappers: let any algorithm choose slates, in one environment or a batch of them.

Slates are `MultiDiscrete`, which few algorithms take. Each function here returns its environment,
single or batch, with another action space; everything else stays as it is:

    enumerate_slates       Discrete: the number of a slate, of all that there are
    score_candidates       Box: a score for every candidate, the best are shown
    point_at_items         Box: a point in the space of item features, the nearest are shown

    >>> import gymnasium, recsim_env
    >>> from recsim_env.wrappers import enumerate_slates
    >>> env = gymnasium.make("recsim_env/InterestEvolution-v0", n_candidates=5, slate_size=2)
    >>> enumerate_slates(env, ordered=False).action_space
    Discrete(10)
"""

import itertools
import math
from abc import ABC, abstractmethod
from typing import Any, TypeVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from recsim_env.scenario import Scenario

AnyEnv = TypeVar("AnyEnv", gymnasium.Env, VectorEnv)


def enumerate_slates(env: AnyEnv, *, ordered: bool = True, max_slates: int = 100_000) -> AnyEnv:
    """Returns the environment with `Discrete` actions that number all slates without repeats.

    Action a is row a of `AllSlates.table`, in lexicographic order.

    Args:
      env: single or batch, wrapped or not.
      ordered: True counts the same items in another order as another slate; False lists each set of
        items once, by ascending index.
      max_slates: refuses more than these.

    Raises:
      ValueError: there are more than `max_slates`.
    """
    return _wrap(env, AllSlates(_scenario(env), ordered=ordered, max_slates=max_slates))


def score_candidates(env: AnyEnv, *, bound: float = 1.0) -> AnyEnv:
    """Returns the environment with `Box` actions: a score for every candidate, the best are shown.

    The best stands first; among equal scores, the lower index.

    Args:
      env: single or batch, wrapped or not.
      bound: scores lie in [-bound, bound]; only their order matters.
    """
    return _wrap(env, BestScores(_scenario(env), bound=bound))


def point_at_items(env: AnyEnv, *, bound: float = 10.0) -> AnyEnv:
    """Returns the environment with `Box` actions: a point among features; the nearest are shown.

    The nearest stands first, by Euclidean distance to the rows of the observation `candidates`;
    among equal distances, the lower index.

    Args:
      env: single or batch, wrapped or not, with dict observations.
      bound: limits the Box where features have no limits, or wider ones.

    Raises:
      ValueError: the observation has no `candidates`.

    Source: Dulac-Arnold et al. 2015, "Deep reinforcement learning in large discrete action spaces"
      (arXiv 1512.07679), the proto-action and its nearest neighbours.
    Differs: the neighbours are the slate, instead of being chosen among by a critic.
    """
    space = getattr(env, "single_observation_space", env.observation_space)
    return _wrap(env, NearestItems(_scenario(env), space, bound=bound))


class ActionForm(ABC):
    """How actions of another kind become slates.

    Attributes:
      space: of one person's action.
    """

    space: spaces.Space

    @abstractmethod
    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Returns the slates that actions mean, (n, slate_size).

        Args:
          actions: (n, ...), one of `space` for each person.
          observation: the batch of observations that they answer.
        """


class AllSlates(ActionForm):
    """The number of a slate; see `enumerate_slates`.

    Attributes:
      table: (n_slates, slate_size), all slates.
    """

    def __init__(self, scenario: Scenario, *, ordered: bool, max_slates: int) -> None:
        n, k = scenario.n_candidates, scenario.slate_size
        n_slates = count_slates(scenario, ordered=ordered)
        if n_slates > max_slates:
            fewer = f" set ordered=False ({math.comb(n, k):,})," if ordered and k > 1 else ""
            raise ValueError(
                f"n_candidates={n} and slate_size={k} make {n_slates:,} slates, more than "
                f"max_slates={max_slates:,}; lower n_candidates or slate_size,{fewer} or use "
                "score_candidates"
            )
        choose = itertools.permutations if ordered else itertools.combinations
        numbers = itertools.chain.from_iterable(choose(range(n), k))
        self.table = np.fromiter(numbers, np.int64, n_slates * k).reshape(n_slates, k)
        self.space = spaces.Discrete(n_slates)

    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Looks the slates up; see `ActionForm.slates`."""
        actions = np.asarray(actions, np.int64)
        wrong = (actions < 0) | (actions >= len(self.table))
        if wrong.any():
            raise ValueError(
                f"action {actions[wrong][0]} is out of range; use 0 to {len(self.table) - 1}, "
                "the numbers of the slates"
            )
        return self.table[actions]


class BestScores(ActionForm):
    """A score for every candidate; see `score_candidates`."""

    def __init__(self, scenario: Scenario, *, bound: float) -> None:
        _require_bound(bound)
        self.slate_size = scenario.slate_size
        self.space = spaces.Box(-bound, bound, (scenario.n_candidates,), np.float32)

    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Ranks the candidates; see `ActionForm.slates`."""
        return best_candidates(_finite(actions, self.space), self.slate_size)


class NearestItems(ActionForm):
    """A point among item features; see `point_at_items`."""

    def __init__(self, scenario: Scenario, space: spaces.Space, *, bound: float) -> None:
        _require_bound(bound)
        if not isinstance(space, spaces.Dict) or "candidates" not in space.spaces:
            raise ValueError(
                f"point_at_items needs the observation 'candidates', and {type(scenario).__name__} "
                "as it is made here shows none; use flat=False and a scenario with item features, "
                "or score_candidates"
            )
        features = space["candidates"]
        if not isinstance(features, spaces.Box):
            raise TypeError(f"observation 'candidates' is {features}, not a Box")
        low, high = features.low.min(axis=0), features.high.max(axis=0)
        self.slate_size = scenario.slate_size
        self.space = spaces.Box(
            np.maximum(low, np.float32(-bound)), np.minimum(high, np.float32(bound))
        )

    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Ranks the candidates by distance; see `ActionForm.slates`."""
        points = _finite(actions, self.space)
        apart = observation["candidates"].astype(np.float64) - points[:, None, :]
        return best_candidates(-np.einsum("ncf,ncf->nc", apart, apart), self.slate_size)


def count_slates(scenario: Scenario, *, ordered: bool) -> int:
    """Returns how many slates without repeats there are."""
    count = math.perm if ordered else math.comb
    return count(scenario.n_candidates, scenario.slate_size)


def best_candidates(scores: np.ndarray, slate_size: int) -> np.ndarray:
    """Returns the best `slate_size` of each row, best first, the lower index first where equal."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :slate_size]


def _require_bound(bound: float) -> None:
    if not 0 < bound < math.inf:
        raise ValueError(f"bound={bound!r} is not allowed; use a finite number above 0")


def _finite(actions: np.ndarray, space: spaces.Space) -> np.ndarray:
    actions = np.asarray(actions, np.float64)
    if actions.shape[1:] != space.shape:
        raise ValueError(f"an action has shape {actions.shape[1:]}; use {space.shape}")
    if not np.isfinite(actions).all():
        raise ValueError("an action holds a number that is not finite")
    return actions


def _scenario(env: gymnasium.Env | VectorEnv) -> Scenario:
    scenario = getattr(env.unwrapped, "scenario", None)
    if not isinstance(scenario, Scenario):
        raise TypeError(f"{env} is not an environment of recsim_env, single or batch")
    return scenario


def _wrap(env: Any, form: ActionForm) -> Any:
    return VectorSlateWrapper(env, form) if isinstance(env, VectorEnv) else SlateWrapper(env, form)


class SlateWrapper(gymnasium.Wrapper, RecordConstructorArgs):
    """A single environment that takes actions of another form."""

    def __init__(self, env: gymnasium.Env, form: ActionForm) -> None:
        RecordConstructorArgs.__init__(self, form=form)
        super().__init__(env)
        self.form = form
        self.action_space = form.space
        self._observation: Any = None

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode, and remembers what the next action answers."""
        self._observation, info = self.env.reset(**kwargs)
        return self._observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Shows the slate that the action means."""
        seen = self._observation
        batch = {name: value[None] for name, value in seen.items()} if type(seen) is dict else None
        slate = self.form.slates(np.asarray(action)[None], batch)[0]
        result = self.env.step(slate[0] if len(slate) == 1 else slate)
        self._observation = result[0]
        return result


class VectorSlateWrapper(VectorWrapper):
    """A batch environment that takes actions of another form; autoreset stays as it is."""

    def __init__(self, env: VectorEnv, form: ActionForm) -> None:
        super().__init__(env)
        self.form = form
        self.single_action_space = form.space
        self.action_space = batch_space(form.space, env.num_envs)
        self._observation: Any = None

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """How the next episode begins, as in the environment."""
        mode: AutoresetMode = self.metadata["autoreset_mode"]
        return mode

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins episodes, and remembers what the next actions answer."""
        self._observation, infos = self.env.reset(**kwargs)
        return self._observation, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Shows the slates that the actions mean."""
        slates = self.form.slates(np.asarray(actions), self._observation)
        result = self.env.step(slates[:, 0] if slates.shape[1] == 1 else slates)
        self._observation = result[0]
        return result
