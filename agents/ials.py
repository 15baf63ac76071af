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
      An item's outcome for anybody is its reward per showing, smoothed by prior_showings of the
      mean; served is outcome_i + w (x_u - x_mean)·y_i, tastes x_u - x_mean shrunk by the times that
      u was shown anything. The weight w is the one that would have predicted best the rewards that
      came after each fit. A new person gets what is popular, a new item has the mean outcome.
    Cost: O(pairs factors^2 iterations) a fit; O(n_candidates factors) a decision; 4 bytes a factor
      for every person and item in the log.
    Source: Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets";
      solved by the library implicit (conjugate gradients, one thread: the same factors for a seed).
    Differs: what was shown and passed over counts against an item more than what was never shown
      (`skip_weight=0` is the original); it ranks by outcome plus weighted taste, where the original
      ranks by x·y, because ALS has no biases and learns the quality of items too slowly.

    Settings (defaults chosen on RatedCatalogue at 5,000 to 100,000 user-steps):
      factors: numbers a person and item (8).
      regularization, iterations: of the fit (100, 10); a confidence of 100 needs about as much.
      alpha: confidence that a typical like adds to that of a pair never shown (100).
      skip_weight: how much being passed over counts (1, at which all likes and all passes balance).
      prior_showings: how many showings the mean outcome and the mean taste are worth (5).
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
        """Returns ids, factors and outcomes, and how far taste is to be believed beside them.

        The weight of taste is what would have predicted best the rows that came after the previous
        fit (at the first fit: after a fit to four fifths of them); older evidence fades by half.
        """
        n_rows = len(self.log)
        earlier = self.model or self._fit_rows(n_rows * 4 // 5)
        model = self._fit_rows(n_rows)
        if not earlier:
            return model
        since = slice(int(earlier["n_rows"]), n_rows)
        user, item = self.log["user_id"][since], self.log["item_id"][since]
        taste = _taste(earlier, user, item).astype(float)
        surplus = self.log["reward"][since] - _outcome(earlier, item)
        moments = 0.5 * earlier["moments"] + [taste @ surplus, taste @ taste]
        model["moments"] = moments
        model["weight"] = np.maximum(moments[0], 0.0) / max(moments[1], np.finfo(float).tiny)
        return model

    def _fit_rows(self, n_rows: int) -> dict[str, np.ndarray]:
        """Returns the model of the first rows of the log; empty where none of them was clicked."""
        log = {
            name: self.log[name][:n_rows] for name in ("user_id", "item_id", "clicked", "reward")
        }
        if not log["clicked"].any():
            return {}
        users, user = np.unique(log["user_id"], return_inverse=True)
        items, item = np.unique(log["item_id"], return_inverse=True)
        n_met, n_shown = np.bincount(user), np.bincount(item)
        user_factors, item_factors = self._factorize(self._confidences(log, user, item))
        taste = user_factors - np.average(user_factors, axis=0, weights=n_met)
        prior = self.settings["prior_showings"]
        mean = log["reward"].mean(dtype=float)
        return {
            "user_id": users,
            "item_id": items,
            "taste": (taste * (n_met / (n_met + prior))[:, None]).astype(np.float32),
            "item_factors": item_factors,
            "outcome": (np.bincount(item, log["reward"]) + prior * mean) / (n_shown + prior),
            "mean_outcome": np.array(mean),
            "n_rows": np.array(n_rows),
            "moments": np.zeros(2),
            "weight": np.array(1.0),
        }

    def _confidences(
        self, log: Mapping[str, np.ndarray], user: np.ndarray, item: np.ndarray
    ) -> sparse.csr_matrix:
        """Returns people x items; the size is the confidence, the sign the preference."""
        weight, _ = evidence(log, self.settings["skip_weight"])
        matrix = sparse.csr_matrix((weight * self.settings["alpha"], (user, item)))
        matrix.sum_duplicates()
        matrix.data = matrix.data + np.where(matrix.data > 0, 1.0, -1.0)
        return matrix

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
        """Returns the expected outcome of each item for anybody, plus what taste adds."""
        user, item = observation["user_id"][:, None], observation["item_id"]
        return _outcome(self.model, item) + self.model["weight"] * _taste(self.model, user, item)


def _outcome(model: Mapping[str, np.ndarray], item_id: np.ndarray) -> np.ndarray:
    """Returns the outcome that anybody would have of items; the mean of all where unseen."""
    row, is_known = rows_of(item_id, model["item_id"])
    return np.where(is_known, model["outcome"][row], model["mean_outcome"])


def _taste(model: Mapping[str, np.ndarray], user_id: np.ndarray, item_id: np.ndarray) -> np.ndarray:
    """Returns how people differ from the mean person in an item; 0 where either is unseen."""
    user, user_is_known = rows_of(user_id, model["user_id"])
    item, item_is_known = rows_of(item_id, model["item_id"])
    agreement = np.einsum("...k,...k->...", model["taste"][user], model["item_factors"][item])
    return np.where(user_is_known & item_is_known, agreement, 0.0)


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
