"""Interests that move towards what is watched, and time that runs out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from recsim_env.core.choice import (
    MODELS,
    RESPONSE_FIELDS,
    choose,
    click_chance,
    model_code,
)
from recsim_env.core.layouts import Within, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, MOST_KINDS, SMALL, setting
from recsim_env.core.streams import MAX_NORMAL, integer, normal, uniform, uniform_between

# Qualities of topics run from -3 to 3; the 70 % of topics that are bad share the negative half.
_QUALITY_RANGE = 3.0
_BAD_SHARE = 0.7


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

    Settings (defaults): those of `Scenario`, with slate_size 3, and
      n_topics (20); time_budget (200); video_length (4); step_penalty (2), time lost by a slate
      without a click; quality_bonus (0.9 / 3.4), budget won back per time and quality; quality_sd
      (0.1), of items around their topic; drift (0.3), of interests; choice
      ("multinomial_logit"), see `recsim_env.core.choice`; interest_scale (5), what an interest of 1
      adds to the score; no_click_score (4), the score of no click; min_normalizer (-1), of
      "proportional"; examination (0.8), of "cascade" and "position_based"; time_rate (1), reward
      that `long_term_value` expects of a unit of budget.
    The published settings, id `recsim_env/RecSim-InterestEvolution-v0`, are step_penalty 0.5,
      choice "proportional", interest_scale 1, no_click_score 1, time_rate 1.4. There choice hardly
      depends on interest, and the myopic oracle earns 5 % more than uniform slates; the defaults
      let it matter.

    Reference returns: see the README, and `recsim_env/RecSim-InterestEvolution-v0`: uniform 160.5,
      myopic oracle 168.4, ranking by true quality 265.2 (10 candidates, slate 3).

    `expected_reward` is the chance of a click times the time watched. `long_term_value` weighs a
    click by what it
    leads to: with `time_rate` reward per unit of budget, a click is worth
    w - time_rate (w (1 - quality_bonus quality) - step_penalty) more than none.

    Source: Ie et al. 2019, "SlateQ" (arXiv 1905.12767), and RecSim's interest_evolution.
    Differs: ids, spaces and seeds are Gymnasium's; the last video cannot exceed what is left of the
      budget, as in RecSim; `liked`, which RecSim never sets, is left out.
    Versions: v0.
    """

    slate_size: int = 3
    n_topics: int = setting(20, low=2, high=MOST_KINDS)
    time_budget: float = setting(200.0, low=SMALL, high=LARGE)
    video_length: float = setting(4.0, low=SMALL, high=LARGE)
    step_penalty: float = setting(2.0, low=SMALL, high=LARGE)
    quality_bonus: float = setting(
        0.9 / 3.4, low=0, below=1 / _QUALITY_RANGE, why="or time never runs out"
    )
    quality_sd: float = setting(0.1, low=0, high=LARGE)
    drift: float = setting(0.3, low=0, high=1)
    choice: str = setting("multinomial_logit", choices=MODELS)
    interest_scale: float = setting(5.0, low=0, high=LARGE)
    no_click_score: float = setting(4.0, low=-LARGE, high=LARGE)
    min_normalizer: float = setting(-1.0, low=-LARGE, high=LARGE)
    examination: float = setting(0.8, low=0, high=1)
    time_rate: float = setting(1.0, low=-LARGE, high=LARGE)

    category: ClassVar[str | None] = "topic"

    def user_layout(self) -> Mapping[str, Any]:
        """Interests by topic, and the time left."""
        return {"interest": within(float, -1, 1, self.n_topics), "budget": float}

    def item_layout(self) -> Mapping[str, Any]:
        """A topic and a quality."""
        return {"topic": self._topic(), "quality": self._quality()}

    def response_layout(self) -> Mapping[str, Any]:
        """The choice, the time watched, and what the item turned out to be."""
        watch_time = within(float, 0, self.video_length)
        seen = {"watch_time": watch_time, "quality": self._quality(), "topic": self._topic()}
        return RESPONSE_FIELDS | seen

    def _topic(self) -> Within:
        return within(int, 0, self.n_topics - 1)

    def _quality(self) -> Within:
        most = _QUALITY_RANGE + MAX_NORMAL * self.quality_sd
        return within(float, -most, most)

    def observation_fields(self) -> Mapping[str, spaces.Box]:
        """See the class."""
        quality = self._quality().high
        low = np.tile(np.array([0, 0, -quality, 0], np.float32), (self.slate_size, 1))
        high = np.array([1, self.video_length, quality, self.n_topics - 1], np.float32)
        return {
            "user": spaces.Box(-1.0, 1.0, (self.n_topics,), np.float32),
            "candidates": spaces.Box(0.0, 1.0, (self.n_candidates, self.n_topics), np.float32),
            "response": spaces.Box(low, np.tile(high, (self.slate_size, 1)), dtype=np.float32),
        }

    def column_names(self) -> Mapping[str, tuple[str, ...]]:
        """Names the columns of observations."""
        topics = tuple(f"topic_{topic}" for topic in range(self.n_topics))
        return {
            "user": tuple(f"interest_{topic}" for topic in range(self.n_topics)),
            "candidates": topics,
            "response": ("clicked", "watch_time", "quality", "topic"),
        }

    def state_groups(self) -> Mapping[str, tuple[str, ...]]:
        """What people like."""
        return {"taste": ("interest",)}

    def derived(self) -> Mapping[str, Any]:
        """The choice model's code and the mean quality of each topic."""
        n_bad = round(_BAD_SHARE * self.n_topics)
        bad = np.linspace(-_QUALITY_RANGE, 0, n_bad)
        good = np.linspace(0, _QUALITY_RANGE, self.n_topics - n_bad)
        return {"choice": model_code(self.choice), "topic_quality": np.concatenate([bad, good])}

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
        """Gives the visit its budget of time."""
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
    def observe(config, user, items, candidates, response, observation):
        """Shows interests, topics of candidates, and all that the last slate revealed."""
        for topic in range(config.n_topics):
            observation.user[topic] = user.interest[topic]
        for index in range(len(candidates)):
            observation.candidates[index, items[candidates[index]].topic] = 1.0
        for place in range(len(response)):
            observation.response[place, 0] = response[place].clicked
            observation.response[place, 1] = response[place].watch_time
            observation.response[place, 2] = response[place].quality
            observation.response[place, 3] = response[place].topic

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the chance of a click, were it shown alone, times the time watched."""
        score = config.interest_scale * user.interest[item.topic]
        return click_chance(config, score) * min(user.budget, config.video_length)

    @staticmethod
    def long_term_value(config, user, item):
        """Returns the chance of a click times what a click is worth over the whole visit."""
        score = config.interest_scale * user.interest[item.topic]
        cost = config.video_length * (1.0 - config.quality_bonus * item.quality)
        gain = config.video_length - config.time_rate * (cost - config.step_penalty)
        return click_chance(config, score) * gain


def shift_interest(config, user, topic, rng):
    """Moves the interest in a watched topic, on average away from 0."""
    interest = user.interest[topic]
    change = config.drift * (1.0 - abs(interest)) * (1.0 - interest)
    if uniform(rng) >= (interest + 1.0) / 2.0:
        change = -change
    user.interest[topic] = min(1.0, max(-1.0, interest + change))
