"""The ceilings: agents that look into the people they serve."""

from typing import Any

import numpy as np

from recsim_env.agents.agent import Observation, StepwiseAgent
from recsim_env.scenario import Scenario


class Oracle(StepwiseAgent):
    """Shows the candidates with the highest immediate expected reward, by the true user state.

    Idea: what perfect knowledge of the person, without foresight, earns.
    Update: none; it reads `env.appeal()`, the scenario's privileged view.
    Cost: one call of the compiled `appeal` a batch.
    Source: the scenario.
    Differs: it ranks items one by one, so with several items on a slate that compete for one choice
      it is the best slate only where the choice is the best ranking's.
    """

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where the scenario does not say what people like."""
        if scenario.appeal is Scenario.appeal:
            return f"{type(scenario).__name__} defines no appeal(), so there is no oracle"
        return None

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the true values, (n, n_candidates), of the environment that it acts in."""
        values = self.look()
        n = len(next(iter(observation.values())))
        if len(values) != n:
            raise ValueError(
                f"{n} observations, but the oracle looks into {len(values)} environments; "
                "call set_env() with the environment it acts in"
            )
        return values

    def look(self) -> np.ndarray:
        """Returns what the oracle ranks by, (num_envs, n_candidates)."""
        return self.env.appeal()


class FarSighted(Oracle):
    """Shows the candidates with the highest far-sighted worth, by the true user state.

    Idea: what a good policy that knows the person and thinks ahead earns; the scenario's `worth`
      says how.
    Update: none.
    Cost: one call of the compiled `worth` a batch.
    Source: the scenario.
    """

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where the scenario has no far-sighted reference."""
        if scenario.worth is None:
            name = type(scenario).__name__
            return f"{name} has no far-sighted reference; the oracle is its ceiling"
        return None

    def look(self) -> np.ndarray:
        """Returns the far-sighted worth of each candidate."""
        return self.env.worth()
