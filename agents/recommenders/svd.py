"""People and items as points in one space of tastes: the singular vectors of what was liked."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from recsim_env.agents.recommenders.embeddings import products
from recsim_env.agents.recommenders.profiles import ProfileRecommender
from recsim_env.agents.recommenders.recommender import Model, Query
from recsim_env.envs import RecommendationVectorEnv

# Singular values below this share of the largest are rounding errors of zeros.
_NEGLIGIBLE = 1e-6


class PureSVD(ProfileRecommender):
    """Shows the candidates that a person's profile holds once it is smoothed by few factors.

    Idea: the profiles that fit best into few dimensions keep what people share and drop the rest.
    Update: P ≈ U S Vᵀ, the truncated singular value decomposition of all profiles, the missing
      entries being 0. Affinity is p_u V Vᵀ / sum_j |p_uj| at item i; see `ProfileRecommender` for p
      and for new people and items, `PersonalRecommender` for what is served.
    Cost: O(entries factors iterations) a fit (Lanczos); O(factors (profile + n_candidates)) a
      person served; 4 bytes a factor of every item and 8 an entry of every profile.
    Source: Cremonesi, Koren and Turrin 2010, "Performance of recommender algorithms on top-N
      recommendation tasks".
    Differs: what was passed over counts.

    Settings:
      factors: how many dimensions (16).
      skip_weight, prior_showings, refit_every, exploration: see `ProfileRecommender`.
    """

    layout: ClassVar[Mapping[str, str]] = {"items": "f I K"}
    defaults: ClassVar[Mapping[str, Any]] = {**ProfileRecommender.defaults, "factors": 16}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("factors", self.settings["factors"] >= 1, "at least 1")

    @classmethod
    def fit_profiles(
        cls, profiles: sparse.csr_array, settings: Mapping[str, Any], *, seed: int
    ) -> dict[str, np.ndarray]:
        """Returns V, (n_items, factors), or fewer factors where P has no more."""
        n_factors, least = settings["factors"], min(profiles.shape)
        if n_factors < least:
            start = np.random.default_rng(seed).standard_normal(least)
            _, size, axes = svds(profiles.astype(np.float64), n_factors, v0=start)
        else:
            _, size, axes = np.linalg.svd(profiles.toarray(), full_matrices=False)
        axes = axes[size > _NEGLIGIBLE * size.max()]
        return {"items": np.ascontiguousarray(axes.T, np.float32)}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns what is left of profiles in the space of V."""
        people = cls.shares(model, query) @ model["items"]
        return products(people, model["items"], query.item)
