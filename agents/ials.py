"""People and items as points in one space of tastes: implicit matrix factorization."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.agent import Observation
from recsim_env.agents.log_agent import LogAgent, evidence, rows_of
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario


class ImplicitALS(LogAgent):
    """Shows the candidates whose factors agree best with the person's, after implicit ALS.

    Idea: people who liked the same items have like tastes; few numbers a person and item say so.
    Update: minimise sum_ui c_ui (p_ui - x_u·y_i)^2 + regularization (|x|^2 + |y|^2) in turn over
      people's x and items' y. With L_ui the liking of i by u in the log (rewards over that of a
      typical liked item), S_ui the times that u passed i over, rho = sum L / sum S, and
      e = alpha (L - skip_weight rho S): p_ui = [e > 0], c_ui = 1 + |e|, where never shown 0 and 1.
      Served are factors shrunk to their mean over all, by the times m they were shown:
      x_u' = (m x_u + prior_showings x_mean) / (m + prior_showings), items likewise, so a new person
      is served the average taste (what is popular), and a new item is an average item.
    Cost: O(pairs factors^2 iterations) a fit; O(n_candidates factors) a decision; 4 bytes a factor
      for every person and item in the log.
    Source: Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets";
      solved by the library implicit (conjugate gradients, one thread: the same factors for a seed).
    Differs: what was shown and passed over counts against an item more than what was never shown
      (`skip_weight=0` is the original); factors are shrunk to their mean after fitting.

    Settings (defaults chosen on RatedCatalogue at 5,000 to 100,000 user-steps):
      factors: numbers a person and item (8).
      regularization, iterations: of the fit (100, 10); a confidence of 100 needs about as much.
      alpha: confidence that a typical like adds to that of a pair never shown (100).
      skip_weight: how much being passed over counts (1, at which all likes and all passes balance).
      prior_showings: how many showings the mean factors are worth (5).
      refit_every, exploration: see `LogAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **LogAgent.defaults,
        "factors": 8,
        "regularization": 100.0,
        "iterations": 10,
        "alpha": 100.0,
        "skip_weight": 1.0,
        "prior_showings": 5.0,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        for name in ("factors", "iterations"):
            self.require(name, self.settings[name] >= 1, "at least 1")
        for name in ("regularization", "alpha", "prior_showings"):
            self.require(name, self.settings[name] > 0, "more than 0")
        self.require("skip_weight", self.settings["skip_weight"] >= 0, "0 or more")
        _solver()

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where people or items have no ids."""
        if not (scenario.n_users and scenario.n_items):
            lacking = " and ".join(
                name for name in ("n_users", "n_items") if not getattr(scenario, name)
            )
            return (
                f"ials needs user and item ids, and {type(scenario).__name__} with these settings "
                f"lacks them; set {lacking}"
            )
        return None

    def fit(self) -> dict[str, np.ndarray]:
        """Returns sorted ids, shrunk factors and mean factors of people and items."""
        users, user = np.unique(self.log["user_id"], return_inverse=True)
        items, item = np.unique(self.log["item_id"], return_inverse=True)
        weight, _ = evidence(self.log, self.settings["skip_weight"])
        weight *= self.settings["alpha"]
        matrix = sparse.csr_matrix((weight, (user, item)), (len(users), len(items)))
        matrix.sum_duplicates()
        matrix.data = matrix.data + np.where(matrix.data > 0, 1.0, -1.0)
        user_factors, item_factors = self._factorize(matrix)
        model = {"user_id": users, "item_id": items}
        for name, factors, n_shown in (
            ("user", user_factors, np.bincount(user)),
            ("item", item_factors, np.bincount(item)),
        ):
            mean = np.average(factors, axis=0, weights=n_shown).astype(np.float32)
            share = (n_shown / (n_shown + self.settings["prior_showings"])).astype(np.float32)
            model[f"{name}_factors"] = mean + share[:, None] * (factors - mean)
            model[f"mean_{name}"] = mean
        return model

    def _factorize(self, matrix: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        """Returns the factors of signed confidences; their sign is the preference."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):  # implicit warns where BLAS runs threads beside its own
            solver = _solver()(
                factors=self.settings["factors"],
                regularization=self.settings["regularization"],
                iterations=self.settings["iterations"],
                num_threads=1,
                random_state=self.seed,
            )
            solver.fit(matrix.astype(np.float32), show_progress=False)
        return solver.user_factors, solver.item_factors

    def fitted_scores(self, observation: Observation, state: Any) -> np.ndarray:
        """Returns the products of factors; who or what is not in the log has the mean factors."""
        x = self._factors("user", observation["user_id"])
        y = self._factors("item", observation["item_id"])
        return np.asarray(np.einsum("nk,nck->nc", x, y))

    def _factors(self, side: str, ids: np.ndarray) -> np.ndarray:
        row, is_known = rows_of(ids, self.model[f"{side}_id"])
        factors = self.model[f"{side}_factors"][row]
        return np.where(is_known[..., None], factors, self.model[f"mean_{side}"])


def _solver() -> Any:
    """Returns implicit's ALS class.

    Raises:
      ImportError: the extra is not installed.
    """
    try:
        from implicit.cpu.als import AlternatingLeastSquares
    except ImportError as error:
        raise ImportError(
            'ials needs the library implicit; install it with pip install "recsim-env[agents]"'
        ) from error
    return AlternatingLeastSquares
