"""Deep Q-learning with a value of its own for every slate."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.sb3.dqn import SlateValueAgent, SlateValueSettings
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.action_forms import ActionForm, AllSlates, count_slates

# More slates than these take too long to compare at every step.
_MAX_SLATES = 20_000


@dataclass(frozen=True, kw_only=True)
class FullSlateQSettings(SlateValueSettings):
    """What the full-slate Q-learner is given."""

    width: int = 128


class FullSlateQAgent(SlateValueAgent):
    """Knows nothing of slates: each is a number with a value of its own; for comparison.

    Idea: what a slate is worth need not be made of what its items are worth. What is learned of one
      slate says little of another, though, and what is learned of a candidate in one place among
      the candidates nothing of it in another: compare `DQNAgent`, to see what knowing that gains.
    Update: as `DQNAgent`, but Q has one output for every set of slate_size candidates, and a
      network with two hidden layers over all that is seen, flattened (`FlatSlateValues`).
    Cost: a gradient step and a decision O(width (n_features n_candidates + n_slates)).
    Source: the full-slate Q-learner of Ie et al. 2019, "RecSim" (arXiv 1909.04847).
    Differs: as `DQNAgent`; slates are sets, shown in ascending order of index.
    """

    Settings = FullSlateQSettings
    form: AllSlates

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features, or there are too many slates."""
        n_slates = count_slates(scenario, ordered=False)
        if n_slates > _MAX_SLATES:
            return (
                f"{cls.__name__} compares all slates, and n_candidates={scenario.n_candidates} "
                f"with slate_size={scenario.slate_size} make {n_slates:,}, more than "
                f"{_MAX_SLATES:,}; lower n_candidates or slate_size"
            )
        return super().unsuitable(scenario)

    def action_form(self, env: RecommendationVectorEnv) -> ActionForm:
        """Returns the table of slates, whose numbers are the actions."""
        return AllSlates(env.scenario, ordered=False, max_slates=_MAX_SLATES)

    def make_network(self, space: Any) -> Any:
        """Returns fresh `FlatSlateValues`."""
        from recsim_env.agents.sb3.slate_dqn import FlatSlateValues

        return FlatSlateValues(space, self.settings.width, len(self.form.table))

    def random_actions(self, n: int) -> np.ndarray:
        """Returns numbers of slates, (n, 1)."""
        return self.rng.integers(0, len(self.form.table), (n, 1))

    def slates_of(self, actions: np.ndarray) -> np.ndarray:
        """Returns slates, (n, slate_size), by their numbers, (n, 1)."""
        return np.asarray(self.form.table[actions[:, 0]])

    def random_chance(self, slates: np.ndarray) -> np.ndarray:
        """Returns the same for all slates of the table, which are ascending, and 0 for others."""
        is_ascending = (np.diff(slates, axis=1) > 0).all(axis=1)
        return np.asarray(is_ascending / len(self.form.table), float)
