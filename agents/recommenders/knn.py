"""What is liked by the people who liked this: nearest neighbours among items, and among people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.core.restoring import require_range
from recsim_env.agents.recommenders.neighbours import (
    WEIGHTINGS,
    nearest,
    norms,
    rarity,
    sums,
    weighted,
)
from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.agents.recommenders.user_vectors import (
    LAYOUT,
    UserVectors,
    UserVectorSettings,
    restored,
    scaled,
    stored,
)
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting


@dataclass(frozen=True, kw_only=True)
class NeighbourSettings(UserVectorSettings):
    """Settings of both kinds of neighbours."""

    neighbours: int = setting(
        50, search=Search(10, 300, log=True), low=1, doc="of each person, or item"
    )
    shrinkage: float = setting(
        0.0,
        search=Search(0.0, 50.0),
        low=0.0,
        high=LARGE,
        doc="lowers the similarity of those with little in common",
    )
    weighting: str = setting(
        "none",
        choices=WEIGHTINGS,
        doc="of items, by how few like them; or of people, by how little they like",
    )


@dataclass(frozen=True, kw_only=True)
class ItemKNNSettings(NeighbourSettings):
    """Settings of `ItemKNN`."""

    neighbours: int = 100
    shrinkage: float = 10.0
    weighting: str = "tfidf"


class ItemKNN(Recommender[ItemKNNSettings]):
    """Shows the candidates most similar to what the person liked.

    Idea: items are alike that the same people like.
    Update: with X the user vectors, s_ji = X_j·X_i / (|X_j| |X_i| + shrinkage), of the columns of
      X, for the `neighbours` items i of highest s_ji around each j, else 0. Affinity is
      sum_j x_uj s_ji / sum_j |x_uj|; see `UserVectors` for x and for new people and items,
      `Personalization` for what is served.
    Cost: O(pairs of items in one user vector) a fit; O(|x| neighbours) a person served; 8 bytes a
      neighbour of every item and 8 an entry of every user vector.
    Source: Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms"; shrinkage
      after Bell and Koren 2007.
    Differs: what was passed over counts; similarities are not scaled to sum to 1 an item.
    Defaults: on MovieLens-100K 50 neighbours do better still.
    """

    layout: ClassVar[Mapping[str, str]] = {**LAYOUT, "similar": "csr I I"}
    Settings = ItemKNNSettings

    @classmethod
    def fit_table(cls, fit: Fit[ItemKNNSettings]) -> dict[str, np.ndarray]:
        """Returns the user vectors, and the neighbours of every item."""
        vectors = UserVectors.of_table(fit.table, skip_weight=fit.settings.skip_weight)
        items = vectors.matrix.T.tocsr()
        mean_length = float(abs(items).sum()) / items.shape[0]
        items = weighted(items, fit.settings.weighting, rarity(items), mean_length)
        similar = nearest(
            items,
            items.T.tocsr(),
            norms(items),
            n_nearest=fit.settings.neighbours,
            shrinkage=fit.settings.shrinkage,
            is_same=True,
        )
        return {**vectors.arrays(), **stored("similar", similar)}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns the mean similarity of items to what people liked."""
        shares = UserVectors.of_model(model).shares(query)
        return sums(shares, restored("similar", model), query.item)


@dataclass(frozen=True, kw_only=True)
class UserKNNSettings(NeighbourSettings):
    """Settings of `UserKNN`."""

    likers: int = setting(300, low=1, doc="people asked about each item at most")


class UserKNN(Recommender[UserKNNSettings]):
    """Shows the candidates that the people of the most similar taste liked.

    Idea: who agreed so far will go on agreeing.
    Update: with x the user vectors, s_uv = x_u·x_v / (|x_u| |x_v| + shrinkage) for the `neighbours`
      people v of highest s_uv, else 0; one of them is u, whose word counts most. Affinity is
      sum_v s_uv x_vi / sum_v s_uv; see `UserVectors` for x and for new people and items,
      `Personalization` for what is served.
    Cost: a fit only sorts the user vectors. Neighbours are found when somebody is served, and so
      know what this session showed: O(|x| likers + neighbours |x|), where of an item that more than
      `likers` people speak of, an evenly spaced sample of `likers` is asked: 40 microseconds a
      person among a million. 16 bytes an entry of every user vector.
    Source: Herlocker, Konstan, Borchers and Riedl 1999, "An algorithmic framework for performing
      collaborative filtering".
    Differs: cosines of likings and passes instead of correlations of ratings.
    """

    layout: ClassVar[Mapping[str, str]] = {
        **LAYOUT,
        "liker": "csr I U+1",
        "norm": "f U+1",
        "rarity": "f I",
        "mean_length": "f",
        "neighbours": "i",
        "shrinkage": "f",
        "weighting": "U",
    }
    Settings = UserKNNSettings

    @classmethod
    def fit_table(cls, fit: Fit[UserKNNSettings]) -> dict[str, np.ndarray]:
        """Returns the user vectors, who speaks of each item, and what finding neighbours needs."""
        settings = fit.settings
        vectors = UserVectors.of_table(fit.table, skip_weight=settings.skip_weight)
        mean_length = float(abs(vectors.matrix).sum()) / vectors.matrix.shape[0]
        column_rarity = rarity(vectors.matrix)
        people = weighted(vectors.matrix, settings.weighting, column_rarity, mean_length)
        return {
            **vectors.arrays(),
            **stored("liker", _thinned(people.T.tocsr(), settings.likers)),
            "norm": norms(people),
            "rarity": column_rarity,
            "mean_length": np.array(mean_length),
            "neighbours": np.array(settings.neighbours),
            "shrinkage": np.array(settings.shrinkage),
            "weighting": np.array(settings.weighting),
        }

    def check_model(self, model: Model) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        super().check_model(model)
        most = max(self.settings.neighbours, len(model["norm"]))
        require_range("neighbours", model["neighbours"], low=1, high=most)
        require_range("shrinkage", model["shrinkage"], low=0.0)
        for name in ("norm", "rarity"):
            require_range(name, model[name], low=0.0)
        if str(model["weighting"]) not in WEIGHTINGS:
            raise ValueError(f"weighting is none of {', '.join(WEIGHTINGS)}")

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns what the neighbours of people think of items, the nearer the more."""
        vectors = UserVectors.of_model(model)
        people = weighted(
            vectors.asking(query),
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
        return sums(scaled(neighbours), vectors.matrix, query.item)


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
