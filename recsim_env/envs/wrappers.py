"""Action wrappers: let any algorithm choose slates, in one environment or a batch of them.

Slates are `MultiDiscrete`, which few algorithms take. Each function here returns its environment,
single or batch, with another action space; everything else stays as it is:

    enumerate_slates       Discrete: the number of a slate, of all that there are
    score_candidates       Box: a score for every candidate, the best are shown
    point_at_items         Box: a point in the space of item features, the nearest are shown

    >>> import gymnasium, recsim_env
    >>> from recsim_env.envs.wrappers import enumerate_slates
    >>> env = gymnasium.make("recsim_env/InterestEvolution-v0", n_candidates=5, slate_size=2)
    >>> enumerate_slates(env, ordered=False).action_space
    Discrete(10)
"""

import copy
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec, WrapperSpec
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import as_type_of
from recsim_env.envs.arguments import as_array, as_count, as_indices, as_switch

#: Numbers of actions fit 32 bits, so that what is computed from them stays finite.
_LARGEST = float(np.finfo(np.float32).max)

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
    form = AllSlates(_scenario(env), ordered=ordered, max_slates=max_slates)
    return _wrap(env, form, enumerate_slates, ordered=form.is_ordered, max_slates=form.max_slates)


def score_candidates(env: AnyEnv, *, bound: float = 1.0) -> AnyEnv:
    """Returns the environment with `Box` actions: a score for every candidate, the best are shown.

    The best stands first; among equal scores, the lower index.

    Args:
      env: single or batch, wrapped or not.
      bound: scores lie in [-bound, bound]; only their order matters, beyond it too.
    """
    form = BestScores(_scenario(env), bound=bound)
    return _wrap(env, form, score_candidates, bound=form.bound)


def point_at_items(env: AnyEnv, *, bound: float = 10.0) -> AnyEnv:
    """Returns the environment with `Box` actions: a point among features; the nearest are shown.

    The nearest stands first, by Euclidean distance to the rows of the observation `candidates`;
    among equal distances, the lower index.

    Args:
      env: single or batch, wrapped or not, with dict observations.
      bound: limits the Box where features have no limits, or wider ones; a point beyond it is
        taken as it is.

    Raises:
      ValueError: the observation has no `candidates`.

    Source: Dulac-Arnold et al. 2015, "Deep reinforcement learning in large discrete action spaces"
      (arXiv 1512.07679), the proto-action and its nearest neighbours.
    Differs: the neighbours are the slate, instead of being chosen among by a critic.
    """
    space = getattr(env, "single_observation_space", env.observation_space)
    form = NearestItems(_scenario(env), space, bound=bound)
    return _wrap(env, form, point_at_items, bound=form.bound)


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

        Raises:
          ValueError: actions of another kind or shape, or one that means no slate.
        """

    def masks(self, can_be_shown: np.ndarray) -> np.ndarray:
        """Returns which actions mean slates without places that stay empty, (n, n_actions).

        Where every action leaves one empty, all are as good.

        Args:
          can_be_shown: (n, n_candidates), bool.

        Raises:
          TypeError: actions are not counted, but are points of a Box.
        """
        raise TypeError(
            f"actions here are points of {self.space}, which cannot be masked; use "
            "enumerate_slates, or the environment as it is"
        )


class AllSlates(ActionForm):
    """The number of a slate; see `enumerate_slates`.

    Attributes:
      table: (n_slates, slate_size), all slates.
    """

    def __init__(self, scenario: Scenario, *, ordered: bool, max_slates: int) -> None:
        self.is_ordered = as_switch("ordered", ordered)
        self.max_slates = as_count("max_slates", max_slates, allowed="at least 1")
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
        actions = as_indices(actions)
        if actions.ndim != 1:
            raise ValueError(
                f"an action has shape {actions.shape[1:]}; use one number of a slate for each "
                "environment"
            )
        wrong = (actions < 0) | (actions >= len(self.table))
        if wrong.any():
            raise ValueError(
                f"action {actions[wrong][0]} (environment {wrong.argmax()}) is out of range; use "
                f"0 to {len(self.table) - 1}, the numbers of the slates"
            )
        return self.table[actions.astype(np.int64)]

    def masks(self, can_be_shown: np.ndarray) -> np.ndarray:
        """Returns which slates hold only what can be shown; see `ActionForm.masks`."""
        are_whole: np.ndarray = np.all(can_be_shown[:, self.table], axis=2)
        are_whole[~are_whole.any(axis=1)] = True
        return are_whole


class BestScores(ActionForm):
    """A score for every candidate; see `score_candidates`."""

    def __init__(self, scenario: Scenario, *, bound: float) -> None:
        self.bound = _as_bound(bound)
        self.slate_size = scenario.slate_size
        self.space = spaces.Box(-self.bound, self.bound, (scenario.n_candidates,), np.float32)

    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Ranks the candidates; see `ActionForm.slates`."""
        return best_candidates(_finite(actions, self.space), self.slate_size)


class NearestItems(ActionForm):
    """A point among item features; see `point_at_items`."""

    def __init__(self, scenario: Scenario, space: spaces.Space, *, bound: float) -> None:
        self.bound = _as_bound(bound)
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
            np.maximum(low, np.float32(-self.bound)), np.minimum(high, np.float32(self.bound))
        )

    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Ranks the candidates by distance; see `ActionForm.slates`."""
        points = _finite(actions, self.space)
        candidates = observation["candidates"].astype(np.float64)
        if len(points) != len(candidates):  # NumPy would show what one point means to everybody
            raise ValueError(f"{len(points)} actions for {len(candidates)} environments")
        apart = candidates - points[:, None, :]
        return best_candidates(-np.einsum("ncf,ncf->nc", apart, apart), self.slate_size)


def count_slates(scenario: Scenario, *, ordered: bool) -> int:
    """Returns how many slates without repeats there are."""
    count = math.perm if ordered else math.comb
    return count(scenario.n_candidates, scenario.slate_size)


def best_candidates(scores: np.ndarray, slate_size: int) -> np.ndarray:
    """Returns the best `slate_size` of each row, best first, the lower index first where equal."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :slate_size]


def _as_bound(bound: Any) -> float:
    value = float(as_type_of(1.0, "bound", bound))
    if not 0 < value <= _LARGEST:
        raise ValueError(f"bound={bound!r} is not allowed; use a finite number above 0")
    return value


def _finite(actions: np.ndarray, space: spaces.Space) -> np.ndarray:
    """Returns actions as float64; raises ValueError unless they are such numbers of 32 bits."""
    array = as_array(actions)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"actions of type {array.dtype} are not numbers; use float32")
    if array.shape[1:] != space.shape:
        raise ValueError(f"an action has shape {array.shape[1:]}; use {space.shape}")
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(array.astype(np.float64)) <= _LARGEST)
    if wrong.any():
        first = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise ValueError(
            f"an action holds {array[first]} (environment {first[0]}, number {first[1]}), which is "
            "not finite or does not fit 32 bits"
        )
    return array.astype(np.float64)


def _scenario(env: gymnasium.Env | VectorEnv) -> Scenario:
    scenario = getattr(env.unwrapped, "scenario", None)
    if not isinstance(scenario, Scenario):
        raise TypeError(f"{env} is not an environment of recsim_env, single or batch")
    return scenario


def _wrap(env: Any, form: ActionForm, by: Callable[..., Any], **arguments: Any) -> Any:
    inner: Any = env.unwrapped
    is_batch = isinstance(env, VectorEnv)
    taken, slates = (
        (each.single_action_space if is_batch else each.action_space) for each in (env, inner)
    )
    if taken != slates:  # its slates would be taken for those other actions, if they fit
        raise ValueError(
            f"{by.__name__} needs an environment that takes slates, {slates}, and {env} takes "
            f"{taken} already; wrap env.unwrapped"
        )
    if is_batch:
        return VectorSlateWrapper(env, form)
    wrapper = SlateWrapper(env, form)
    wrapper.made_by = (by, arguments)
    return wrapper


class SlateWrapper(gymnasium.Wrapper):
    """A single environment that takes actions of another form.

    Attributes:
      made_by: the function of this module that made it and its arguments, from which Gymnasium's
        spec makes it again; None where it was made otherwise, and cannot be.
    """

    made_by: tuple[Callable[..., Any], dict[str, Any]] | None = None

    def __init__(self, env: gymnasium.Env, form: ActionForm) -> None:
        super().__init__(env)
        self.form = form
        self.action_space = form.space
        self._observation: Any = None

    @property
    def spec(self) -> EnvSpec | None:  # type: ignore[override]  # as Wrapper's, read only
        """What Gymnasium makes it again from."""
        if self.made_by is None or self.env.spec is None:
            return super().spec
        by, arguments = self.made_by
        spec = copy.deepcopy(self.env.spec)
        made = WrapperSpec(type(self).__name__, f"{__name__}:{by.__name__}", dict(arguments))
        spec.additional_wrappers = (*spec.additional_wrappers, made)
        return spec

    def action_masks(self) -> np.ndarray:
        """Returns which actions mean slates without places that stay empty; see `ActionForm`."""
        can_be_shown: np.ndarray = self.get_wrapper_attr("can_be_shown")()
        return self.form.masks(can_be_shown[None])[0]

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode, and remembers what the next action answers."""
        self._observation, info = self.env.reset(**kwargs)
        return self._observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Shows the slate that the action means."""
        seen = self._observation
        batch = {name: value[None] for name, value in seen.items()} if type(seen) is dict else None
        slate = self.form.slates(as_array(action)[None], batch)[0]
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

    def action_masks(self) -> np.ndarray:
        """Returns which actions mean slates without places that stay empty; see `ActionForm`."""
        people: Any = self.unwrapped
        return self.form.masks(people.can_be_shown())

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins episodes, and remembers what the next actions answer."""
        self._observation, infos = self.env.reset(**kwargs)
        return self._observation, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Shows the slates that the actions mean."""
        actions = as_array(actions)
        if actions.ndim == 0 or len(actions) != self.num_envs:
            raise ValueError(
                f"actions have shape {actions.shape}; use {self.action_space.shape}, one for each "
                "environment"
            )
        slates = self.form.slates(actions, self._observation)
        result = self.env.step(slates[:, 0] if slates.shape[1] == 1 else slates)
        self._observation = result[0]
        return result
