"""Tastes that one topic too often puts to sleep."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import MAX_EXPONENT
from recsim_env.core.fields import Layout, count, shown, tally, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, MOST_ITEMS, MOST_KINDS, MOST_STEPS, setting
from recsim_env.core.streams import integer, uniform
from recsim_env.scenarios.recent_clicks import (
    BORED_OF,
    clicks_to_boredom,
    length_of,
    move_on,
    price,
    scale_to_unit,
    take_in,
)

EXAMINATION_ORDERS = ("top_down", "mixed")

# People like about 4 topics, at least 3 and at most 5; items are about 2 or 3.
_MEAN_INTERESTS, _FEWEST_INTERESTS, _MOST_INTERESTS = 4.0, 3, 5
_FEWEST_ITEM_TOPICS = 2

# No topic interests more people than this, however popular it is.
_WIDEST_APPEAL = 0.9

# Beyond this, hardly anybody is interested in the fewest topics, and drawing people takes for ever.
_MAX_SKEW = 4


@dataclass(frozen=True, kw_only=True)
class Boredom(Scenario):
    """Does a recommender give people what they like until they have had enough of it?

    Users: an interest in each topic, of length 1 together; most are 0, and 3 to 5 are drawn
      uniformly. Topic k interests a person with chance ~ (k + 1) ** -topic_skew, about 4 in all.
    Items: a fixed catalogue; each has 2 or 3 topics, all sets equally likely, with uniform weights
      scaled to length 1. Its main topic is the heaviest.
    Response: every place is clicked or not on its own, with chance look * relevance; relevance =
      sigmoid(relevance_slope * (interest · item - relevance_offset)); look = examination ** place.
    Change: who clicked `boredom_threshold` items of one main topic, among the `recent_clicks` last
      clicks and in the `boredom_window` last steps, is bored of it for `boredom_window` steps, and
      longer while that still holds. Until then nothing interests them ("everything"), or that topic
      does not ("topic"). Clicks pull interests towards the mean of what was clicked:
      interest <- (1 - influence) interest + influence mean, scaled to length 1. A first slate,
      drawn from the whole catalogue and clicked before the episode begins, counts for both.
    Observation: `history` (2 n_topics): clicks of each topic in the window over the threshold (over
      `recent_clicks` where that is 0), at most 1; and the sum of what was clicked in this episode,
      scaled to length 1. `candidates` (n_candidates, n_topics) what they are about (absent without
      `show_items`). `response` (slate_size, 2) of the last slate: clicked, and main topic, 0 where
      the place was empty. `user_id`; `item_id` (n_candidates). Interests and boredom are hidden;
    Action: indices of the `slate_size` candidates to show.
    Reward: clicks.
    End: never by itself; truncated at the horizon.

    The published settings, ids `recsim_env/Sardine-...-v0`: strangers; topic_skew 0; 1000 items,
      all of them candidates and not shown, horizon 100, relevance_slope 100 ("Uncertain": 10),
      slates of 1 or 10; "Rerank": 10 items that are shown, horizon 10, relevance_offset 0.3,
      relevance_slope 5, examination 0.7. boredom_threshold 11, which ten clicks never reach, or 5
      ("Rerank": 4) in "Bored"; influence 0, or 0.05 in "BoredInf" and SlateTopK-Uncertain, with
      scalar_influence. Ten items make much difference, and the "Rerank" ids take a world_seed
      whose returns are near the published ones.

    Realism: people leave what they consumed much of and come back when interest is restored
      (Kapoor et al. 2015, "Just in time recommendations: modeling the dynamics of boredom in
      activity streams"), and click rates fall under repetition (Ma et al. 2016, "User fatigue in
      online news recommendation"). Assumed: the threshold, the window, and that boredom is sudden;
      50 slates of 5, a long session of a feed; topic_skew 0.5, with which the favourite topic
      interests 80 % of people and the least popular 25 %; relevance_slope 10, between coin tossing
      and the published near-certainty. A uniform slate has a click on 9 % of its places.

    Reference returns (mean ± 95 %, 2048 people): uniform 22.1 ± 0.2, best non-personal ranking
      27.2 ± 0.6, myopic oracle 47.1 ± 0.2 (bored in 46 % of steps), `long_term_value` 67.7 ± 0.3
      (bored in 1 %), oracle without boredom 90.7 ± 0.4.
      Published ids, uniform and myopic oracle (4096 people, 512 where there are 1000 items), and
      what the original is known to earn:
        SingleItem-Static     8.5 ± 0.3    100          8.0 ± 0.6 and 100
        SingleItem-BoredInf   8.8 ± 0.3    50.6 ± 0.1
        SingleItem-Uncertain  11.4 ± 0.3   95.0 ± 0.3
        SlateTopK-Bored       43.3 ± 0.7   143.7 ± 3.1  42.4 ± 2.0 and 139 ± 7, bored in 74 %
        SlateTopK-BoredInf    41.4 ± 0.8   148.0 ± 3.1
        SlateTopK-Uncertain   69.0 ± 0.7   137.7 ± 2.2
        SlateRerank-Static    14.4 ± 0.1   21.0 ± 0.1   14.6 ± 1.2 and 21.5 ± 1.1
        SlateRerank-Bored     12.9 ± 0.1   13.7 ± 0.1
      Over catalogues of ten items SlateRerank-Static earns 14.2 and 20.7, standard deviation 0.3
      and 0.4.

    `expected_reward` is the chance of a click in the first place. `long_term_value` subtracts what
    a click costs
    later: spell_cost clicks if it starts a spell of boredom, and spell_decay of that for each
    further click that it would still take.

    Source: SARDINE (Deffayet et al. 2024, "SARDINE: a simulator for automated recommendation in
      dynamic and interactive environments"), which grew from Deffayet et al. 2023, "Generative
      slate recommendation with reinforcement learning" (arXiv 2301.08632).
    Differs: influence pulls towards the mean vector of what was clicked, as the paper means, unless
      scalar_influence. The horizon truncates; SARDINE reports its end as termination. Items are our
      own draws by SARDINE's law instead of its files, from `world_seed`. A repeated item of a slate
      is shown once (not so in the first slate). The first slate is spared the diversity penalty.
      Attraction is 1, its value in all of SARDINE's ids, and relevance is no step function; a large
      slope makes it one.
    Versions: v0.
    """

    n_users: int = 1000
    n_items: int = setting(1000, low=1)
    n_candidates: int = 20
    slate_size: int = 5
    horizon: int = 50
    n_topics: int = setting(10, low=_MOST_INTERESTS, high=MOST_KINDS, doc="topics of items")
    topic_skew: float = setting(0.5, low=0, high=_MAX_SKEW, doc="0 is topics of equal popularity")
    relevance_offset: float = setting(
        0.65, low=-LARGE, high=LARGE, doc="agreement of interest and item at which relevance is 1/2"
    )
    relevance_slope: float = setting(
        10.0, low=0, high=LARGE, doc="how steeply relevance rises with that agreement"
    )
    examination: float = setting(0.85, low=0, high=1, doc="chance of looking at each further place")
    examination_order: str = setting(
        "top_down",
        choices=EXAMINATION_ORDERS,
        doc='"mixed": half of the people read from the bottom, so that '
        "look = (examination ** place + examination ** (places below)) / 2",
    )
    influence: float = setting(0.05, low=0, high=1, doc="of clicks on interests; 0 is off")
    scalar_influence: bool = setting(
        False,
        doc="pulls all interests to one number, the mean over all entries of what was clicked",
    )
    boredom_threshold: int = setting(5, low=0, high=MOST_STEPS, doc="clicks that bore; 0 is off")
    boredom_window: int = setting(5, low=1, high=1000, doc="steps in which they do")
    recent_clicks: int = setting(10, low=1, high=1000, doc="clicks that are remembered")
    bored_of: str = setting(
        "everything", choices=BORED_OF, doc="what somebody who is bored of a topic no longer clicks"
    )
    relevance_penalty: float = setting(
        0.0, low=0, high=1, doc="what each bored topic takes off the relevance of everything"
    )
    diversity_penalty: float = setting(
        1.0,
        low=1,
        high=LARGE,
        doc="divides all chances where a main topic fills the slate; 1: off",
    )
    diversity_threshold: int = setting(4, low=2, high=MOST_ITEMS, doc="places that it fills then")
    show_items: bool = setting(True, doc="whether `candidates` are shown")
    observe_state: bool = setting(False)
    spell_cost: float = setting(2.0, low=0, high=LARGE, doc="of `long_term_value`")
    spell_decay: float = setting(0.4, low=0, high=1, doc="likewise")

    view: ClassVar[Any] = "recsim_env.scenarios.views.boredom"
    category: ClassVar[str | None] = "topic"
    item_vector: ClassVar[str | None] = "embedding"
    pays: ClassVar[str] = "clicks"
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "taste": ("interest",),
        "satiation": (
            *("attention", "keenness", "is_bored", "bored_steps_left", "n_clicks", "time"),
            *("oldest", "n_recent", "recent_topic", "recent_time"),
        ),
    }

    #: How `render` words a slate without a click: every place is clicked or not on its own.
    choice: ClassVar[str] = "position_based"

    def user_layout(self) -> Layout:
        """Interests, and what recent clicks do to them."""
        return {
            "interest": within(float, 0, 1 + 1e-9, self.n_topics),
            "attention": within(np.float32, 0, 1, self.n_topics),
            "keenness": within(float, 0, 1),
            "is_bored": within(np.int8, 0, 1, self.n_topics),
            "bored_steps_left": within(np.int16, 1, self.boredom_window, self.n_topics),
            "n_clicks": within(np.int16, 0, self.recent_clicks, self.n_topics),
            "time": count(np.int32),
            "oldest": within(np.int16, 0, self.recent_clicks - 1),
            "n_recent": within(np.int16, 0, self.recent_clicks),
            "recent_topic": within(np.int16, 0, self.n_topics - 1, self.recent_clicks),
            "recent_time": count(np.int32, self.recent_clicks),
            "pull": within(np.float32, 0, self.slate_size, self.n_topics),
            "profile": within(np.float32, 0, 1e30, self.n_topics),
        }

    def item_layout(self) -> Layout:
        """What an item is about, as a vector of length 1, and most of all."""
        seen = shown(np.float32, 0, 1, self.n_topics, names="topic")
        return {
            "embedding": seen if self.show_items else (np.float32, self.n_topics),
            "topic": within(np.int32, 0, self.n_topics - 1),
        }

    def response_layout(self) -> Layout:
        """The chance of a click, the click, and the item's main topic."""
        topic = shown(np.int32, 0, self.n_topics - 1)
        return {"probability": float, "clicked": shown(bool), "topic": topic}

    def contradictions(self, users: np.ndarray) -> Mapping[str, np.ndarray]:
        """Clicks are counted by topic, and forgotten one by one."""
        entry = (users["oldest"][:, None] + np.arange(self.recent_clicks)) % self.recent_clicks
        is_kept = np.arange(self.recent_clicks) < users["n_recent"][:, None]
        topic = np.take_along_axis(users["recent_topic"], entry, axis=1)
        return {"n_clicks": (users["n_clicks"] != tally(topic, is_kept, self.n_topics)).any(axis=1)}

    def observation_layout(self) -> Mapping[str, Any]:
        """Clicks of late and of the episode."""
        of_each_topic = shown(float, 0, 1, self.n_topics)
        return {"history": dict.fromkeys(("recent", "clicked"), of_each_topic)}

    def info_layout(self) -> Layout:
        """How many topics the person is bored of."""
        return {"n_bored": int}

    def derived(self) -> Mapping[str, Any]:
        """Examination probabilities of places, and how many people each topic interests."""
        look = self.examination ** np.arange(self.slate_size)
        if self.examination_order == "mixed":
            look = 0.5 * look + 0.5 * look[::-1]
        popularity = (1.0 + np.arange(self.n_topics)) ** -self.topic_skew
        chance = _MEAN_INTERESTS * popularity / popularity.sum()
        return {"look": look, "interest_chance": np.minimum(_WIDEST_APPEAL, chance)}

    def examination_probability(self, clicked: np.ndarray) -> np.ndarray:
        """Clicked places were looked at; the others by the mean over both orders of reading."""
        return np.where(clicked, 1.0, self.derived()["look"])

    @staticmethod
    def sample_item(config, item, rng):
        """Draws 2 or 3 topics and uniform weights for them, scaled to a vector of length 1."""
        n_topics = _FEWEST_ITEM_TOPICS + integer(rng, 2)
        while n_topics > 0:
            topic = integer(rng, config.n_topics)
            if item.embedding[topic] == 0.0:
                item.embedding[topic] = 1.0 - uniform(rng)
                n_topics -= 1
        scale_to_unit(item.embedding)
        for topic in range(config.n_topics):
            if item.embedding[topic] > item.embedding[item.topic]:
                item.topic = topic

    @staticmethod
    def sample_user(config, user, rng):
        """Draws interests in 3 to 5 topics."""
        n_interests = 0
        while not _FEWEST_INTERESTS <= n_interests <= _MOST_INTERESTS:
            n_interests = 0
            for topic in range(config.n_topics):
                user.interest[topic] = 0.0
                if uniform(rng) < config.interest_chance[topic]:
                    user.interest[topic] = 1.0 - uniform(rng)
                    n_interests += 1
        scale_to_unit(user.interest)

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Shows a first slate at random, whose clicks count for boredom and influence."""
        for topic in range(config.n_topics):
            user.attention[topic] = 1.0
            user.bored_steps_left[topic] = config.boredom_window
        user.keenness = 1.0
        n_clicked = 0
        for place in range(len(config.look)):
            item = items[integer(rng, config.n_items)]
            if uniform(rng) < config.look[place] * relevance(config, user, item):
                take_in(config, user, item)
                n_clicked += 1
        move_on(config, user, n_clicked)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Clicks each place on its own; then recent clicks bore and influence."""
        penalty = slate_penalty(config, items, slate)
        n_clicked = 0
        for place in range(len(slate)):
            if slate[place] >= 0:
                item = items[slate[place]]
                chance = config.look[place] * relevance(config, user, item) / penalty
                response[place].probability = chance
                response[place].topic = item.topic
                if uniform(rng) < chance:
                    response[place].clicked = True
                    take_in(config, user, item)
                    n_clicked += 1
        move_on(config, user, n_clicked)
        return float(n_clicked), False

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows clicks of late and of the episode."""
        history = observation.history
        most = config.boredom_threshold if config.boredom_threshold > 0 else config.recent_clicks
        length = length_of(user.profile)
        for topic in range(config.n_topics):
            history.recent[topic] = min(1.0, user.n_clicks[topic] / most)
            if length > 0.0:
                history.clicked[topic] = min(1.0, user.profile[topic] / length)

    @staticmethod
    def report(config, user, items, info):
        """Counts the topics that the person is bored of."""
        n_bored = 0
        for topic in range(config.n_topics):
            if user.is_bored[topic]:
                n_bored += 1
        info.n_bored = n_bored

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the chance of a click, were the item in the first place."""
        return config.look[0] * relevance(config, user, item)

    @staticmethod
    def long_term_value(config, user, item):
        """Returns the chance of a click times what is left of it after the price of boredom."""
        chance = config.look[0] * relevance(config, user, item)
        return chance * (1.0 - price(config, clicks_to_boredom(config, user, item.topic)))

    @staticmethod
    def long_term_redundancy(config, user, item, other):
        """Returns how much more a click costs after one on another item of the same topic."""
        if item.topic != other.topic:
            return 0.0
        left = clicks_to_boredom(config, user, item.topic)
        chance = config.look[0] * relevance(config, user, item)
        dearer = price(config, left - 1) - price(config, left)
        return chance * relevance(config, user, other) * dearer


def relevance(config, user, item):
    """Returns how likely the item is clicked once looked at, as bored as the person is now."""
    score = 0.0
    for topic in range(config.n_topics):
        score += user.interest[topic] * user.attention[topic] * item.embedding[topic]
    exponent = config.relevance_slope * (config.relevance_offset - score)
    return user.keenness / (1.0 + math.exp(min(exponent, MAX_EXPONENT)))


def slate_penalty(config, items, slate):
    """Returns what a slate divides all chances by: more than 1 where one topic fills it."""
    if config.diversity_penalty <= 1.0:
        return 1.0
    for place in range(len(slate)):
        n_alike = 0
        for other in range(place, len(slate)):
            is_shown = slate[place] >= 0 and slate[other] >= 0
            if is_shown and items[slate[place]].topic == items[slate[other]].topic:
                n_alike += 1
        if n_alike >= config.diversity_threshold:
            return config.diversity_penalty
    return 1.0
