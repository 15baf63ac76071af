"""Which items predict which: one linear regression of every item on all others."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.recommenders.profiles import ProfileRecommender
from recsim_env.agents.recommenders.recommender import Model, Query
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv

#: The longest catalogue: its weights take 1.6 GB, and finding them 10 GB.
MAX_ITEMS = 20_000


class EASE(ProfileRecommender):
    """Shows the candidates that what the person liked predicts, by a regression without its own.

    Idea: predict every item of a profile from the others; a shallow autoencoder in closed form.
    Update: minimise |P - P B|^2 + regularization |B|^2 with diag B = 0, P being the profiles:
      B = I - G diag(1 / diag G), G = (PᵀP + regularization I)⁻¹. Affinity is
      sum_j p_uj B_ji / sum_j |p_uj|; see `ProfileRecommender` for p and for new people and items,
      `PersonalRecommender` for what is served.
    Cost: O(n_items^3) a fit, or O(n_people^3 + likes n_items) where people are fewer than items;
      O(profile n_candidates) a person served; 4 n_items^2 bytes, 24 n_items^2 while fitting, so up
      to 20,000 items only.
    Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
    Differs: what was passed over counts.

    Settings:
      regularization: of B, in units of typical likes of an item (300).
      skip_weight, prior_showings, refit_every, exploration: see `ProfileRecommender`.
    """

    layout: ClassVar[Mapping[str, str]] = {"weights": "f I I"}
    defaults: ClassVar[Mapping[str, Any]] = {**ProfileRecommender.defaults, "regularization": 300.0}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("regularization", self.settings["regularization"] > 0, "more than 0")

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items, or people, have no ids, or items are too many."""
        too_many = _too_many(scenario.n_items) if scenario.n_items > MAX_ITEMS else None
        return super().unsuitable(scenario) or too_many

    @classmethod
    def fit_profiles(
        cls, profiles: sparse.csr_array, settings: Mapping[str, Any], *, seed: int
    ) -> dict[str, np.ndarray]:
        """Returns B, `weights`."""
        n_items = profiles.shape[1]
        if n_items > MAX_ITEMS:
            raise ValueError(_too_many(n_items))
        inverse = inverse_gram(profiles.astype(np.float64), settings["regularization"])
        weights = (inverse / -np.diag(inverse)).astype(np.float32)
        np.fill_diagonal(weights, 0.0)
        return {"weights": weights}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns p B; only at the candidates, where that is less work than all of it."""
        shares, weights, item = cls.shares(model, query), model["weights"], query.item
        if item is None:
            return np.asarray(shares @ weights)
        if shares.nnz * item.shape[1] > shares.shape[0] * weights.shape[1]:
            return np.asarray(np.take_along_axis(shares @ weights, item, axis=1))
        person = np.repeat(np.arange(len(item)), np.diff(shares.indptr))
        terms = weights[shares.indices[:, None], item[person]]
        entries = (shares.data, np.arange(shares.nnz), shares.indptr)
        return np.asarray(sparse.csr_array(entries, (len(item), shares.nnz)) @ terms)


def inverse_gram(profiles: sparse.csr_array, regularization: float) -> np.ndarray:
    """Returns (PᵀP + r I)⁻¹, (n_items, n_items), by the smaller of the two inverses that give it.

    The other one is (I - Pᵀ (P Pᵀ + r I)⁻¹ P) / r, where P Pᵀ is people x people (Woodbury).
    """
    n_people, n_items = profiles.shape
    if n_people >= n_items:
        gram = (profiles.T @ profiles).toarray()
        gram[np.diag_indices(n_items)] += regularization
        return np.linalg.inv(gram)
    gram = (profiles @ profiles.T).toarray()
    gram[np.diag_indices(n_people)] += regularization
    inverse = -(profiles.T @ (np.linalg.inv(gram) @ profiles))
    inverse[np.diag_indices(n_items)] += 1.0
    return np.asarray(inverse / regularization)


def _too_many(n_items: int) -> str:
    """Returns why EASE cannot hold so many items, and what to do."""
    return (
        f"ease holds a weight for every pair of items, {4e-9 * n_items**2:,.1f} GB for "
        f"{n_items:,} items; keep to {MAX_ITEMS:,} items or use item_knn"
    )
