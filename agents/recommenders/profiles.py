"""People as what they liked: their row of the table, and what this session adds to it."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.core.restoring import fits_sparse, taken
from recsim_env.agents.recommenders.personal_recommender import PersonalRecommender
from recsim_env.agents.recommenders.recommender import Model, Query
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv


class ProfileRecommender(PersonalRecommender):
    """A recommender to whom a person is a profile p: how much they liked each item.

    p_ui is the liking of i by u, less skip_weight rho for each time that u looked at i and passed
    it over, where rho makes a log speak as much for as against (`Interactions.evidence`). What was
    liked in this session counts 1, unless p says more already. As people stand for what they liked,
    strangers are known as soon as they like something. A new item is in no profile, and has
    the mean outcome.

    A subclass gives `fit_profiles` and `affinity`.

    Settings:
      skip_weight: how much being passed over counts (1).
      prior_showings, refit_every, exploration: see `PersonalRecommender`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**PersonalRecommender.defaults, "skip_weight": 1.0}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("skip_weight", self.settings["skip_weight"] >= 0, "0 or more")

    @classmethod
    def fit_table(
        cls,
        table: Interactions,
        settings: Mapping[str, Any],
        *,
        seed: int,
        previous: Model | None = None,
    ) -> dict[str, np.ndarray]:
        """Returns the profiles, and what `fit_profiles` makes of them."""
        weight, _ = table.evidence(settings["skip_weight"])
        # The last row is nobody's and empty: place -1 finds it.
        shape = (table.n_users + 1, table.n_items)
        entries = (weight.astype(np.float32), (table.user, table.item))
        profiles = sparse.csr_array(entries, shape=shape)
        profiles.eliminate_zeros()
        return {
            **stored("profile", profiles),
            **cls.fit_profiles(profiles, settings, seed=seed),
        }

    def check_model(self, model: Model) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        super().check_model(model)
        n_users, n_items = len(taken(model, "served_met")), self.log.n_items
        fits_sparse(model, "profile", n_rows=n_users + 1, n_columns=n_items)

    @classmethod
    @abstractmethod
    def fit_profiles(
        cls, profiles: sparse.csr_array, settings: Mapping[str, Any], *, seed: int
    ) -> dict[str, np.ndarray]:
        """Returns a model of profiles, (n_users + 1, n_items), the last of them empty."""

    @classmethod
    def profiles(cls, model: Model, query: Query) -> sparse.csr_array:
        """Returns the profiles of the people who ask, (n, n_items), this session included."""
        known = restored("profile", model)[query.user]
        is_recent = query.recent >= 0
        if not is_recent.any():
            return known
        person, _ = np.nonzero(is_recent)
        entries = (np.ones(len(person), np.float32), (person, query.recent[is_recent]))
        recent = sparse.csr_array(entries, shape=known.shape)
        recent.data = np.minimum(recent.data, 1.0)  # liked again is liked
        # Not the maximum of both: it would lift what was passed over to 0, everybody's.
        return known + (recent - known.multiply(recent)).maximum(0.0)

    @classmethod
    def shares(cls, model: Model, query: Query) -> sparse.csr_array:
        """Returns the profiles scaled to sum |p| = 1, so that long and short ones compare."""
        return scaled(cls.profiles(model, query))


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
