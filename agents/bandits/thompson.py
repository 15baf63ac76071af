"""The arm that is the best in one draw from what is believed: Thompson sampling."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recsim_env.agents.bandits.arm_agent import ArmAgent, ArmSettings
from recsim_env.agents.bandits.arms import Tally
from recsim_env.core.search import Search
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class ThompsonSettings(ArmSettings):
    """What `Thompson` is given."""

    prior_successes: float = setting(1.0, above=0.0, doc="a of the prior Beta(a, b)")
    prior_failures: float = setting(
        1.0, search=Search(0.3, 30.0, log=True), above=0.0, doc="b of the prior Beta(a, b)"
    )


class Thompson(ArmAgent):
    """Shows each arm as often as it is believed to be the best.

    Idea: draw what each arm might earn from what is believed of it, and serve as if it were true;
      in a batch everybody gets a draw of their own, so that people try different arms at once.
    Update: an arm looked at n times that earned s, in units of the range of outcomes, is believed
      to earn Beta(a + s, b + n - s). For outcomes 0 and 1 this is the posterior under the prior
      Beta(a, b).
    Cost: a Beta draw a person and candidate (item arms) or topic; 16 bytes an arm.
    Source: Thompson 1933, "On the likelihood that one unknown probability exceeds another in view
      of the evidence of two samples"; Agrawal and Goyal 2012, "Analysis of Thompson sampling for
      the multi-armed bandit problem".
    Differs: for outcomes between 0 and 1 they toss a coin with that chance and count what it shows;
      here its expectation is counted, which adds no noise. Slates of several places; a showing
      counts by how likely it was looked at.
    """

    Settings = ThompsonSettings
    settings: ThompsonSettings
    draws_slates: ClassVar[str | None] = "scores"

    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns a draw for each person and arm; items of one topic share it."""
        if self.arms.kind == "item":
            return self.rng.beta(*self.posterior(tally.at(arm)))
        shape = len(arm), self.arms.n_arms
        successes, failures = (np.broadcast_to(each, shape) for each in self.posterior(tally))
        return np.take_along_axis(self.rng.beta(successes, failures), arm, axis=1)

    def posterior(self, seen: Tally) -> tuple[np.ndarray, np.ndarray]:
        """Returns the parameters of the Beta distribution of each arm."""
        successes = seen.looks * self.unit_mean(seen)
        failures = seen.looks - successes
        return self.settings.prior_successes + successes, self.settings.prior_failures + failures
