"""A linear model of the reward that is tried where it is unsure."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.bandits.linear_bandit import LinearBandit
from recsim_env.agents.core.transition import Observation
from recsim_env.envs import RecommendationVectorEnv


class LinUCB(LinearBandit):
    """Shows the candidates with the highest upper confidence bound of a linear model.

    Idea: the reward is linear in features of person and item; show what might be best.
    Update: score = w·x + alpha sqrt(xᵀ A⁻¹ x), where w = A⁻¹ b; "hybrid" has the variance of its
      sum under the root. A whole batch of people acts on one A. See `LinearBandit` for x, A and b.
    Cost: see `LinearBandit`.
    Source: Li, Chu, Langford and Schapire 2010, "A contextual-bandit approach to personalized news
      article recommendation": algorithm 1 is "disjoint", algorithm 2 "hybrid".
    Differs: "shared", the default, has one vector of weights for all items, as they carry features;
      an intercept; updates in batches; places of a slate count by how likely they were looked at.

    Settings: those of `LinearBandit`, and
      alpha: width of the confidence bound, in units of the reward's noise (1). With 0 and an
        `exploration` it is the linear epsilon-greedy rule.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"alpha": 1.0, **LinearBandit.defaults}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("alpha", self.settings["alpha"] >= 0, "0 or more")

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the mean reward of each candidate, with the bonus unless `deterministic`."""
        alpha = self.settings["alpha"]
        if deterministic or alpha == 0.0:
            return self.model.mean(observation)
        mean, variance = self.model.mean_and_variance(observation)
        return np.asarray(mean + alpha * np.sqrt(variance))
