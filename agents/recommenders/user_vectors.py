"""People as what they liked: a sparse vector over items, and what a session adds to it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from recsim_env.agents.recommenders.query import Model, Query
from recsim_env.agents.recommenders.recommender import RecommenderSettings
from recsim_env.core.settings import LARGE, setting
from recsim_env.data.interactions import Interactions

#: How `UserVectors.arrays` are laid out in a model; see `Recommender.layout`.
LAYOUT = {"user_vectors": "csr U+1 I"}


@dataclass(frozen=True, kw_only=True)
class UserVectorSettings(RecommenderSettings):
    """Settings of recommenders that know people by what they liked and passed over."""

    skip_weight: float = setting(
        1.0,
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
