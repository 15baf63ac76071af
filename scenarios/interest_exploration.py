"""Two kinds of people, two kinds of items, and a better kind that has to be found out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import (
    MODELS,
    RESPONSE_FIELDS,
    choose,
    click_chance,
)
from recsim_env.core.fields import LARGEST, Layout, count, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, MAX_LOG, MAX_LOG_SD, setting
from recsim_env.core.streams import categorical, lognormal

_COUNT_SCALE = 100.0


@dataclass(frozen=True, kw_only=True)
class InterestExploration(Scenario):
    """Does a recommender find out what the minority likes, when the majority's items look better?

    Users: a hidden type, 0 with probability 0.3 or 1 with 0.7; an affinity for each topic,
      log-normal around the type's. They never change.
    Items: topic 0 with probability 0.2 or 1 with 0.8; a visible quality, log-normal around the
      topic's. Fresh candidates at every step.
    Response: the score of an item is affinity for its topic + quality; `choice` as set, by default
      a multinomial logit against no click.
    Change: none.
    Observation: `history` (4), slates' items shown and clicked so far in the episode by topic, in
      hundreds: shown_0, shown_1, clicked_0, clicked_1; `candidates` (n_candidates, 3) topic one-hot
      and quality; `response` (slate_size, 3) of the last slate: clicked, quality, topic. Type and
      affinities stay hidden.
    Action: indices of the `slate_size` candidates to show.
    Reward: number of clicks.
    End: truncated after `horizon` steps; people never leave.

    Published settings, id `recsim_env/RecSim-InterestExploration-v0`: slate_size 3,
      matching_affinity 0.7 and topic_0_quality 0.8. There the better-looking topic is good enough
      for everybody, and exploration does not pay.

    Reference returns (published settings, 10 candidates, slate 3, clicks per step): uniform .310,
      highest quality .444, myopic oracle .450.

    Source: Ie et al. 2019, "RecSim" (arXiv 1909.04847), interest_exploration; our defaults follow
      its "high affinity" study.
    Differs: a user's affinity for the topic of their kind: type 0 prefers topic 1 and type 1 topic
      0, as in RecSim's tables. `history` is new: it is what any recommender would have written
      down.
    Versions: v0.
    """

    horizon: int = 100
    type_0_share: float = setting(0.3, low=0, high=1, doc="of people")
    topic_0_share: float = setting(0.2, low=0, high=1, doc="of items")
    matching_affinity: float = setting(
        1.2, low=-MAX_LOG, high=MAX_LOG, doc="mean log-affinity for the topic of a person's kind"
    )
    other_affinity: float = setting(0.1, low=-MAX_LOG, high=MAX_LOG, doc="for the other topic")
    topic_0_quality: float = setting(0.5, low=-MAX_LOG, high=MAX_LOG, doc="mean log-quality")
    topic_1_quality: float = setting(0.2, low=-MAX_LOG, high=MAX_LOG, doc="likewise")
    spread: float = setting(0.1, low=0, high=MAX_LOG_SD, doc="sd of these logarithms")
    choice: str = setting("multinomial_logit", choices=MODELS, doc="see `recsim_env.core.choice`")
    no_click_score: float = setting(5.0, low=-LARGE, high=LARGE, doc="the score of no click")
    min_normalizer: float = setting(0.0, low=-LARGE, high=LARGE, doc='of "proportional"')
    examination: float = setting(
        0.8, low=0, high=1, doc='chance of reading on, of "cascade" and "position_based"'
    )

    category: ClassVar[str | None] = "topic"
    pays: ClassVar[str] = "clicks"
    traits: ClassVar[tuple[str, ...]] = ("type",)
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {"taste": ("affinity",)}

    def user_layout(self) -> Layout:
        """A type, affinities, and what was shown and clicked."""
        return {
            "type": within(int, 0, 1),
            "affinity": within(float, 0, LARGEST, 2),
            "n_shown": count(int, 2),
            "n_clicked": count(int, 2),
        }

    def item_layout(self) -> Layout:
        """A topic and a quality."""
        topic = shown(int, 0, 1, one_hot=True, bounds=(0, LARGEST))
        return {"topic": topic, "quality": shown(float, 0, LARGEST)}

    def response_layout(self) -> Layout:
        """The choice, and the item it was about."""
        about = {"quality": shown(float, 0, LARGEST), "topic": shown(int, 0, 1)}
        return RESPONSE_FIELDS | about

    def observation_layout(self) -> Mapping[str, Any]:
        """Slates' items so far, in hundreds: near the size of the other columns."""
        return {"history": {"shown": shown(float, 0, shape=2), "clicked": shown(float, 0, shape=2)}}

    def derived(self) -> Mapping[str, Any]:
        """Shares as weights, and the means by type and topic."""
        match, other = self.matching_affinity, self.other_affinity
        return {
            "type_weights": np.array([self.type_0_share, 1 - self.type_0_share]),
            "topic_weights": np.array([self.topic_0_share, 1 - self.topic_0_share]),
            "affinity_mean": np.array([[other, match], [match, other]]),
            "quality_mean": np.array([self.topic_0_quality, self.topic_1_quality]),
        }

    @staticmethod
    def sample_item(config, item, rng):
        """Draws a topic, and a quality around the topic's."""
        item.topic = categorical(rng, config.topic_weights)
        item.quality = lognormal(rng, config.quality_mean[item.topic], config.spread)

    @staticmethod
    def sample_user(config, user, rng):
        """Draws a type, and affinities around the type's."""
        user.type = categorical(rng, config.type_weights)
        for topic in range(2):
            user.affinity[topic] = lognormal(
                rng, config.affinity_mean[user.type, topic], config.spread
            )

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Chooses by affinity and quality."""
        for place in range(len(slate)):
            if slate[place] >= 0:
                item = items[slate[place]]
                response[place].score = user.affinity[item.topic] + item.quality
                response[place].quality = item.quality
                response[place].topic = item.topic
        choose(config, slate, response, rng)
        n_clicks = 0.0
        for place in range(len(slate)):
            if slate[place] >= 0:
                user.n_shown[response[place].topic] += 1
                if response[place].clicked:
                    user.n_clicked[response[place].topic] += 1
                    n_clicks += 1.0
        return n_clicks, False

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows counts so far."""
        for topic in range(2):
            observation.history.shown[topic] = user.n_shown[topic] / _COUNT_SCALE
            observation.history.clicked[topic] = user.n_clicked[topic] / _COUNT_SCALE

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the chance of a click on the item shown alone."""
        return click_chance(config, user.affinity[item.topic] + item.quality)
