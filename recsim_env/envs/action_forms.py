"""Actions of other forms that mean slates: a number, scores, points among items, weights."""

import itertools
import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import as_type_of
from recsim_env.envs.arguments import as_array, as_count, as_indices, as_switch

#: Numbers of actions fit 32 bits, so that what is computed from them stays finite.
_LARGEST = float(np.finfo(np.float32).max)


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


class SlateNumbers(spaces.Discrete):
    """`Discrete` numbers that stand for slates, which is all that a policy may know of an action.

    Attributes:
      table: (n_slates, slate_size), the slate that each number stands for.
    """

    def __init__(self, table: np.ndarray) -> None:
        super().__init__(len(table))
        self.table = table


class AllSlates(ActionForm):
    """The number of a slate; see `recsim_env.envs.wrappers.enumerate_slates`.

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
        self.space = SlateNumbers(self.table)

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
    """A score for every candidate; see `recsim_env.envs.wrappers.score_candidates`."""

    def __init__(self, scenario: Scenario, *, bound: float) -> None:
        self.bound = _as_bound(bound)
        self.slate_size = scenario.slate_size
        self.space = spaces.Box(-self.bound, self.bound, (scenario.n_candidates,), np.float32)

    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Ranks the candidates; see `ActionForm.slates`."""
        return best_candidates(_finite(actions, self.space), self.slate_size)


class NearestItems(ActionForm):
    """A point among item features; see `recsim_env.envs.wrappers.point_at_items`."""

    def __init__(self, scenario: Scenario, space: spaces.Space, *, bound: float) -> None:
        self.bound = _as_bound(bound)
        features = _features(scenario, space, needed_by="point_at_items")
        low, high = features.low.min(axis=0), features.high.max(axis=0)
        self.slate_size = scenario.slate_size
        self.space = spaces.Box(
            np.maximum(low, np.float32(-self.bound)), np.minimum(high, np.float32(self.bound))
        )

    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Ranks the candidates by distance; see `ActionForm.slates`."""
        points = _finite(actions, self.space)
        apart = _candidates(observation, len(points)) - points[:, None, :]
        return best_candidates(-np.einsum("ncf,ncf->nc", apart, apart), self.slate_size)


class FeatureWeights(ActionForm):
    """A weight for every item feature; see `recsim_env.envs.wrappers.weigh_features`."""

    def __init__(self, scenario: Scenario, space: spaces.Space) -> None:
        n_features = _features(scenario, space, needed_by="weigh_features").shape[1]
        self.slate_size = scenario.slate_size
        self.space = spaces.Box(-1.0, 1.0, (n_features,), np.float32)

    def slates(self, actions: np.ndarray, observation: Any) -> np.ndarray:
        """Ranks the candidates by weighted sums; see `ActionForm.slates`."""
        weights = _finite(actions, self.space)
        match = np.einsum("ncf,nf->nc", _candidates(observation, len(weights)), weights)
        return best_candidates(match, self.slate_size)


def _features(scenario: Scenario, space: spaces.Space, *, needed_by: str) -> spaces.Box:
    """Returns the space of the observation `candidates`; raises ValueError where there is none."""
    if not isinstance(space, spaces.Dict) or "candidates" not in space.spaces:
        raise ValueError(
            f"{needed_by} needs the observation 'candidates', and {type(scenario).__name__} as it "
            "is made here shows none; use flat=False and a scenario with item features, or "
            "score_candidates"
        )
    features = space["candidates"]
    if not isinstance(features, spaces.Box):
        raise TypeError(f"observation 'candidates' is {features}, not a Box")
    return features


def _candidates(observation: Any, n_actions: int) -> np.ndarray:
    """Returns features of candidates, (n, n_candidates, n_features), of as many people."""
    candidates: np.ndarray = observation["candidates"].astype(np.float64)
    if n_actions != len(candidates):  # NumPy would show what one action means to everybody
        raise ValueError(f"{n_actions} actions for {len(candidates)} environments")
    return candidates


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
