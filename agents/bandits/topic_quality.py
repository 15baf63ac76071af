"""What each topic turned out to be worth, the same for everybody."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recsim_env.agents.bandits.arm_agent import ArmAgent
from recsim_env.agents.bandits.arms import Tally
from recsim_env.agents.bandits.epsilon_greedy import EpsilonGreedySettings
from recsim_env.core.settings import setting


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
