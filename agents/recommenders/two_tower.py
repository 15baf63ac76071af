"""Two towers: a network makes a vector of the person, as a set or in order, another of the item."""

from typing import Any

import numpy as np

from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.agents.recommenders.tower_model import (
    FIELDS,
    LAYOUT,
    REMEMBERED,
    Parts,
    TowerModel,
    TowerSettings,
    torch_modules,
)
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv


def last_likes(table: Interactions) -> Parts:
    """Returns the last likes before each row, a part for each."""
    rows = np.arange(len(table))
    return table.history(rows, REMEMBERED), rows, np.zeros(len(table), np.int64)


def overlapping_parts(table: Interactions) -> Parts:
    """Returns parts that overlap by half; a row stands in the later half, or in the first."""
    half = REMEMBERED // 2
    item, first, end = table.liked_before(np.arange(len(table)))
    part = np.maximum((end - first) // half - 1, 0)
    place = end - first - part * half
    start = first + part * half
    key = table.user.astype(np.int64) * (int(part.max()) + 1) + part
    _, row, number = np.unique(key, return_index=True, return_inverse=True)
    # Where a part reaches beyond the person, it holds what no row in it asks for.
    reach = start[row, None] + np.arange(2 * half)
    return np.append(item, -1)[np.minimum(reach, len(item))], number, place


_MEANS = TowerModel("MeanTowers", last_likes)
_RECURRENT = TowerModel("OrderedTowers", overlapping_parts)


class TwoTower(Recommender[TowerSettings]):
    """Shows the candidates whose vectors agree best with the person's; both come from networks.

    Idea: whatever is known of a person (id, likes, the moment) and of an item (id, features as they
      look now) can be a vector; then those who are new are judged by what is known of them.
    Update: affinity is a = p·q + b with p = e_user + sum of liked vectors / sqrt(their number) +
      N(context) and (q, b) = e_item + M(features). Networks N, M are linear plus one hidden layer.
      The likes are the last 50 before the row; to serve, also those of this session. See
      `TowerModel` for what is learned and served. Without item ids the features are all there
      is of an item, and a stranger is what they liked and the context.
    Cost: O(rows (width (width + 50) + hidden (F + G)) epochs) a fit; O(hidden F + width) a
      candidate; 8 bytes a number of the vectors of everybody in the log, 12 of every item.
    Source: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item
      recommendations"; what was liked as a sum: Covington, Adams and Sargin 2016, "Deep neural
      networks for YouTube recommendations".
    Differs: what was shown and passed over is learned from, and then stands for what is sampled;
      how often an item is sampled is counted, not estimated as a stream; the sample is drawn anew.
    """

    requires = ("item ids or features",)
    compared_with = "showings"
    logged_fields = FIELDS
    layout = LAYOUT
    Settings = TowerSettings

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        torch_modules()  # says at once what to install

    @classmethod
    def fit_table(cls, fit: Fit[TowerSettings]) -> dict[str, np.ndarray]:
        """Returns the weights of the towers, and what follows from them."""
        return _MEANS.fit(fit)

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns a of each person and item, this session's likes included."""
        return _MEANS.affinity(model, query)

    def check_model(self, model: Model) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        super().check_model(model)
        _MEANS.check(model, self.model_sizes(model))


class Sequential(Recommender[TowerSettings]):
    """Shows the candidates that suit what the person liked so far, in its order.

    Idea: what somebody wants next depends on what they just had; who they are does not matter.
    Update: a gated recurrent unit reads the likes: h = GRU(h, e_liked), with h learned for the
      beginning. Affinity is a = (h + N(context))·q + b with (q, b) = e_item + M(features); see
      `TowerModel` for what is learned and served. It learns from parts of 50 likes, each
      beginning in the middle of the one before, so that whatever is predicted follows at least 25
      likes, or all; to serve, it goes on from a person's last 50 likes in the log with those of
      this session.
    Cost: O((likes + rows) width^2 epochs) a fit; O(width^2) a like of the session and O(width) a
      candidate; 4 bytes a number of the states of everybody in the log, 12 of every item's vector.
    Source: Hidasi, Karatzoglou, Baltrunas and Tikk 2016, "Session-based recommendations with
      recurrent neural networks" (GRU4Rec).
    Differs: passes teach too, and sampled items are corrected for popularity; a sequence is all
      that somebody liked, not a session; features and context have networks of their own.
    """

    requires = ("item ids",)
    compared_with = "showings"
    logged_fields = FIELDS
    layout = LAYOUT
    Settings = TowerSettings

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        torch_modules()  # says at once what to install

    @classmethod
    def fit_table(cls, fit: Fit[TowerSettings]) -> dict[str, np.ndarray]:
        """Returns the weights of the towers, and what follows from them."""
        return _RECURRENT.fit(fit)

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns a of each person and item, this session's likes included."""
        return _RECURRENT.affinity(model, query)

    def check_model(self, model: Model) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        super().check_model(model)
        _RECURRENT.check(model, self.model_sizes(model))
