"""A linear model of the reward that is tried as often as it may be right."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.bandits.linear_bandit import LinearBandit
from recsim_env.agents.core.transition import Observation
from recsim_env.envs import RecommendationVectorEnv


class LinThompson(LinearBandit):
    """Shows the candidates that are best under weights drawn from what is believed of them.

    Idea: show an item as often as it may be the best, given what was seen; then doubt explores.
    Update: for every decision w ~ N(A⁻¹ b, v² A⁻¹), score = w·x; all candidates of a decision share
      one draw. See `LinearBandit` for x, A and b.
    Cost: a decision draws d numbers more, O(d²), and a batch O(d³); see `LinearBandit`.
    Source: Agrawal and Goyal 2013, "Thompson sampling for contextual bandits with linear payoffs",
      which is "shared"; "disjoint" is the linear baseline of Riquelme, Tucker and Snoek 2018, "Deep
      Bayesian bandits showdown".
    Differs: v is set and not computed from a bound; people of a batch draw from one posterior; with
      "disjoint", the noise is fixed where Riquelme et al. infer it.

    Settings: those of `LinearBandit`, and
      v: the reward's noise, by which posterior deviations are multiplied (1).
    """

    defaults: ClassVar[Mapping[str, Any]] = {"v": 1.0, **LinearBandit.defaults}

    draws_slates = "scores"

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("v", self.settings["v"] >= 0, "0 or more")

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the rewards under drawn weights, or where `deterministic` under their mean."""
        if deterministic:
            return self.model.mean(observation)
        return self.model.draw(observation, self.rng, scale=self.settings["v"])
