"""People and items as points in one space of tastes: implicit matrix factorization."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.core.restoring import require_range, require_symmetric
from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.agents.recommenders.user_vectors import UserVectorSettings
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting
from recsim_env.data.interactions import Interactions


@dataclass(frozen=True, kw_only=True)
class ImplicitALSSettings(UserVectorSettings):
    """Settings of `ImplicitALS`."""

    factors: int = setting(
        8, search=Search(4, 64, log=True), low=1, doc="numbers a person and item"
    )
    regularization: float = setting(
        100.0,
        search=Search(10.0, 1000.0, log=True),
        above=0.0,
        high=LARGE,
        doc="of the fit; a confidence of 100 needs about as much",
    )
    iterations: int = setting(10, low=1, doc="of the fit")
    alpha: float = setting(
        100.0,
        search=Search(10.0, 1000.0, log=True),
        above=0.0,
        high=LARGE,
        doc="confidence that a typical like adds to that of a pair never shown",
    )
    confidence: str = setting(
        "linear", choices=("linear", "log"), doc="how it grows with what was liked"
    )


class ImplicitALS(Recommender[ImplicitALSSettings]):
    """Shows the candidates whose factors agree best with the person's, after implicit ALS.

    Idea: people who liked the same items have like tastes; few numbers a person and item say so.
    Update: minimise sum_ui c_ui (p_ui - x_u·y_i)^2 + regularization (|x|^2 + |y|^2) in turn over
      people's x and items' y. With L_ui the liking of i by u in the log (rewards over that of a
      typical liked item), S_ui the times that u passed i over, rho = sum L / sum S, and
      e = alpha (L - skip_weight rho S): p_ui = [e > 0], c_ui = 1 + |e|, where never shown 0 and 1;
      with confidence "log", |e| is alpha log(1 + |e| / alpha) instead. Affinity is x_u·y_i; see
      `Personalization` for what is served. A new person's x is solved for what they liked in
      this session; a new item has the mean outcome.
    Cost: O(pairs factors^2 iterations) a fit; O(n_candidates factors) a decision; 4 bytes a factor
      for every person in the log and every item.
    Source: Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets";
      solved by the library implicit (conjugate gradients, one thread: the same factors for a seed).
    Differs: what was shown and passed over counts against an item more than what was never shown
      (`skip_weight=0` is the original); it ranks by outcome plus weighted taste, where the original
      ranks by x·y, because ALS has no biases and learns the quality of items too slowly.
    Defaults: chosen on RatedCatalogue at 5,000 to 100,000 interactions. On MovieLens-100K factors
      25 as published, confidence "log", alpha 3 and regularization 10 are best, with the row before
      everybody's last held out.
    """

    fitted_with = "implicit"
    layout: ClassVar[Mapping[str, str]] = {
        "people": "f U K",
        "items": "f I K",
        "gram": "f K K",
        "added": "f",
    }
    Settings = ImplicitALSSettings

    @classmethod
    def fit_table(cls, fit: Fit[ImplicitALSSettings]) -> dict[str, np.ndarray]:
        """Returns the factors of people and items, and what fold-in needs."""
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        settings = fit.settings
        with threadpool_limits(1, "blas"):  # implicit warns where BLAS runs threads beside its own
            solver = AlternatingLeastSquares(
                factors=settings.factors,
                regularization=settings.regularization,
                iterations=settings.iterations,
                num_threads=1,
                random_state=fit.seed,
            )
            confidences = _confidences(fit.table, settings).astype(np.float32)
            solver.fit(confidences, show_progress=False)
        people, items = solver.user_factors, solver.item_factors
        return {
            "people": people,
            "items": items,
            "gram": items.T @ items + settings.regularization * np.eye(items.shape[1]),
            "added": np.asarray(settings.alpha * _damped(np.array(1.0), settings)),
        }

    @classmethod
    def check_fitted(cls, model: Model, sizes: Mapping[str, int]) -> None:
        """Raises ValueError unless what fold-in needs can be of factors."""
        require_symmetric("gram", model["gram"])
        require_range("gram", np.diagonal(model["gram"]), low=0.0)
        require_range("added", model["added"], low=0.0)

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns x·y; a stranger's x is solved for what they liked in this session."""
        people = query.of_users(model["people"], np.zeros(model["items"].shape[1]))
        is_new = (query.user < 0) & (query.recent >= 0).any(axis=1)
        if is_new.any():
            people[is_new] = _folded_in(model, query.recent[is_new])
        return query.products(people.astype(np.float32), model["items"])


def _confidences(table: Interactions, settings: ImplicitALSSettings) -> sparse.csr_matrix:
    """Returns people x items; the size is the confidence, the sign the preference."""
    weight, _ = table.evidence(settings.skip_weight)
    shape = (table.n_users, table.n_items)
    matrix = sparse.csr_matrix((weight, (table.user, table.item)), shape=shape)
    matrix.sum_duplicates()
    size = _damped(np.abs(matrix.data), settings)
    matrix.data = np.where(matrix.data > 0, 1.0, -1.0) * (1.0 + settings.alpha * size)
    return matrix


def _damped(size: np.ndarray, settings: ImplicitALSSettings) -> np.ndarray:
    """Returns how far evidence of a size, 1 being a typical like, counts towards confidence."""
    return np.asarray(np.log1p(size) if settings.confidence == "log" else size)


def _folded_in(model: Model, recent: np.ndarray) -> np.ndarray:
    """Returns the factors that fit people who liked these items, each once, and no others."""
    added = model["added"]
    liked = model["items"][recent] * (recent >= 0)[:, :, None]
    squares = np.einsum("nhi,nhj->nij", liked, liked, optimize=True)
    right = (1.0 + added) * liked.sum(axis=1)
    return np.linalg.solve(model["gram"] + added * squares, right[:, :, None])[:, :, 0]
