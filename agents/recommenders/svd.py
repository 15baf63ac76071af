"""People and items as points in one space of tastes: the singular vectors of what was liked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse.linalg import svds

from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.agents.recommenders.user_vectors import (
    LAYOUT,
    UserVectors,
    UserVectorSettings,
)
from recsim_env.core.settings import setting

# Singular values below this share of the largest are rounding errors of zeros.
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True, kw_only=True)
class PureSVDSettings(UserVectorSettings):
    """Settings of `PureSVD`."""

    factors: int = setting(16, low=1, doc="how many dimensions")


class PureSVD(Recommender[PureSVDSettings]):
    """Shows the candidates that a person's user vector holds once it is smoothed by few factors.

    Idea: the vectors that fit best into few dimensions keep what people share and drop the rest.
    Update: X ≈ U S Vᵀ, the truncated singular value decomposition of all user vectors, the missing
      entries being 0. Affinity is x_u V Vᵀ / sum_j |x_uj| at item i; see `UserVectors` for x and
      for new people and items, `Personalization` for what is served.
    Cost: O(entries factors iterations) a fit (Lanczos); O(factors (|x| + n_candidates)) a person
      served; 4 bytes a factor of every item and 8 an entry of every user vector.
    Source: Cremonesi, Koren and Turrin 2010, "Performance of recommender algorithms on top-N
      recommendation tasks".
    Differs: what was passed over counts.
    """

    layout: ClassVar[Mapping[str, str]] = {**LAYOUT, "items": "f I K"}
    Settings = PureSVDSettings

    @classmethod
    def fit_table(cls, fit: Fit[PureSVDSettings]) -> dict[str, np.ndarray]:
        """Returns the user vectors, and V, (n_items, factors), or fewer where X has no more."""
        vectors = UserVectors.of_table(fit.table, skip_weight=fit.settings.skip_weight)
        n_factors, least = fit.settings.factors, min(vectors.matrix.shape)
        if n_factors < least:
            start = np.random.default_rng(fit.seed).standard_normal(least)
            _, size, axes = svds(vectors.matrix.astype(np.float64), n_factors, v0=start)
        else:
            _, size, axes = np.linalg.svd(vectors.matrix.toarray(), full_matrices=False)
        axes = axes[size > _NEGLIGIBLE * size.max()]
        return {**vectors.arrays(), "items": np.ascontiguousarray(axes.T, np.float32)}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns what is left of user vectors in the space of V."""
        users = UserVectors.of_model(model).shares(query) @ model["items"]
        return query.products(users, model["items"])
