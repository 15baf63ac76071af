"""A linear model of the reward that is tried as often as it may be right."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.bandits.linear_bandit import LinearBandit, RewardModelSettings, linear_model
from recsim_env.agents.bandits.linear_models import LinearModel
from recsim_env.agents.core.features import JointFeatures
from recsim_env.agents.core.transition import Observation
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class LinThompsonSettings(RewardModelSettings):
    """What `LinThompson` is given."""

    v: float = setting(
        1.0, low=0.0, doc="the reward's noise, by which posterior deviations are multiplied"
    )


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
    """

    Settings = LinThompsonSettings
    settings: LinThompsonSettings
    draws_slates = "scores"

    def make_model(self, features: JointFeatures) -> LinearModel:
        """Returns the model that the settings name."""
        return linear_model(self.settings, features, self.env.scenario.n_items)

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the rewards under drawn weights, or where `deterministic` under their mean."""
        if deterministic:
            return self.model.mean(observation)
        return self.model.draw(observation, self.rng, scale=self.settings.v)
