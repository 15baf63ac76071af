"""Each item as a few others that speak for it: sparse linear methods (SLIM)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.recommenders.neighbours import sums
from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.agents.recommenders.user_vectors import (
    LAYOUT,
    UserVectors,
    UserVectorSettings,
    restored,
    stored,
    too_many_items,
)
from recsim_env.compiler.kernel_cache import compiled
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting

# Descent ends once no weight of a sweep changes by more than this, or after so many sweeps.
_NEGLIGIBLE, _MAX_SWEEPS = 1e-5, 1_000


@dataclass(frozen=True, kw_only=True)
class SLIMSettings(UserVectorSettings):
    """Settings of `SLIM`."""

    refit_every: int = 5_000
    l1: float = setting(
        2.0,
        search=Search(0.2, 20.0, log=True),
        low=0.0,
        high=LARGE,
        doc="of W, in typical likes: the more, the fewer weights",
    )
    l2: float = setting(
        100.0,
        search=Search(10.0, 1000.0, log=True),
        above=0.0,
        high=LARGE,
        doc="of W, in typical likes, squared",
    )


class SLIM(Recommender[SLIMSettings]):
    """Shows the candidates for which a few of the things that the person liked speak.

    Idea: predict every item of a user vector from the others, by few weights that are not negative:
      neighbours as in `item_knn`, but found together, so that two that say the same share a weight.
    Update: minimise |X - X W|^2 / 2 + l2 |W|^2 / 2 + l1 sum |W| with W >= 0 and diag W = 0, X being
      the user vectors: for each item i in turn, w_ji = max(0, X_j·(X_i - sum_k≠j X_k w_ki) - l1) /
      (|X_j|^2 + l2) over all j until nothing changes. Affinity is sum_j x_uj w_ji / sum_j |x_uj|;
      see `UserVectors` for x and for new people and items, `Personalization` for what is served.
    Cost: O(n_items^2 weights sweeps) a fit, weights being those of one item; 8 bytes a weight and
      an entry of every user vector, 4 n_items^2 while fitting, so up to 20,000 items only;
      O(|x| weights) a person served.
    Source: Ning and Karypis 2011, "SLIM: sparse linear methods for top-N recommender systems";
      coordinate descent on XᵀX: Friedman, Hastie and Tibshirani 2010, "Regularization paths for
      generalized linear models via coordinate descent".
    Differs: what was passed over counts.
    Defaults: chosen on MovieLens-100K, with the row before everybody's last held out.
    """

    layout: ClassVar[Mapping[str, str]] = {**LAYOUT, "weights": "csr I I"}
    Settings = SLIMSettings

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items, or people, have no ids, or items are too many."""
        return super().unsuitable(scenario) or too_many_items("slim", scenario.n_items)

    @classmethod
    def fit_table(cls, fit: Fit[SLIMSettings]) -> dict[str, np.ndarray]:
        """Returns the user vectors, and W, `weights`."""
        if refusal := too_many_items("slim", fit.table.n_items):
            raise ValueError(refusal)
        vectors = UserVectors.of_table(fit.table, skip_weight=fit.settings.skip_weight)
        gram = (vectors.matrix.T @ vectors.matrix).toarray()
        columns = []
        for item in range(len(gram)):
            weights = _weights(gram, item, fit.settings.l1, fit.settings.l2)
            columns.append(sparse.csr_array(weights[None]))
        weights = sparse.vstack(columns, format="csr").T.tocsr()
        return {**vectors.arrays(), **stored("weights", weights)}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns x W."""
        shares = UserVectors.of_model(model).shares(query)
        return sums(shares, restored("weights", model), query.item)


@compiled
def _weights(gram: np.ndarray, item: int, l1: float, l2: float) -> np.ndarray:
    """Returns the weights of all items for one of them, (n_items,), by coordinate descent.

    A sweep over all items finds those that take part, and is followed by some over these alone.
    """
    weights = np.zeros_like(gram[item])
    for _ in range(_MAX_SWEEPS):
        unexplained = gram[item].copy()  # X_j·(X_i - X w) of every j
        for other in range(len(gram)):
            if weights[other] != 0.0:
                _subtract(weights[other], gram[other], unexplained)
        unexplained[item] = -np.inf  # which keeps it out
        if _sweep(gram, weights, unexplained, l1, l2) <= _NEGLIGIBLE:
            break
        _sweep_part(gram, weights, unexplained, l1, l2)
    return weights


@compiled
def _sweep_part(
    gram: np.ndarray, weights: np.ndarray, unexplained: np.ndarray, l1: float, l2: float
) -> None:
    """Sets the weights that are not 0 in turn, again and again; loops, as they compile quickly."""
    part = [other for other in range(len(gram)) if weights[other] != 0.0]
    own, rest = np.empty_like(weights[: len(part)]), np.empty_like(weights[: len(part)])
    gram_of_part = np.empty((len(part), len(part)), gram.dtype)
    for row in range(len(part)):
        own[row], rest[row] = weights[part[row]], unexplained[part[row]]
        for column in range(len(part)):
            gram_of_part[row, column] = gram[part[row], part[column]]
    for _ in range(_MAX_SWEEPS):
        if _sweep(gram_of_part, own, rest, l1, l2) <= _NEGLIGIBLE:
            break
    for row in range(len(part)):
        weights[part[row]] = own[row]


@compiled
def _sweep(
    gram: np.ndarray, weights: np.ndarray, unexplained: np.ndarray, l1: float, l2: float
) -> float:
    """Sets the weight of each of some items in turn, and returns the largest change.

    `weights` and `unexplained` are changed.
    """
    largest = 0.0
    for other in range(len(gram)):
        before, size = weights[other], gram[other, other]
        if before == 0.0 and unexplained[other] <= l1:
            continue
        weights[other] = max(0.0, unexplained[other] + size * before - l1) / (size + l2)
        change = weights[other] - before
        if change != 0.0:
            largest = max(largest, abs(change))
            _subtract(change, gram[other], unexplained)
    return largest


@compiled
def _subtract(factor: float, row: np.ndarray, vector: np.ndarray) -> None:
    """Takes a multiple of a row from a vector."""
    for column in range(len(row)):
        vector[column] -= factor * row[column]
