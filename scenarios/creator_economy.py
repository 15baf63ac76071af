"""A small platform: creators live on attention, and visitors on what creators make."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import RESPONSE_FIELDS, attraction_probability, multinomial_logit
from recsim_env.core.fields import LARGEST, Layout, count, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, MOST_ITEMS, MOST_KINDS, SMALL, setting
from recsim_env.core.streams import uniform
from recsim_env.scenarios.platform_life import audience_of, found, pass_time

# Tastes and items are points in a plane, as in RecSim NG, and so can be drawn as a map.
_N_DIMS = 2

# Two things at one point have this utility, before quality.
_FULL_MATCH = 2.0


# No place of a group, item or visitor is farther out, and squares of distances are finite.
_FAR = 1e12

# Bounds of columns that tell nothing.
_ANY = (-LARGEST, LARGEST)


@dataclass(frozen=True, kw_only=True)
class CreatorEconomy(Scenario):
    """Does a recommender keep alive the creators whom its users will need?

    An episode is `weeks` of a small platform, and each step is one visitor of it.

    Users: `n_groups` groups whose centres lie far apart, on a circle of radius `polarization`, and
      whose sizes fall as rank ** -group_skew; a visitor's taste scatters around the group's centre.
    Items: each creator belongs to a group by style (creator modulo n_groups, so that small groups
      have as many creators as large ones) and offers n_items / n_creators items, which scatter
      around the creator's place and quality. Candidates come from creators in proportion to how
      much they produce now.
    Response: utility = 2 - match_scale |taste - item| + quality; the visitor chooses at most one
      item, by a multinomial logit against `no_click_score`.
    Change: a click gives its creator 1 unit of attention, and being shown `view_attention`. Once a
      week, each in turn, creators take stock. With attention a, one leaves for good with
      probability attention_sensitivity leave_rate (1 - a / viability) where that is positive; who
      stays produces (1 + a) ** (attention_sensitivity growth) and keeps `attention_kept` of a. A
      free seat finds a newcomer of the same style with probability `newcomer_rate` a week.
      The loyalty of a group is the chance that one of its people, whose turn it is, comes; it moves
      by loyalty_rate towards 1 after a visit with a click, and towards 0 after one without.
      The next visitor is of a group with probability ~ size x loyalty, and the time until then is
      1 / sum of size x loyalty: a disappointed audience makes for fewer visits in an episode.
    Observation: `user` (n_groups + 2) of the visitor: group one-hot, and a noisy view of the taste;
      `context` (3): shares of weeks left, of creators active, and of the audience that comes;
      `candidates` (n_candidates, 4): noisy place and quality, and a / (a + mean of the active) for
      the attention a of the creator; `history` (n_groups): loyalty of each group; `response`
      (slate_size, 2) of the last slate: clicked, and the utility of what was; `item_id`
      (n_candidates).
    Action: indices of the `slate_size` candidates to show.
    Reward: 1 for a click.
    End: terminated when `weeks` have passed, or the last creator left.
    Info: `creator_exposure`, places given to each creator so far; `creator_welfare`, their
      attention (0 for those who left); `n_active` creators; `group_visits`; `group_welfare`, mean
      utility per visit so far; `group_loyalty`; `audience`, the share of people who come.

    Realism: growth 2, utility by distance, tastes scattered around points far apart and the decay
      of attention are RecSim NG's; that creators below a level of engagement leave is Mladenov et
      al.'s. Attention has a long tail, as on real platforms: on YouTube 3 % of channels get 85 % of
      views (Bärtl 2018); here, under the myopic oracle, the Gini index of exposure is 0.86.
      Feedback makes creators produce more: Tu et al. 2021 ("Feedback shaping", arXiv 2106.11312)
      raised production on LinkedIn by redistributing it. One visit stands for many alike.
      Assumed: the sizes of rates, that views count for a third of a click, and that loyalty follows
      the share of visits with a click.

    Reference returns (95 % intervals over 2048 episodes): uniform 165.8 ± 1.8, best ranking
      for all alike 251.1 ± 0.6, myopic oracle 345.4 ± 2.3, `long_term_value` 397.9 ± 1.3. The
      myopic oracle has the larger audience for some six weeks; at the end it has 6 of
      24 creators left (`long_term_value` 12), one of whom got 65 % of all places.

    `expected_reward` is the chance of a click. `long_term_value` adds the attention given, chance +
    view_attention, times what it is worth: what a creator makes serves all of the episode that is
    left, and attention is needed most where it is short. So a unit of it counts foresight x share
    of weeks left x (1 - attention / mean attention of active creators, at least -1) clicks; above
    the mean that is negative, since stars crowd out others. They do so where attention_sensitivity
    growth exceeds 1, and foresight counts in full from 2 on, not at all up to 1, in proportion
    between. From an item's worth, each other item on the slate takes its part of the chance. On a
    slate of one, where all attention costs a click, a foresight of 0.1 earns more.

    Source: the ecosystem of RecSim NG (Mladenov et al. 2021, arXiv 2103.08057), whose recommender
      boosts creators in the same way; Mladenov et al. 2020, "Optimizing long-term social welfare in
      recommender systems" (arXiv 2008.00104); a strategic view: Ben-Porat and Tennenholtz 2018, "A
      game-theoretic approach to recommendation systems with strategic content providers".
    Differs: visitors come one by one, may click nothing, and stay away when disappointed; creators
      react week by week, leave, and count views; items are a fixed catalogue, of which creators
      offer more or less often. RecSim NG's reward is the utility.
    Versions: v0.
    """

    n_users: int = setting(0, high=0, why="visitors are strangers")
    n_items: int = 240
    slate_size: int = 3
    n_creators: int = setting(24, low=1, high=MOST_ITEMS, doc="creators at the start")
    n_groups: int = setting(3, low=1, high=MOST_KINDS, doc="groups of people, and of creators")
    group_skew: float = setting(0.5, low=0, high=LARGE, doc="0 is groups of one size")
    polarization: float = setting(3.0, low=0, high=LARGE, doc="radius on which groups stand")
    taste_sd: float = setting(
        0.5, low=0, high=LARGE, doc="of people around the centre of their group"
    )
    creator_sd: float = setting(0.5, low=0, high=LARGE, doc="of their places")
    item_sd: float = setting(0.3, low=0, high=LARGE, doc="of places and qualities around theirs")
    quality_sd: float = setting(0.4, low=0, high=LARGE, doc="of creators")
    match_scale: float = setting(
        2.0, low=0, high=LARGE, doc="utility lost by a unit of distance between taste and item"
    )
    no_click_score: float = setting(0.0, low=-LARGE, high=LARGE, doc="the score of no click")
    feature_noise: float = setting(0.3, low=0, high=LARGE, doc="in what is seen of items")
    taste_noise: float = setting(0.5, low=0, high=LARGE, doc="in what is seen of visitors")
    weeks: float = setting(30.0, low=SMALL, high=LARGE, doc="of an episode")
    weekly_visits: float = setting(24.0, low=0.1, high=LARGE, doc="if everybody came")
    attention_sensitivity: float = setting(
        1.0, low=0, high=5, doc="0: creators do not react to attention"
    )
    growth: float = setting(2.0, low=0, high=5, doc="of production with attention")
    viability: float = setting(3.0, low=SMALL, high=LARGE, doc="attention below which some leave")
    leave_rate: float = setting(0.2, low=0, high=1, doc="a week, without any attention")
    attention_kept: float = setting(0.75, low=0, high=1, doc="from week to week")
    view_attention: float = setting(0.3, low=0, high=LARGE, doc="where a click is 1")
    founding_attention: float = setting(4.0, low=SMALL, high=LARGE, doc="of creators at first")
    newcomer_rate: float = setting(0.02, low=0, high=1, doc="a week and free seat")
    loyalty_rate: float = setting(0.05, low=0, high=1, doc="0: the audience stays as it is")
    foresight: float = setting(0.5, low=0, high=LARGE, doc="of `long_term_value`")

    view: ClassVar[Any] = "recsim_env.scenarios.views.creator_economy"
    category: ClassVar[str | None] = "creator"
    maker: ClassVar[str | None] = "creator"
    active_makers: ClassVar[str | None] = "n_active"
    is_one_person: ClassVar[bool] = False
    item_vector: ClassVar[str | None] = "place"
    pays: ClassVar[str] = "clicks"
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "taste": ("taste", "group"),
        "time": ("time",),
        "mood": ("loyalty",),
        "creators": ("attention", "mean_attention"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_creators < self.n_groups:
            raise ValueError(
                f"n_creators={self.n_creators} leaves some of n_groups={self.n_groups} without a "
                "creator; raise n_creators or lower n_groups"
            )
        if self.n_items < self.n_creators or self.n_items % self.n_creators:
            raise ValueError(
                f"n_items={self.n_items} cannot be shared out evenly among n_creators="
                f"{self.n_creators}; use a multiple of n_creators"
            )

    def working_bytes(self) -> int:
        """Places, qualities and noises in double precision, before they are the catalogue."""
        return 160 * self.n_items

    def user_layout(self) -> Layout:
        """The visitor who is there, and the platform."""
        return {
            "taste": within(np.float32, -_FAR, _FAR, _N_DIMS),
            "group": shown(np.int32, 0, self.n_groups - 1, one_hot=True),
            "seen_taste": shown(
                *(np.float32, -_FAR, _FAR, _N_DIMS), names=("taste_x", "taste_y"), bounds=_ANY
            ),
            "loyalty": shown(np.float32, 0, 1, self.n_groups, under="history"),
            "attention": within(np.float32, 0, 1e30, self.n_creators),
            "production": within(np.float32, 0, 1e30, self.n_creators),
            "production_up_to": within(np.float32, 0, 1e37, self.n_creators),
            "mean_attention": within(np.float32, 1e-3, 1e30),
            "n_active": within(np.int32, 0, self.n_creators),
            "exposure": count(np.int32, self.n_creators),
            "visits": count(np.int32, self.n_groups),
            "utility": within(np.float32, -1e36, 1e36, self.n_groups),
            "time": within(float, 0, math.inf),
            "stocktakings_due": within(float, 0, 1),
            "next_creator": within(np.int32, 0, self.n_creators - 1),
        }

    def contradictions(self, users: np.ndarray) -> Mapping[str, np.ndarray]:
        """Who produces is active."""
        return {"n_active": users["n_active"] != (users["production"] > 0).sum(axis=1)}

    def item_layout(self) -> Layout:
        """Whose it is, its place and quality, and how they look."""
        return {
            "creator": np.int32,
            "place": (np.float32, _N_DIMS),
            "quality": np.float32,
            "seen_place": shown(np.float32, shape=_N_DIMS, names=("place_x", "place_y")),
            "seen_quality": shown(np.float32, names="quality"),
        }

    def response_layout(self) -> Layout:
        """The choice, and the utility of what was clicked."""
        return RESPONSE_FIELDS | {"utility": shown(float, -1e30, 1e30, bounds=_ANY)}

    def observation_layout(self) -> Mapping[str, Any]:
        """How the platform stands, and how much attention creators have."""
        shares = ("life_left", "creators_active", "audience")
        return {
            "user": {},
            "context": dict.fromkeys(shares, shown(float, 0, 1)),
            "candidates": {"attention": shown(float, 0, 1)},
            "history": {},
        }

    def info_layout(self) -> Layout:
        """Exposure and welfare of creators and of groups."""
        return {
            "creator_exposure": (np.int32, self.n_creators),
            "creator_welfare": (np.float32, self.n_creators),
            "n_active": int,
            "group_visits": (np.int32, self.n_groups),
            "group_welfare": (np.float32, self.n_groups),
            "group_loyalty": (np.float32, self.n_groups),
            "audience": float,
        }

    def derived(self) -> Mapping[str, Any]:
        """Sizes and centres of groups, and rates per visit."""
        size = np.arange(1, self.n_groups + 1) ** -self.group_skew
        exponent = self.attention_sensitivity * self.growth
        return {
            "group_size": size / size.sum(),
            "centre": group_centres(self.n_groups, self.polarization),
            "items_per_creator": self.n_items // self.n_creators,
            "n_visits": self.weeks * self.weekly_visits,
            "stocktakings_per_visit": self.n_creators / self.weekly_visits,
            "crowding": 1.0 / max(1, self.slate_size - 1),
            "steering": self.foresight * min(1.0, max(0.0, exponent - 1.0)),
        }

    def tables(self) -> Mapping[str, np.ndarray]:
        """Returns the catalogue: items of one creator are alike, so they are not drawn singly."""
        rng = np.random.default_rng(self.world_seed)
        places, n_each = (self.n_creators, _N_DIMS), self.n_items // self.n_creators
        centres = group_centres(self.n_groups, self.polarization)
        own_place = centres[np.arange(self.n_creators) % self.n_groups]
        own_place = own_place + self.creator_sd * rng.normal(size=places)
        own_quality = self.quality_sd * rng.normal(size=self.n_creators)
        items = np.zeros(self.n_items, self.schema.dtypes["item"])
        creator = np.repeat(np.arange(self.n_creators), n_each)
        place = own_place[creator] + self.item_sd * rng.normal(size=(self.n_items, _N_DIMS))
        quality = own_quality[creator] + self.item_sd * rng.normal(size=self.n_items)
        items["creator"], items["place"], items["quality"] = creator, place, quality
        noise = self.feature_noise * rng.normal(size=(self.n_items, _N_DIMS + 1))
        items["seen_place"] = place + noise[:, :_N_DIMS]
        items["seen_quality"] = quality + noise[:, _N_DIMS]
        return {"items": items}

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Founds the platform, and lets the first visitor in."""
        found(config, user, rng)

    @staticmethod
    def sample_candidate(config, user, items, rng):
        """Returns an item of a creator drawn in proportion to production."""
        n_others = config.n_creators - 1
        point = uniform(rng) * user.production_up_to[n_others]
        creator = 0
        for other in range(n_others):
            creator += 1 if user.production_up_to[other] <= point else 0
        return creator * config.items_per_creator + int(uniform(rng) * config.items_per_creator)

    @staticmethod
    def is_excluded(config, user, item_id):
        """Returns whether the item's creator left."""
        return user.production[item_id // config.items_per_creator] == 0.0

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Lets the visitor choose, and time pass until the next one."""
        for place in range(len(slate)):
            if slate[place] >= 0:
                item = items[slate[place]]
                if user.production[item.creator] == 0.0:
                    slate[place] = -1
                else:
                    response[place].score = utility_of(config, user, item)
                    user.exposure[item.creator] += 1
                    user.attention[item.creator] += config.view_attention
        chosen = multinomial_logit(slate, response, config.no_click_score, rng)
        reward = 0.0
        user.visits[user.group] += 1
        if chosen >= 0:
            reward = 1.0
            user.attention[items[slate[chosen]].creator] += 1.0
            response[chosen].utility = response[chosen].score
            user.utility[user.group] += response[chosen].score
        user.loyalty[user.group] += config.loyalty_rate * (reward - user.loyalty[user.group])
        pass_time(config, user, rng)
        return reward, user.time >= config.n_visits or user.n_active == 0

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows how the platform stands, and how much attention creators have."""
        observation.context.life_left = time_left(config, user)
        observation.context.creators_active = user.n_active / config.n_creators
        observation.context.audience = min(1.0, audience_of(config, user))
        for index in range(len(candidates)):
            attention = user.attention[items[candidates[index]].creator]
            relative = attention / (attention + user.mean_attention)
            observation.candidates[index].attention = relative

    @staticmethod
    def report(config, user, items, info):
        """Writes who was seen and who fares how."""
        for creator in range(config.n_creators):
            info.creator_exposure[creator] = user.exposure[creator]
            info.creator_welfare[creator] = user.attention[creator]
        info.n_active = user.n_active
        for group in range(config.n_groups):
            info.group_visits[group] = user.visits[group]
            info.group_welfare[group] = user.utility[group] / max(1, user.visits[group])
            info.group_loyalty[group] = user.loyalty[group]
        info.audience = audience_of(config, user)

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the chance of a click, were the item shown alone."""
        return click_chance_of(config, user, item)

    @staticmethod
    def long_term_value(config, user, item):
        """Returns the chance of a click, plus what the attention given is worth later."""
        chance = click_chance_of(config, user, item)
        return chance + attention_value(config, user, item) * (chance + config.view_attention)

    @staticmethod
    def long_term_redundancy(config, user, item, other):
        """Returns what is lost of the chance when `other` may be clicked instead."""
        chance = click_chance_of(config, user, item)
        return config.crowding * chance * click_chance_of(config, user, other)


def group_centres(n_groups: int, polarization: float) -> np.ndarray:
    """Returns (n_groups, 2), evenly spaced on a circle."""
    angle = 2.0 * np.pi * np.arange(n_groups) / n_groups
    return polarization * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def utility_of(config, user, item):
    """Returns how much the visitor would like the item."""
    x = user.taste[0] - item.place[0]
    y = user.taste[1] - item.place[1]
    return _FULL_MATCH - config.match_scale * math.sqrt(x * x + y * y) + item.quality


def click_chance_of(config, user, item):
    """Returns the chance of a click, were the item shown alone."""
    return attraction_probability(utility_of(config, user, item), config.no_click_score)


def time_left(config, user):
    """Returns the share of the episode that is left."""
    return max(0.0, 1.0 - user.time / config.n_visits)


def attention_value(config, user, item):
    """Returns how many later clicks a unit of attention for the item's creator is worth.

    The creator produces for what is left of the episode, and lacks attention in proportion to the
    distance from the mean.
    """
    lack = 1.0 - user.attention[item.creator] / user.mean_attention
    return config.steering * time_left(config, user) * max(-1.0, lack)
