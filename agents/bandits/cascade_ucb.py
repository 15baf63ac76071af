"""Upper confidence bounds for slates that people read from the top."""

from dataclasses import dataclass

import numpy as np

from recsim_env.agents.bandits.arm_agent import ArmAgent
from recsim_env.agents.bandits.arms import Tally
from recsim_env.agents.bandits.ucb import UCBSettings, upper_bounds
from recsim_env.core.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class CascadeUCBSettings(UCBSettings):
    """What `CascadeUCB` is given."""

    alpha: float = 1.5
    outcome: str = "clicked"


class CascadeUCB(ArmAgent):
    """Learns how attractive each item is from the places down to the click, and from no others.

    Idea: who reads from the top and stops at the first item that attracts them has passed over what
      stands above it, and has not seen what stands below it. The most attractive items make the
      best slate, in any order.
    Update: an item looked at n times and clicked in a share w of them has the index
      w + sqrt(alpha ln t / n) after t slates, or that of `UCB` with "kl" (CascadeKL-UCB); the
      `slate_size` highest are shown, the highest on top. Where readers may stop without a click, a
      place that nothing is known of counts by how likely it was reached.
    Cost: that of `UCB`.
    Source: Kveton, Szepesvári, Wen and Ashkan 2015, "Cascading bandits: learning to rank in the
      cascade model" (CascadeUCB1, CascadeKL-UCB).
    Differs: readers may stop without a click; a batch of people sees one tally; "kl" allows for
      ln t, where they do for ln t + 3 ln ln t, and so explores less.
    """

    Settings = CascadeUCBSettings
    settings: CascadeUCBSettings

    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns the upper confidence bound of each candidate's arm."""
        return upper_bounds(self, self.settings, tally, arm)

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where a click does not hide what stands below it."""
        clicked = np.zeros((2, scenario.slate_size), bool)
        clicked[0, 0] = True
        is_seen = scenario.examination_probability(clicked)[:, 1:] > 0
        if scenario.slate_size == 1 or is_seen[0].any() or not is_seen[1].all():
            return (
                f"{cls.__name__} needs slates of several places, read from the top to the first "
                f"click, and those of {type(scenario).__name__} with these settings are not; some "
                "scenarios have slate_size= and choice='cascade'"
            )
        return super().unsuitable(scenario)
