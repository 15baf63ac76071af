"""A linear model of the reward that is tried where it is unsure."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.agent import Feedback, Observation, StepwiseAgent
from recsim_env.agents.joint_features import JointFeatures
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario

# Rounding errors of this many corrections stay far below those of the data; then A⁻¹ is made anew.
_MAX_CORRECTIONS = 1_000


class LinUCB(StepwiseAgent):
    """Shows the candidates with the highest upper confidence bound of a shared linear model.

    Idea: the reward is linear in features of person and item together; show what might be best.
    Update: score = theta·x + alpha sqrt(xᵀ A⁻¹ x), where A = ridge I + sum x xᵀ, b = sum r x over
      what was shown, r its share of the reward, and theta = A⁻¹ b. A whole batch of people acts on
      one A. x = (1, g) ⊗ (1, f), with g the person's `user`, `context` and `history`, and f the
      candidate's features; shorter where that is too long, see `JointFeatures`.
    Cost: for d features, n people, C candidates and k items shown, A⁻¹ takes O(d² k) where
      4 k ≤ d and O(d³) otherwise; the bonus O(n d² + n C |f|²), as x is a product; 16 d² bytes.
    Source: Li, Chu, Langford and Schapire 2010, "A contextual-bandit approach to personalized news
      article recommendation".
    Differs: one theta for all items (theirs are one an item, or hybrid), as items carry features;
      an intercept; updates in batches; every shown place is an observation, looked at or not.

    Settings:
      alpha: width of the confidence bound, in units of the reward's noise (1).
      ridge: prior precision of theta (1).
      max_features: longest x that takes the full product (256).
    """

    defaults: ClassVar[Mapping[str, Any]] = {"alpha": 1.0, "ridge": 1.0, "max_features": 256}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        for name, holds, allowed in (
            ("alpha", self.settings["alpha"] >= 0, "0 or more"),
            ("ridge", self.settings["ridge"] > 0, "more than 0"),
        ):
            if not holds:
                raise ValueError(f"{name}={self.settings[name]!r} is not allowed; use {allowed}")
        self.features = JointFeatures(env.scenario, max_features=self.settings["max_features"])
        n = self.features.n_features
        self.precision = np.eye(n) * self.settings["ridge"]
        self.covariance = np.eye(n) / self.settings["ridge"]
        self.moment = np.zeros(n)
        self.theta = np.zeros(n)
        self._n_corrections = 0

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features."""
        if "candidates" not in scenario.space_fields():
            return (
                f"linucb needs item features, and {type(scenario).__name__} with these settings "
                "shows none"
            )
        return None

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the mean reward of each candidate, with the bonus unless `deterministic`."""
        mean = self.features.product(observation, self.theta)
        alpha = 0.0 if deterministic else self.settings["alpha"]
        if alpha == 0.0:
            return mean
        variance = self.features.quadratic_form(observation, self.covariance)
        return np.asarray(mean + alpha * np.sqrt(np.maximum(variance, 0.0)))

    def update(self, feedback: Feedback) -> None:
        """Adds what was shown to A and b, and brings A⁻¹ and theta up to date."""
        is_shown = feedback.is_shown
        x = self.features.of_slates(feedback.observation, feedback.slates)[is_shown]
        self.precision += x.T @ x
        self.moment += feedback.place_rewards[is_shown] @ x
        self._refresh(x)
        self.theta = self.covariance @ self.moment

    def _refresh(self, x: np.ndarray) -> None:
        """Brings A⁻¹ up to date with the rows `x` just added to A.

        Few rows are a Woodbury correction (faster up to half as many rows as columns, measured for
        32 to 1,024 columns), many a new inverse, which also clears the corrections' rounding. All
        of it is NumPy's: SciPy brings BLAS threads of its own, and on a busy machine the two wait
        for each other a hundred times longer than they compute.
        """
        if 4 * len(x) <= len(self.precision) and self._n_corrections < _MAX_CORRECTIONS:
            product = x @ self.covariance
            factor = np.linalg.cholesky(np.eye(len(x)) + product @ x.T)
            root = np.linalg.solve(factor, product)
            self.covariance -= root.T @ root
            self._n_corrections += 1
        else:
            inverse = np.linalg.inv(self.precision)
            self.covariance = (inverse + inverse.T) / 2.0
            self._n_corrections = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns A and b, and A⁻¹ as it is used."""
        return {
            "precision": self.precision,
            "moment": self.moment,
            "covariance": self.covariance,
            "n_corrections": np.array(self._n_corrections),
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        self.precision, self.moment = arrays["precision"], arrays["moment"]
        self.covariance = arrays["covariance"]
        self._n_corrections = int(arrays["n_corrections"])
        self.theta = self.covariance @ self.moment
