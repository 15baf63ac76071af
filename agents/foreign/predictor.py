"""Functions that score, of whatever model, served as they are."""

from collections.abc import Callable
from typing import Any

import numpy as np

from recsim_env.agents.core import acting
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.settings import ConstantExploration
from recsim_env.agents.core.slate_distribution import SlateDistribution
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.foreign.frozen import Frozen
from recsim_env.agents.foreign.numbering import LAST, Numbering
from recsim_env.agents.foreign.signature import n_arguments, name_of
from recsim_env.envs import RecommendationVectorEnv


class Predictor(Frozen, OnlineAgent):
    """Shows the candidates to which a function gives the highest scores.

    Idea: most models, whatever library they are of, predict a score.
    Update: none. Equal scores come in random order.
    Cost: the function's own, called once for a batch.
    Source: any library: see docs/how-to/own-model.md.

    Args:
      env: where it serves.
      function: given the batch of observations, a dict of arrays (n, ...), returns the scores of
        the candidates, (n, n_candidates); the same observations have the same scores.
      seed: of the order of equal scores.
      **settings: of `ConstantExploration`.

    Raises:
      ValueError: while it serves, scores of another shape, or NaN; while it tells propensities, two
        different answers to one question.
    """

    Settings = ConstantExploration
    keep_by = (
        "save the model as its library does, or its scores as a ScoreTable, which can be saved"
    )

    def __init__(
        self,
        env: RecommendationVectorEnv,
        function: Callable[..., Any],
        *,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__(env, seed=seed, **settings)
        self.function = function

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the scores of the candidates, (n, n_candidates)."""
        found = np.asarray(self.function(dict(observation)), np.float64)
        return np.maximum(found, LAST)

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns the slates that the scores allow, as long as the function draws nothing."""
        found, again = (
            self._known_scores(observation, state, deterministic=deterministic) for _ in range(2)
        )
        if not np.array_equal(found, again):
            raise ValueError(
                f"{name_of(self.function)} gave two answers to one question, so that nobody can "
                "say how likely a slate is; let it draw nothing, and explore by exploration=0.1, "
                "say, instead"
            )
        share = 0.0 if deterministic else self.exploration
        return self._distribution(found, share, acting.wasted(self.env, observation))


class PairPredictor(Predictor):
    """Shows the candidates that a function of people and items gives the highest scores.

    Idea, Update, Cost, Source: as of `Predictor`.

    Args:
      env: where it serves; people and items with ids.
      function: asked about pairs, `user_ids` and `item_ids`, two arrays of one length; returns a
        score for each. The same pair has the same score.
      user_ids, item_ids: the ids that the model knows, where it counts them otherwise: the function
        is then asked by places in these lists. A person who is not in them is served at random, and
        an item that is not comes last; the function is not asked about either.
      seed: of the order of equal scores.
      **settings: of `ConstantExploration`.

    Raises:
      ValueError: ids that do not fit; and as of `Predictor`.
      UnsuitableScenario: people or items have no ids.
    """

    requires = ("user and item ids",)
    needs_every_field = True

    def __init__(
        self,
        env: RecommendationVectorEnv,
        function: Callable[..., Any],
        *,
        user_ids: Any = None,
        item_ids: Any = None,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__(env, function, seed=seed, **settings)
        scenario = self.env.scenario
        self._users = Numbering("user", user_ids, n_rows=None, n_ids=scenario.n_users)
        self._items = Numbering("item", item_ids, n_rows=None, n_ids=scenario.n_items)

    @property
    def knows_its_world(self) -> bool:
        """True: ids mean somebody in one world only."""
        return True

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the scores of the candidates, (n, n_candidates)."""
        item = self._items.places(observation["item_id"])
        user = np.broadcast_to(self._users.places(observation["user_id"])[:, None], item.shape)
        is_known = (user >= 0) & (item >= 0)
        found = np.where(item >= 0, 0.0, LAST)
        if is_known.any():
            found[is_known] = np.maximum(self._asked(user[is_known], item[is_known]), LAST)
        return found

    def _asked(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        scores = np.asarray(self.function(user, item), np.float64)
        if scores.shape != user.shape:
            raise ValueError(
                f"{name_of(self.function)} returned an array of shape {scores.shape} for "
                f"{len(user)} pairs; return {user.shape}, a score for each"
            )
        return scores


def from_predict(
    function: Callable[..., Any],
    env: RecommendationVectorEnv,
    *,
    user_ids: Any = None,
    item_ids: Any = None,
    seed: int = 0,
    **settings: Any,
) -> Predictor:
    """Returns an agent that shows the candidates to which a function gives the highest scores.

    Args:
      function: of two arguments, it is asked about pairs, ``(user_ids, item_ids)``, as of
        `PairPredictor`; of one, it is given the batch of observations, as of `Predictor`.
      env: where it serves.
      user_ids, item_ids: the ids that a function of pairs knows, where it counts them otherwise.
      seed, **settings: as of `Predictor`.

    Raises:
      TypeError: a function of other arguments.
      ValueError, UnsuitableScenario: as of the two classes.
    """
    meanings = {1: "(observation)", 2: "(user_ids, item_ids)"}
    if n_arguments(function, meanings) == 2:
        return PairPredictor(
            env, function, user_ids=user_ids, item_ids=item_ids, seed=seed, **settings
        )
    if user_ids is not None or item_ids is not None:
        raise ValueError(
            f"{name_of(function)} takes observations, so that user_ids and item_ids would not "
            "count; leave them out, or give a function of (user_ids, item_ids)"
        )
    return Predictor(env, function, seed=seed, **settings)
