"""Which items predict which: one linear regression of every item on all others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.agents.recommenders.user_vectors import (
    LAYOUT,
    UserVectors,
    UserVectorSettings,
)
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, setting

#: The longest catalogue: its weights take 1.6 GB, and finding them 10 GB.
MAX_ITEMS = 20_000


@dataclass(frozen=True, kw_only=True)
class EASESettings(UserVectorSettings):
    """Settings of `EASE`."""

    regularization: float = setting(
        300.0, above=0.0, high=LARGE, doc="of B, in units of typical likes"
    )


class EASE(Recommender[EASESettings]):
    """Shows the candidates that what the person liked predicts, by a regression without its own.

    Idea: predict every item of a user vector from the others; a shallow autoencoder in closed form.
    Update: minimise |X - X B|^2 + regularization |B|^2 with diag B = 0, X being the user vectors:
      B = I - G diag(1 / diag G), G = (XᵀX + regularization I)⁻¹. Affinity is
      sum_j x_uj B_ji / sum_j |x_uj|; see `UserVectors` for x and for new people and items,
      `Personalization` for what is served.
    Cost: O(n_items^3) a fit, or O(n_people^3 + likes n_items) where people are fewer than items;
      O(|x| n_candidates) a person served; 4 n_items^2 bytes, 24 n_items^2 while fitting, so up
      to 20,000 items only.
    Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
    Differs: what was passed over counts.
    """

    layout: ClassVar[Mapping[str, str]] = {**LAYOUT, "weights": "f I I"}
    Settings = EASESettings

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items, or people, have no ids, or items are too many."""
        too_many = _too_many(scenario.n_items) if scenario.n_items > MAX_ITEMS else None
        return super().unsuitable(scenario) or too_many

    @classmethod
    def fit_table(cls, fit: Fit[EASESettings]) -> dict[str, np.ndarray]:
        """Returns the user vectors, and B, `weights`."""
        if fit.table.n_items > MAX_ITEMS:
            raise ValueError(_too_many(fit.table.n_items))
        vectors = UserVectors.of_table(fit.table, skip_weight=fit.settings.skip_weight)
        matrix = vectors.matrix.astype(np.float64)
        inverse = inverse_gram(matrix, fit.settings.regularization)
        weights = (inverse / -np.diag(inverse)).astype(np.float32)
        np.fill_diagonal(weights, 0.0)
        return {**vectors.arrays(), "weights": weights}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns x B; only at the candidates, where that is less work than all of it."""
        shares, weights = UserVectors.of_model(model).shares(query), model["weights"]
        item = query.item
        if item is None:
            return np.asarray(shares @ weights)
        if shares.nnz * item.shape[1] > shares.shape[0] * weights.shape[1]:
            return np.asarray(np.take_along_axis(shares @ weights, item, axis=1))
        person = np.repeat(np.arange(len(item)), np.diff(shares.indptr))
        terms = weights[shares.indices[:, None], item[person]]
        entries = (shares.data, np.arange(shares.nnz), shares.indptr)
        return np.asarray(sparse.csr_array(entries, (len(item), shares.nnz)) @ terms)


def inverse_gram(matrix: sparse.csr_array, regularization: float) -> np.ndarray:
    """Returns (XᵀX + r I)⁻¹, (n_items, n_items), by the smaller of the two inverses that give it.

    The other one is (I - Xᵀ (X Xᵀ + r I)⁻¹ X) / r, where X Xᵀ is people x people (Woodbury).
    """
    n_people, n_items = matrix.shape
    if n_people >= n_items:
        gram = (matrix.T @ matrix).toarray()
        gram[np.diag_indices(n_items)] += regularization
        return np.linalg.inv(gram)
    gram = (matrix @ matrix.T).toarray()
    gram[np.diag_indices(n_people)] += regularization
    inverse = -(matrix.T @ (np.linalg.inv(gram) @ matrix))
    inverse[np.diag_indices(n_items)] += 1.0
    return np.asarray(inverse / regularization)


def _too_many(n_items: int) -> str:
    """Returns why EASE cannot hold so many items, and what to do."""
    return (
        f"ease holds a weight for every pair of items, {4e-9 * n_items**2:,.1f} GB for "
        f"{n_items:,} items; keep to {MAX_ITEMS:,} items or use item_knn"
    )
