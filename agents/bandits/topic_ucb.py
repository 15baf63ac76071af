"""A bandit over topics for each person, of this session alone."""

from collections.abc import Mapping
from typing import Any, ClassVar

from recsim_env.agents.bandits.ucb import UCB


class TopicUCB(UCB):
    """Finds out in every session which topics this person clicks.

    Idea: topics are few, so that a single session tells much of them, even of somebody unknown.
    Update: UCB1 over topics from what this session has shown and clicked of each; the items of the
      best topic are shown, by their visible quality if there is one, then those of the next.
    Cost: O(n_topics) a person, 16 bytes a topic and person; nothing is learned across sessions.
    Source: Ie et al. 2019, "RecSim: a configurable simulation platform for recommender systems"
      (arXiv 1909.04847), its cluster bandit with UCB1.
    Differs: equal topics, and items without a quality, come in random order.

    Settings: those of `UCB`, with arms "topic" and per "session". `Thompson` with the same is
      RecSim's other cluster bandit.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**UCB.defaults, "arms": "topic", "per": "session"}
    preferred: ClassVar[tuple[str, ...]] = ("topic",)
