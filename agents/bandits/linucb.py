"""A linear model of the reward that is tried where it is unsure."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.bandits.linear_bandit import LinearBandit, RewardModelSettings, linear_model
from recsim_env.agents.bandits.linear_models import LinearModel
from recsim_env.agents.core.features import JointFeatures
from recsim_env.agents.core.transition import Observation
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class LinUCBSettings(RewardModelSettings):
    """What `LinUCB` is given."""

    alpha: float = setting(
        1.0,
        low=0.0,
        doc="width of the confidence bound, in units of the reward's noise; with 0 and an "
        "exploration it is the linear epsilon-greedy rule",
    )


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
    """

    Settings = LinUCBSettings
    settings: LinUCBSettings

    def make_model(self, features: JointFeatures) -> LinearModel:
        """Returns the model that the settings name."""
        return linear_model(self.settings, features, self.env.scenario.n_items)

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the mean reward of each candidate, with the bonus unless `deterministic`."""
        alpha = self.settings.alpha
        if deterministic or alpha == 0.0:
            return self.model.mean(observation)
        mean, variance = self.model.mean_and_variance(observation)
        return np.asarray(mean + alpha * np.sqrt(variance))
