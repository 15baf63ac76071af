"""People as sparse vectors of what they liked, and two linear maps of them: PureSVD and EASE."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from recsim_env.agents.recommenders.gram import inverse_gram
from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender, RecommenderSettings
from recsim_env.agents.recommenders.sparse_products import product_at
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting
from recsim_env.data.interactions import Interactions

#: How `UserVectors.arrays` are laid out in a model; see `Recommender.layout`.
LAYOUT = {"user_vectors": "csr U+1 I"}

# The longest catalogue with a number for every pair of items, which take 1.6 GB.
_MAX_ITEMS = 20_000

# Singular values below this share of the largest are rounding errors of zeros.
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True, kw_only=True)
class UserVectorSettings(RecommenderSettings):
    """Settings of recommenders that know people by what they liked and passed over."""

    skip_weight: float = setting(
        1.0,
        search=Search(0.0, 2.0),
        low=0.0,
        high=LARGE,
        doc="how much being passed over counts; at 1 likes and passes balance",
    )


@dataclass(frozen=True, eq=False)
class UserVectors:
    """How much each person liked each item: x_u, a sparse vector over items.

    x_ui is the liking of i by u, less skip_weight rho for each time that u looked at i and passed
    it over, where rho makes a log speak as much for as against (`Interactions.evidence`). What was
    liked in this session counts 1, unless x says more already. As people stand for what they liked,
    strangers are known as soon as they like something. A new item is in no vector, and has the mean
    outcome.

    Attributes:
      matrix: X, (n_users + 1, n_items); the last row is nobody's and empty: place -1 finds it.
    """

    matrix: sparse.csr_array

    @classmethod
    def of_table(cls, table: Interactions, *, skip_weight: float) -> Self:
        """Returns the vectors of the people in a table."""
        weight, _ = table.evidence(skip_weight)
        entries = (weight.astype(np.float32), (table.user, table.item))
        matrix = sparse.csr_array(entries, shape=(table.n_users + 1, table.n_items))
        matrix.eliminate_zeros()
        return cls(matrix)

    @classmethod
    def of_model(cls, model: Model) -> Self:
        """Returns the vectors that are stored in a model, without a copy."""
        return cls(restored("user_vectors", model))

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the vectors as arrays of a model."""
        return stored("user_vectors", self.matrix)

    def asking(self, query: Query) -> sparse.csr_array:
        """Returns the vectors of the people who ask, (n, n_items), this session included."""
        known = self.matrix[query.user]
        is_recent = query.recent >= 0
        if not is_recent.any():
            return known
        person, _ = np.nonzero(is_recent)
        entries = (np.ones(len(person), np.float32), (person, query.recent[is_recent]))
        recent = sparse.csr_array(entries, shape=known.shape)
        recent.data = np.minimum(recent.data, 1.0)  # liked again is liked
        # Not the maximum of both: it would lift what was passed over to 0, everybody's.
        return known + (recent - known.multiply(recent)).maximum(0.0)

    def shares(self, query: Query) -> sparse.csr_array:
        """Returns the vectors scaled to sum |x| = 1, so that long and short ones compare."""
        return scaled(self.asking(query))


@dataclass(frozen=True, kw_only=True)
class PureSVDSettings(UserVectorSettings):
    """Settings of `PureSVD`."""

    factors: int = setting(16, search=Search(4, 64, log=True), low=1, doc="how many dimensions")


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


@dataclass(frozen=True, kw_only=True)
class EASESettings(UserVectorSettings):
    """Settings of `EASE`."""

    regularization: float = setting(
        300.0,
        search=Search(30.0, 3000.0, log=True),
        above=0.0,
        high=LARGE,
        doc="of B, in units of typical likes",
    )


class EASE(Recommender[EASESettings]):
    """Shows the candidates that what the person liked predicts, by a regression without its own.

    Idea: predict every item of a user vector from the others; a shallow autoencoder in closed form.
    Update: minimise |X - X B|^2 + regularization |B|^2 with diag B = 0, X being the user vectors:
      B = I - G diag(1 / diag G), G = (XᵀX + regularization I)⁻¹. Affinity is
      sum_j x_uj B_ji / sum_j |x_uj|; see `UserVectors` for x and for new people and items,
      `Personalization` for what is served.
    Cost: O(n_items^3) a fit, or O(n_people^3 + likes n_items) where people are fewer than items;
      O(|x| n_candidates) a person served; 4 n_items^2 bytes, 24 n_items^2 while fitting up to
      8,000 items, 8 n_items^2 beyond, in single precision, up to 20,000.
    Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
    Differs: what was passed over counts.
    """

    layout: ClassVar[Mapping[str, str]] = {**LAYOUT, "weights": "f I I"}
    Settings = EASESettings

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items, or people, have no ids, or items are too many."""
        return super().unsuitable(scenario) or too_many_items("ease", scenario.n_items)

    @classmethod
    def fit_table(cls, fit: Fit[EASESettings]) -> dict[str, np.ndarray]:
        """Returns the user vectors, and B, `weights`."""
        if refusal := too_many_items("ease", fit.table.n_items):
            raise ValueError(refusal)
        vectors = UserVectors.of_table(fit.table, skip_weight=fit.settings.skip_weight)
        matrix = vectors.matrix.astype(np.float64)
        inverse = inverse_gram(matrix, fit.settings.regularization)
        weights = np.divide(inverse, -np.diag(inverse).copy(), out=inverse)
        weights = weights.astype(np.float32, order="C", copy=False)
        np.fill_diagonal(weights, 0.0)
        return {**vectors.arrays(), "weights": weights}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns x B, only at the candidates where there are any."""
        shares, weights = UserVectors.of_model(model).shares(query), model["weights"]
        if query.item is None:
            return np.asarray(shares @ weights)
        return product_at(shares, weights, query.item)


def scaled(matrix: sparse.csr_array) -> sparse.csr_array:
    """Returns a matrix whose rows are divided by their sums of |v|; empty ones stay empty."""
    total = np.asarray(abs(matrix).sum(axis=1))
    per_entry = np.repeat(total, np.diff(matrix.indptr))
    value = np.divide(matrix.data, per_entry, out=np.zeros_like(matrix.data), where=per_entry > 0)
    return sparse.csr_array((value, matrix.indices, matrix.indptr), shape=matrix.shape)


def stored(name: str, matrix: sparse.csr_array) -> dict[str, np.ndarray]:
    """Returns a sparse matrix as arrays of a model."""
    return {
        f"{name}_start": matrix.indptr,
        f"{name}_column": matrix.indices,
        f"{name}_value": matrix.data,
        f"{name}_width": np.array(matrix.shape[1]),
    }


def restored(name: str, model: Model) -> sparse.csr_array:
    """Returns the sparse matrix that was `stored` in a model, without a copy."""
    start = model[f"{name}_start"]
    parts = (model[f"{name}_value"], model[f"{name}_column"], start)
    return sparse.csr_array(parts, shape=(len(start) - 1, int(model[f"{name}_width"])))


def too_many_items(agent: str, n_items: int) -> str | None:
    """Returns why an agent cannot hold a number for every pair of so many items, or None."""
    if n_items <= _MAX_ITEMS:
        return None
    return (
        f"{agent} holds a number for every pair of items, {4e-9 * n_items**2:,.1f} GB for "
        f"{n_items:,} items; keep to {_MAX_ITEMS:,} items or use item_knn"
    )
