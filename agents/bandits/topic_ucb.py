"""A bandit over topics for each person, of this session alone."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recsim_env.agents.bandits.arm_agent import ArmAgent
from recsim_env.agents.bandits.arms import Tally
from recsim_env.agents.bandits.ucb import UCBSettings, upper_bounds
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class TopicUCBSettings(UCBSettings):
    """What `TopicUCB` is given."""

    arms: str = setting("topic", choices=("auto", "topic"))
    per: str = "session"


class TopicUCB(ArmAgent):
    """Finds out in every session which topics this person clicks.

    Idea: topics are few, so that a single session tells much of them, even of somebody unknown.
    Update: UCB1 over topics from what this session has shown and clicked of each; the items of the
      best topic are shown, by their visible quality if there is one, then those of the next.
    Cost: O(n_topics) a person, 16 bytes a topic and person; nothing is learned across sessions.
    Source: Ie et al. 2019, "RecSim: a configurable simulation platform for recommender systems"
      (arXiv 1909.04847), its cluster bandit with UCB1.
    Differs: equal topics, and items without a quality, come in random order.

    `Thompson` with the same arms and tally is RecSim's other cluster bandit.
    """

    Settings = TopicUCBSettings
    settings: TopicUCBSettings
    preferred: ClassVar[tuple[str, ...]] = ("topic",)

    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns the upper confidence bound of each candidate's topic."""
        return upper_bounds(self, self.settings, tally, arm)
