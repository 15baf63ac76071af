"""The best arm or topic so far, and now and then any."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recsim_env.agents.bandits.arm_agent import ArmAgent, ArmSettings
from recsim_env.agents.bandits.arms import Tally
from recsim_env.core.search import Search
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class EpsilonGreedySettings(ArmSettings):
    """What `EpsilonGreedy` is given."""

    epsilon: float = setting(
        0.1,
        search=Search(0.01, 0.3, log=True),
        low=0.0,
        high=1.0,
        doc="share of uniform slates while learning",
    )
    anneal: float = setting(
        0.0, low=0.0, doc="if more than 0, that share is min(1, anneal / t) instead"
    )

    def share_after(self, n_steps: int) -> float:
        """Returns the share of uniform slates after so many interactions."""
        return min(1.0, self.anneal / (n_steps + 1)) if self.anneal > 0 else self.epsilon


class EpsilonGreedy(ArmAgent):
    """Shows what earned the most so far, except that a share of the slates is uniform.

    Idea: explore by chance, however much is known; what cannot be the best costs as much as what
      might be.
    Update: of the slates in interaction t, a share epsilon is uniform (or epsilon_t = min(1, anneal
      / t)), which costs regret that is linear in t (or logarithmic, if anneal suffices for the gap
      between arms, which nobody knows beforehand). The others show the arms with the highest
      (s + m r0) / (n + m), of an arm looked at n times that earned s, with r0 the mean of all arms
      and m prior_showings.
    Cost: O(n_arms) or O(candidates) a batch, whichever is less, and 16 bytes an arm.
    Source: Watkins 1989 (epsilon-greedy); Auer, Cesa-Bianchi and Fischer 2002, "Finite-time
      analysis of the multiarmed bandit problem" (epsilon_n-greedy).
    Differs: slates of several places; a showing counts by how likely it was looked at; unknown arms
      earn the mean.
    """

    Settings = EpsilonGreedySettings
    settings: EpsilonGreedySettings
    has_schedule = True

    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns what is served too: the best guesses."""
        return self.estimate(tally, arm)


@dataclass(frozen=True, kw_only=True)
class TopicQualitySettings(EpsilonGreedySettings):
    """What `TopicQuality` is given."""

    arms: str = setting(
        "auto",
        choices=("auto", "topic", "item"),
        doc="what is chosen among; auto: topics where items show any, else items",
    )
    outcome: str = setting(
        "auto",
        doc="of what the tally is kept: a column of `response`, or the reward; auto: the quality "
        "where the response has it, else the reward",
    )


class TopicQuality(ArmAgent):
    """Shows the topics with the best mean outcome so far, in one line of arithmetic.

    Idea: what a session turns out to be worth is often not what is clicked; where the quality of
      what was shown becomes known afterwards, its mean by topic says what to show again.
    Update: score = the mean outcome of the items shown of the topic, as in `EpsilonGreedy`.
    Cost: O(n_topics) a batch, 16 bytes a topic.
    Source: folklore; a yardstick for agents that plan.
    Differs: none.
    """

    Settings = TopicQualitySettings
    settings: TopicQualitySettings
    has_schedule = True
    preferred: ClassVar[tuple[str, ...]] = ("topic", "item")

    @property
    def outcome(self) -> str:
        """Of what the tally is kept."""
        if self.settings.outcome != "auto":
            return self.settings.outcome
        columns = self.env.scenario.schema.column_names.get("response", ())
        return "quality" if "quality" in columns else "reward"

    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns what is served too: the best guesses."""
        return self.estimate(tally, arm)
