"""What people like who like the same: nearest neighbours among people."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.core.restoring import fits_sparse, require_range
from recsim_env.agents.recommenders.neighbours import (
    WEIGHTINGS,
    nearest,
    norms,
    rarity,
    sums,
    weighted,
)
from recsim_env.agents.recommenders.profiles import ProfileRecommender, restored, scaled, stored
from recsim_env.agents.recommenders.recommender import Model, Query
from recsim_env.envs import RecommendationVectorEnv


class UserKNN(ProfileRecommender):
    """Shows the candidates that the people of the most similar taste liked.

    Idea: who agreed so far will go on agreeing.
    Update: with p the profiles, s_uv = p_u·p_v / (|p_u| |p_v| + shrinkage) for the `neighbours`
      people v of highest s_uv, else 0; one of them is u, whose word counts most. Affinity is
      sum_v s_uv p_vi / sum_v s_uv; see `ProfileRecommender` for p and for new people and items,
      `PersonalRecommender` for what is served.
    Cost: a fit only sorts the profiles. Neighbours are found when somebody is served, and so know
      what this session showed: O(profile likers + neighbours profile), where of an item that more
      than `likers` people speak of, an evenly spaced sample of `likers` is asked: 40 microseconds a
      person among a million. 16 bytes an entry of every profile.
    Source: Herlocker, Konstan, Borchers and Riedl 1999, "An algorithmic framework for performing
      collaborative filtering".
    Differs: cosines of likings and passes instead of correlations of ratings.

    Settings:
      neighbours: of each person (50).
      shrinkage: lowers the similarity of people with little in common (0).
      weighting: of items, "none" (default), or by how few like them: "tfidf", "bm25".
      likers: people asked about each item at most (300).
      skip_weight, prior_showings, refit_every, exploration: see `ProfileRecommender`.
    """

    layout: ClassVar[Mapping[str, str]] = {
        "norm": "f N",
        "rarity": "f I",
        "mean_length": "f",
        "neighbours": "i",
        "shrinkage": "f",
        "weighting": "U",
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        **ProfileRecommender.defaults,
        "neighbours": 50,
        "shrinkage": 0.0,
        "weighting": "none",
        "likers": 300,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        for name in ("neighbours", "likers"):
            self.require(name, self.settings[name] >= 1, "at least 1")
        self.require("shrinkage", self.settings["shrinkage"] >= 0, "0 or more")
        known = self.settings["weighting"] in WEIGHTINGS
        self.require("weighting", known, " or ".join(WEIGHTINGS))

    @classmethod
    def fit_profiles(
        cls, profiles: sparse.csr_array, settings: Mapping[str, Any], *, seed: int
    ) -> dict[str, np.ndarray]:
        """Returns who speaks of each item, and what finding neighbours needs."""
        mean_length = float(abs(profiles).sum()) / profiles.shape[0]
        column_rarity = rarity(profiles)
        people = weighted(profiles, settings["weighting"], column_rarity, mean_length)
        return {
            **stored("liker", _thinned(people.T.tocsr(), settings["likers"])),
            "norm": norms(people),
            "rarity": column_rarity,
            "mean_length": np.array(mean_length),
            **{name: np.array(settings[name]) for name in ("neighbours", "shrinkage", "weighting")},
        }

    def check_model(self, model: Model) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        super().check_model(model)
        n_people = len(model["norm"])
        fits_sparse(model, "liker", n_rows=self.log.n_items, n_columns=n_people)
        if n_people != len(model["served_met"]) + 1:
            raise ValueError("norm is of other people")
        most = max(self.settings["neighbours"], n_people)
        require_range("neighbours", model["neighbours"], low=1, high=most)
        require_range("shrinkage", model["shrinkage"], low=0.0)
        for name in ("norm", "rarity"):
            require_range(name, model[name], low=0.0)
        if str(model["weighting"]) not in WEIGHTINGS:
            raise ValueError(f"weighting is none of {', '.join(WEIGHTINGS)}")

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns what the neighbours of people think of items, the nearer the more."""
        people = weighted(
            cls.profiles(model, query),
            str(model["weighting"]),
            model["rarity"],
            float(model["mean_length"]),
        )
        neighbours = nearest(
            people,
            restored("liker", model),
            model["norm"],
            n_nearest=int(model["neighbours"]),
            shrinkage=float(model["shrinkage"]),
        )
        return sums(scaled(neighbours), restored("profile", model), query.item)


def _thinned(matrix: sparse.csr_array, most: int) -> sparse.csr_array:
    """Returns the matrix with at most `most` entries a row, evenly spaced."""
    length = np.diff(matrix.indptr)
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], length)
    length = np.repeat(length, length)
    is_kept = place * most // length != (place - 1) * most // length
    start = np.append(0, np.cumsum(is_kept))[matrix.indptr]
    return sparse.csr_array(
        (matrix.data[is_kept], matrix.indices[is_kept], start), shape=matrix.shape
    )
