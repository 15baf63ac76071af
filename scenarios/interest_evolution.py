"""Interests that move towards what is watched, and time that runs out."""

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
from recsim_env.core.fields import Layout, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, MOST_KINDS, SMALL, setting
from recsim_env.core.streams import MAX_NORMAL, integer, normal, uniform, uniform_between

# Qualities of topics run from -3 to 3; the 70 % of topics that are bad share the negative half.
_QUALITY_RANGE = 3.0
_BAD_SHARE = 0.7
_ENDLESS = "or time never runs out"


@dataclass(frozen=True, kw_only=True)
class InterestEvolution(Scenario):
    """Does a recommender feed people what they like, or what is worth their time?

    Users: an interest in [-1, 1] for each topic, drawn uniformly, and a budget of time.
    Items: a topic, drawn uniformly, and a hidden quality around the topic's mean; fresh candidates
      at every step. Most topics are bad; the good ones refill the budget.
    Response: they choose by interest (`choice`), and watch for `video_length` or what is left.
    Change: after a click on topic c with interest x, x moves by 0.3 (1 - |x|)(1 - x), up with
      probability (x + 1) / 2, down otherwise. Watching for w costs w (1 - quality_bonus quality);
      a slate without a click costs `step_penalty`.
    Observation: `user` (n_topics) interests; `candidates` (n_candidates, n_topics) topic one-hot;
      `response` (slate_size, 4) of the last slate: clicked, watch time, and, clicked or not,
      quality and topic of the item. Quality of candidates and budget stay hidden.
    Action: indices of the `slate_size` candidates to show.
    Reward: time watched.
    End: terminated when the budget is used up.

    Published settings, id `recsim_env/RecSim-InterestEvolution-v0`: step_penalty 0.5, choice
      "proportional", interest_scale 1, no_click_score 1, time_rate 1.4. There choice hardly depends
      on interest, and the myopic oracle earns 5 % more than uniform slates; the defaults let it
      matter.

    Reference returns: see docs/results; `recsim_env/RecSim-InterestEvolution-v0`: uniform 160.5,
      myopic oracle 168.4, ranking by true quality 265.2 (10 candidates, slate 3).

    `expected_reward` is the chance of a click times the time watched. `long_term_value` weighs a
    click by what it leads to: with `time_rate` reward per unit of budget, a click is worth
    w - time_rate (w (1 - quality_bonus quality) - step_penalty) more than none.

    Source: Ie et al. 2019, "SlateQ" (arXiv 1905.12767), and RecSim's interest_evolution.
    Differs: ids, spaces and seeds are Gymnasium's; the last video cannot exceed what is left of the
      budget, as in RecSim; `liked`, which RecSim never sets, is left out.
    Versions: v0.
    """

    slate_size: int = 3
    n_topics: int = setting(20, low=2, high=MOST_KINDS, doc="topics of items")
    time_budget: float = setting(200.0, low=SMALL, high=LARGE, doc="time that a person brings")
    video_length: float = setting(4.0, low=SMALL, high=LARGE, doc="time that a video takes")
    step_penalty: float = setting(2.0, low=SMALL, high=LARGE, doc="time lost without a click")
    quality_bonus: float = setting(
        0.9 / 3.4,
        low=0,
        below=1 / _QUALITY_RANGE,
        why=_ENDLESS,
        doc="won back per time and quality",
    )
    quality_sd: float = setting(0.1, low=0, high=LARGE, doc="of items around their topic's quality")
    drift: float = setting(0.3, low=0, high=1, doc="how far a click moves an interest")
    choice: str = setting("multinomial_logit", choices=MODELS, doc="see `recsim_env.core.choice`")
    interest_scale: float = setting(5.0, low=0, high=LARGE, doc="score of an interest of 1")
    no_click_score: float = setting(4.0, low=-LARGE, high=LARGE, doc="the score of no click")
    min_normalizer: float = setting(-1.0, low=-LARGE, high=LARGE, doc='of "proportional"')
    examination: float = setting(
        0.8, low=0, high=1, doc='chance of reading on, of "cascade" and "position_based"'
    )
    time_rate: float = setting(
        1.0, low=-LARGE, high=LARGE, doc="reward that `long_term_value` expects of a unit of time"
    )

    category: ClassVar[str | None] = "topic"
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {"taste": ("interest",)}

    def user_layout(self) -> Layout:
        """Interests by topic, and the time left."""
        return {"interest": shown(float, -1, 1, self.n_topics), "budget": float}

    def item_layout(self) -> Layout:
        """A topic, and a quality that stays hidden."""
        topic = shown(int, 0, self.n_topics - 1, one_hot=True)
        return {"topic": topic, "quality": within(float, *self._qualities())}

    def response_layout(self) -> Layout:
        """The choice, the time watched, and what the item turned out to be."""
        return RESPONSE_FIELDS | {
            "watch_time": shown(float, 0, self.video_length),
            "quality": shown(float, *self._qualities()),
            "topic": shown(int, 0, self.n_topics - 1),
        }

    def _qualities(self) -> tuple[float, float]:
        most = _QUALITY_RANGE + MAX_NORMAL * self.quality_sd
        return -most, most

    def derived(self) -> Mapping[str, Any]:
        """The mean quality of each topic."""
        n_bad = round(_BAD_SHARE * self.n_topics)
        bad = np.linspace(-_QUALITY_RANGE, 0, n_bad)
        good = np.linspace(0, _QUALITY_RANGE, self.n_topics - n_bad)
        return {"topic_quality": np.concatenate([bad, good])}

    @staticmethod
    def sample_item(config, item, rng):
        """Draws a topic, and a quality around the topic's mean."""
        item.topic = integer(rng, config.n_topics)
        item.quality = config.topic_quality[item.topic] + config.quality_sd * normal(rng)

    @staticmethod
    def sample_user(config, user, rng):
        """Draws an interest for each topic."""
        for topic in range(config.n_topics):
            user.interest[topic] = uniform_between(rng, -1.0, 1.0)

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Gives the session its budget of time."""
        user.budget = config.time_budget

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Chooses by interest; watches, which takes time and moves the interest."""
        for place in range(len(slate)):
            if slate[place] >= 0:
                item = items[slate[place]]
                response[place].score = config.interest_scale * user.interest[item.topic]
                response[place].quality = item.quality
                response[place].topic = item.topic
        if choose(config, slate, response, rng) < 0:
            user.budget -= config.step_penalty
            return 0.0, user.budget <= 0.0
        reward = 0.0
        for place in range(len(slate)):
            if response[place].clicked and user.budget > 0.0:
                watch_time = min(user.budget, config.video_length)
                response[place].watch_time = watch_time
                reward += watch_time
                user.budget -= watch_time * (1.0 - config.quality_bonus * response[place].quality)
                shift_interest(config, user, response[place].topic, rng)
        return reward, user.budget <= 0.0

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the chance of a click, were it shown alone, times the time watched."""
        chance = InterestEvolution.click_probability(config, user, item)
        return chance * min(user.budget, config.video_length)

    @staticmethod
    def click_probability(config, user, item):
        """Returns the chance of a click, were it shown alone."""
        return click_chance(config, config.interest_scale * user.interest[item.topic])

    @staticmethod
    def long_term_value(config, user, item):
        """Returns the chance of a click times what a click is worth over the whole session."""
        cost = config.video_length * (1.0 - config.quality_bonus * item.quality)
        gain = config.video_length - config.time_rate * (cost - config.step_penalty)
        return InterestEvolution.click_probability(config, user, item) * gain


def shift_interest(config, user, topic, rng):
    """Moves the interest in a watched topic, on average away from 0."""
    interest = user.interest[topic]
    change = config.drift * (1.0 - abs(interest)) * (1.0 - interest)
    if uniform(rng) >= (interest + 1.0) / 2.0:
        change = -change
    user.interest[topic] = min(1.0, max(-1.0, interest + change))
