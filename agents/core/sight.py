"""The true state of people, for agents that are references: what one that saw everything learns.

An agent with the setting ``observe="state"`` lives in a twin of its environment that shows what is
hidden (`Scenario.observe_state`); it learns there. Where it is asked to act on what the environment
itself shows, it looks at the people who are there.
"""

from typing import Any

from recsim_env.agents.core.acting import require_present
from recsim_env.agents.core.reward_wrappers import paid_alike
from recsim_env.agents.core.transition import Observation
from recsim_env.core.hidden import CANDIDATE_STATE, STATE
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario


def sighted(scenario: Scenario) -> Scenario:
    """Returns the scenario that shows what is hidden, too."""
    return scenario if scenario.observe_state else resolve_scenario(scenario, observe_state=True)


class Sight:
    """What an agent that sees everything sees of the people of an environment.

    Args:
      env: which shows less.
      stage: through what it is stepped.

    Attributes:
      env: a twin that shows everything.
      stage: through what the twin is stepped, which pays alike.
    """

    def __init__(self, env: RecommendationVectorEnv, stage: Any) -> None:
        self._shown = env
        self.env = env.twin(observe_state=True)
        self.stage = paid_alike(stage, self.env)
        self._window: RecommendationVectorEnv | None = None

    def of(self, observation: Observation, name: str) -> Observation:
        """Returns an observation of the environment with all that it does not show.

        Args:
          observation: of everybody, as they are now; or of the twin, which is returned as it is.
          name: of who asks.

        Raises:
          ValueError: it is of others than the people of the environment as they are now.
        """
        if any(each.startswith((STATE, CANDIDATE_STATE)) for each in observation):
            return observation
        require_present(self._shown, observation, name)
        if self._window is None:
            self._window = self.env.twin()
        self._window.state = self._shown.state
        seen: Observation = self._window.observe()
        return seen
