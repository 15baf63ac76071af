"""What is liked by the people who liked this: nearest neighbours among items."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.core.restoring import fits_sparse
from recsim_env.agents.recommenders.neighbours import (
    WEIGHTINGS,
    nearest,
    norms,
    rarity,
    sums,
    weighted,
)
from recsim_env.agents.recommenders.profiles import ProfileRecommender, restored, stored
from recsim_env.agents.recommenders.recommender import Model, Query
from recsim_env.envs import RecommendationVectorEnv


class ItemKNN(ProfileRecommender):
    """Shows the candidates most similar to what the person liked.

    Idea: items are alike that the same people like.
    Update: with x_i what people think of item i (a column of the profiles p), s_ji = x_j·x_i /
      (|x_j| |x_i| + shrinkage) for the `neighbours` items i of highest s_ji around each j, else 0.
      Affinity is sum_j p_uj s_ji / sum_j |p_uj|; see `ProfileRecommender` for p and for new people
      and items, `PersonalRecommender` for what is served.
    Cost: O(pairs of items in one profile) a fit; O(profile neighbours) a person served; 8 bytes a
      neighbour of every item and 8 an entry of every profile.
    Source: Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms"; shrinkage
      after Bell and Koren 2007.
    Differs: what was passed over counts; similarities are not scaled to sum to 1 an item.

    Settings (on MovieLens-100K 50 neighbours do better still):
      neighbours: of each item (100).
      shrinkage: lowers the similarity of items with little in common (10).
      weighting: of people, "none", or by how little they like: "tfidf" (default), "bm25".
      skip_weight, prior_showings, refit_every, exploration: see `ProfileRecommender`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **ProfileRecommender.defaults,
        "neighbours": 100,
        "shrinkage": 10.0,
        "weighting": "tfidf",
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("neighbours", self.settings["neighbours"] >= 1, "at least 1")
        self.require("shrinkage", self.settings["shrinkage"] >= 0, "0 or more")
        known = self.settings["weighting"] in WEIGHTINGS
        self.require("weighting", known, " or ".join(WEIGHTINGS))

    @classmethod
    def fit_profiles(
        cls, profiles: sparse.csr_array, settings: Mapping[str, Any], *, seed: int
    ) -> dict[str, np.ndarray]:
        """Returns the neighbours of every item."""
        items = profiles.T.tocsr()
        mean_length = float(abs(items).sum()) / items.shape[0]
        items = weighted(items, settings["weighting"], rarity(items), mean_length)
        similar = nearest(
            items,
            items.T.tocsr(),
            norms(items),
            n_nearest=settings["neighbours"],
            shrinkage=settings["shrinkage"],
            is_same=True,
        )
        return stored("similar", similar)

    def check_model(self, model: Model) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        super().check_model(model)
        fits_sparse(model, "similar", n_rows=self.log.n_items, n_columns=self.log.n_items)

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns the mean similarity of items to what people liked."""
        return sums(cls.shares(model, query), restored("similar", model), query.item)
