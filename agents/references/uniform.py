"""The floor of every comparison: any slate, equally likely."""

from typing import Any

import numpy as np

from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.transition import Observation


class Uniform(OnlineAgent):
    """Shows uniformly random slates without repeated items.

    Idea: what recommending without looking earns.
    Update: none.
    Cost: O(n_candidates) a slate.
    Source: folklore.
    """

    learns = False

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns equal scores; ties are broken at random."""
        n = len(next(iter(observation.values())))
        return np.zeros((n, self.env.scenario.n_candidates))
