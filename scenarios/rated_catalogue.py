"""People and items with latent factors: made up, or fitted to a ratings log."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import RESPONSE_FIELDS, attraction_probability, multinomial_logit
from recsim_env.core.fields import Layout, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import (
    LARGE,
    MAX_LOG_SD,
    MOST_ITEMS,
    MOST_KINDS,
    MOST_SKEW,
    SMALL,
    as_type_of,
    setting,
)
from recsim_env.core.streams import integer, normal, skewed, uniform
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.scenarios.consumed_items import consume, has_consumed, table_size
from recsim_env.scenarios.fitted_world import (
    flags_of,
    groups_of,
    item_fields_of,
    load_world,
    numbers_of,
    sizes_of,
    tables_of,
    user_fields_of,
)
from recsim_env.scenarios.periods import has_periods, is_to_come
from recsim_env.scenarios.places import appeal_of_place, examination_of_places, has_places
from recsim_env.scenarios.ratings import (
    CLICKS,
    LIKED,
    REWARDS,
    earned,
    like_chance,
    liking_of,
    rate,
    score_of,
)
from recsim_env.scenarios.repeated_items import (
    has_repetition,
    is_unwanted,
    remember,
    something_known,
    user_repetition_layout,
)
from recsim_env.scenarios.visits import begin_session, goes_on, user_clock_layout

# See `RatedCatalogue.flags`.
HAS_ITEM_FEATURES = True
HAS_REPETITION = False
HAS_PERIODS = False
HAS_PLACES = False

# An episode of several sessions ends when so many slates may have led to something.
_MOST_CONSUMED = 10_000

# Spreads of the synthetic world in rating units, near those fitted to MovieLens-100K.
_GLOBAL_MEAN, _TASTE_SD, _ITEM_BIAS_SD, _USER_BIAS_SD, _RATING_NOISE = 3.5, 0.8, 0.5, 0.4, 0.8
_SCALE = {"rating_min": 1.0, "rating_max": 5.0, "rating_step": 1.0, "like_threshold": 4.0}


@dataclass(frozen=True, kw_only=True)
class RatedCatalogue(Scenario):
    """Which recommender learns the tastes of returning people from what they consume and rate?

    Users: `n_users` people, each with a bias and `n_factors` tastes, who come again and again.
    Items: a catalogue of `n_items`, each with a bias and factors, and features that are a noisy
      view of the factors. Candidates are drawn by exposure, which has a long tail, and are never
      items that the person consumed in this session.
    Response: liking = mean + biases + tastes · factors. From a slate they consume at most one item,
      by a multinomial logit of choice_slope (liking - mean) against no choice; they rate it
      liking + noise, rounded and clipped to 1 to 5, and liked it if that is 4 or more.
    Change: what was consumed is not offered again, unless a fitted world says that people repeat
      things: then its appeal depends on the time since, and some of what is offered is known. A
      session has a number of slates that is log-normal with a long tail over people, or as observed
      in a log; where the log shows it, items appear, age and drift. An episode has `n_sessions`,
      between which what was consumed is remembered.
    Observation: `user` (n_user_features) what is known of the person without any rating; `history`
      (2 + n_item_features) of this session: ln(1 + items consumed), mean rating above the world's
      mean, and the mean features of consumed items weighted by that; `candidates` (n_candidates,
      n_item_features); `response` (slate_size, 3) of the last slate: clicked, liked, rating;
      `user_id`; `item_id` (n_candidates). `user` and `candidates` are absent where a world has no
      such features; `context` is there where a fitted world has contexts, such as device and hour,
      that change likings: one column a level. Tastes, biases and the length of the session stay
      hidden.
    Action: indices of the `slate_size` candidates to show.
    Reward: `reward`: "liked" (default) is 1 for an item liked, "clicks" 1 for an item consumed,
      "rating" the rating of the item consumed.
    End: terminated when the session is over.

    A fitted world, the file of a `RatedWorld` that `recsim-env calibrate` makes, sets all that
      comes after `world` in the list of settings, except `max_slates`, `n_sessions` and `reward`.

    n_candidates = n_items offers the whole catalogue at every step; then an item consumed before
    leaves its place empty.

    Realism: in MovieLens-100K the top 10 % of items get 43 % of ratings; density ~ rank ** -0.5
      gives them 32 %. Spreads of biases and tastes are near those fitted to that log.

    Source: the factor model with biases of Koren, Bell and Volinsky 2009, "Matrix factorization
      techniques for recommender systems"; choice by McFadden 1974 (`recsim_env.core.choice`).
    Differs: the log does not show what people did not choose; how often they choose is an
      assumption stated in the world's file.
    Versions: v0.
    """

    n_users: int = setting(500, low=1)
    n_items: int = setting(1000, low=1)
    n_candidates: int = 20
    slate_size: int = 3
    world: str = setting("", doc="the file of a fitted world; without one, it is made up")
    n_factors: int = setting(8, low=1, high=MOST_KINDS, doc="of tastes and items")
    n_user_features: int = setting(
        8, low=0, high=MOST_KINDS, doc="that show factors through noise, in turn; 0 is none"
    )
    n_item_features: int = setting(8, low=0, high=MOST_KINDS, doc="likewise")
    user_feature_noise: float = setting(
        1.5, low=0, high=LARGE, doc="standard deviation, relative to that of the factor shown"
    )
    item_feature_noise: float = setting(0.5, low=0, high=LARGE, doc="likewise")
    exposure_skew: int = setting(
        2, low=1, high=MOST_SKEW, doc="offered with density ~ rank ** (1 / skew - 1); 1: uniform"
    )
    visit_skew: int = setting(2, low=1, high=MOST_SKEW, doc="likewise, of who comes")
    choice_slope: float = setting(
        1.5, low=-LARGE, high=LARGE, doc="log-odds of a choice for each point of rating"
    )
    no_choice_score: float = setting(
        2.5, low=-LARGE, high=LARGE, doc="the score of no choice; about half of slates get one"
    )
    session_mean: float = setting(10.0, low=SMALL, high=LARGE, doc="items consumed in a session")
    session_sd: float = setting(0.6, low=0, high=MAX_LOG_SD, doc="of the logarithm of that")
    max_slates: int = setting(
        0,
        low=0,
        high=MOST_ITEMS,
        doc="where a session is cut; 0 is 200, or 1000 in a fitted world, whose sessions are "
        "longer, or what the catalogue can fill",
    )
    n_sessions: int = setting(
        1, low=1, high=1000, is_new=True, doc="of an episode, hours or days apart"
    )
    reward: str = setting("liked", choices=REWARDS, doc="what counts")

    view: ClassVar[Any] = "recsim_env.scenarios.views.rated_catalogue"
    item_vector: ClassVar[str | None] = "factors"
    traits: ClassVar[tuple[str, ...]] = ("bias", "session_mean")
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {"taste": ("factors", "bias")}

    def __post_init__(self) -> None:
        object.__setattr__(self, "world", as_type_of("", "world", self.world))
        if self.world:
            world = load_world(self.world)
            self._take_sizes(sizes_of(world))
            groups = dict(self.state_groups) | groups_of(world)
            object.__setattr__(self, "state_groups", groups)
        super().__post_init__()
        needed = self.n_candidates + self.max_slates
        if self.n_candidates < self.n_items < needed:
            raise ValueError(
                f"n_items={self.n_items} cannot fill {self.n_candidates} candidates after a "
                f"session of max_slates={self.max_slates}; use n_items of at least {needed}, a "
                "smaller max_slates, or n_candidates equal to n_items"
            )

    @property
    def most_consumed(self) -> int:
        """How many items a person consumes in an episode at most."""
        limit = self.session_limit
        return min(self.n_sessions * limit, max(limit, _MOST_CONSUMED))

    @property
    def session_limit(self) -> int:
        """Slates after which a session is cut: `max_slates`, or what its 0 stands for."""
        spare = self.n_items - self.n_candidates or self.n_items
        return self.max_slates or min(1000 if self.world else 200, spare)

    def _take_sizes(self, sizes: Mapping[str, int]) -> None:
        for name, size in sizes.items():
            default = type(self).__dataclass_fields__[name].default
            if getattr(self, name) not in (default, size):
                raise ValueError(
                    f"{name}={getattr(self, name)} conflicts with {self.world}, which has {size}; "
                    f"leave {name} out"
                )
            object.__setattr__(self, name, size)

    def _has(self, part: Callable[[RatedWorld], bool]) -> bool:
        """Returns whether the world is a fitted one that has a part."""
        return bool(self.world) and part(load_world(self.world))

    def remedy_for(self, lack: str) -> str:
        """Returns how a world gets features of items."""
        if lack != "item features":
            return ""
        if not self.world:
            return "set n_item_features"
        return "fit the world with a table of items, recsim-env calibrate LOG --items TABLE"

    def user_layout(self) -> Layout:
        """Tastes, visible features, and this session."""
        most, size = self.most_consumed, table_size(min(self.most_consumed, self.n_items))
        more = dict(user_fields_of(load_world(self.world))) if self.world else {}
        if self._has_clock:
            more |= user_clock_layout(self.n_sessions)
        if self._has(has_repetition):
            more |= user_repetition_layout(self.n_items, most, size)
        return more | {
            "factors": within(np.float32, -1e12, 1e12, self.n_factors),
            "bias": within(np.float32, -1e12, 1e12),
            "features": _features(self._feature_names("user")),
            "session_mean": np.float32,
            "visit_threshold": np.float32,
            "visit_alias": np.int32,
            "slates_left": within(np.int32, 0, self.session_limit),
            "n_consumed": within(np.int32, 0, most),
            "seen": np.int64,
            "sum_above_mean": within(float, -1e37, 1e37),
            "profile": within(float, -1e37, 1e37, max(1, self.n_item_features)),
            "consumed": within(np.int32, 0, self.n_items, size),
        }

    @property
    def _has_clock(self) -> bool:
        return self.n_sessions > 1 or self._has(has_repetition) or self._has(has_periods)

    def contradictions(self, users: np.ndarray) -> Mapping[str, np.ndarray]:
        """The table holds what was consumed, and has room for the rest of the session."""
        held, n_consumed = np.count_nonzero(users["consumed"], axis=1), users["n_consumed"]
        at_most = n_consumed + np.maximum(users["slates_left"].astype(int), 0)
        is_wrong = n_consumed < held if self._has(has_repetition) else n_consumed != held
        return {"n_consumed": is_wrong | (at_most > self.most_consumed)}

    def item_layout(self) -> Layout:
        """Factors, visible features, and how it is exposed."""
        more = dict(item_fields_of(load_world(self.world))) if self.world else {}
        return more | {
            "factors": (np.float32, self.n_factors),
            "bias": np.float32,
            "features": _features(self._feature_names("item")),
            "exposure_threshold": np.float32,
            "exposure_alias": np.int32,
        }

    def response_layout(self) -> Layout:
        """The choice, and the rating of what was consumed: 0 where nothing was."""
        scale = self._scale()
        least, most = min(0.0, scale["rating_min"]), max(0.0, scale["rating_max"])
        return RESPONSE_FIELDS | {"liked": shown(bool), "rating": shown(float, least, most)}

    def observation_layout(self) -> Mapping[str, Any]:
        """What this session showed of the person's taste."""
        history = {"log_consumed": shown(float), "mean_above": shown(float)}
        if self.n_item_features:
            names = tuple(f"profile_{name}" for name in self._feature_names("item"))
            history["profile"] = shown(float, shape=self.n_item_features, names=names)
        return {"history": history}

    def _feature_names(self, of: str) -> tuple[str, ...]:
        if self.world:
            return tuple(map(str, getattr(load_world(self.world), f"{of}_feature_names")))
        stem = {"user": "user_feature", "item": "feature"}[of]
        return tuple(f"{stem}_{index}" for index in range(getattr(self, f"n_{of}_features")))

    def _scale(self) -> dict[str, float]:
        if not self.world:
            return _SCALE
        world = load_world(self.world)
        return {name: float(getattr(world, name)) for name in _SCALE}

    def derived(self) -> Mapping[str, Any]:
        """The rating scale, and spreads of the synthetic world."""
        numbers: dict[str, Any] = {
            "max_slates": self.session_limit,
            "most_consumed": self.most_consumed,
            "n_sessions": self.n_sessions,  # as a setting it is not told where it is 1
            "is_fitted": bool(self.world),
            "global_mean": _GLOBAL_MEAN,
            "rating_noise": _RATING_NOISE,
            "factor_sd": math.sqrt(_TASTE_SD / math.sqrt(self.n_factors)),
            "item_bias_sd": _ITEM_BIAS_SD,
            "user_bias_sd": _USER_BIAS_SD,
            "choice_rate": 0.5,
        }
        if self.world:
            numbers |= numbers_of(load_world(self.world))
        return numbers | self._scale()

    def flags(self) -> Mapping[str, bool]:
        """Whether the world has features of items, contexts and so on."""
        flags = {"HAS_ITEM_FEATURES": self.n_item_features > 0, "HAS_CLOCK": self._has_clock}
        return flags | flags_of(load_world(self.world) if self.world else None)

    def tables(self) -> Mapping[str, np.ndarray]:
        """Returns the items and users of a fitted world; a synthetic one has none."""
        return tables_of(load_world(self.world), self.schema.dtypes) if self.world else {}

    def examination_probability(self, clicked: np.ndarray) -> np.ndarray:
        """Returns how likely each place of slates was looked at; see `Scenario`."""
        if self._has(has_places):
            return examination_of_places(load_world(self.world), clicked)
        return super().examination_probability(clicked)

    @staticmethod
    def sample_item(config, item, rng):
        """Draws factors, a bias, and features that show the factors through noise."""
        item.bias = config.item_bias_sd * normal(rng)
        for index in range(config.n_factors):
            item.factors[index] = config.factor_sd * normal(rng)
        for index in range(config.n_item_features):
            shown = item.factors[index % config.n_factors] / config.factor_sd
            item.features[index] = shown + config.item_feature_noise * normal(rng)

    @staticmethod
    def sample_user(config, user, rng):
        """Draws a person of the synthetic population; a fitted one is in the table."""
        if config.is_fitted:
            return
        user.bias = config.user_bias_sd * normal(rng)
        for index in range(config.n_factors):
            user.factors[index] = config.factor_sd * normal(rng)
        for index in range(config.n_user_features):
            shown = user.factors[index % config.n_factors] / config.factor_sd
            user.features[index] = shown + config.user_feature_noise * normal(rng)
        user.session_mean = config.session_mean

    @staticmethod
    def sample_visitor(config, users, rng):
        """Returns who comes: some do so much more often than others."""
        if not config.is_fitted:
            return int(config.n_users * skewed(rng, config.visit_skew))
        user_id = integer(rng, config.n_users)
        if uniform(rng) < users[user_id].visit_threshold:
            return user_id
        return int(users[user_id].visit_alias)

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Begins the first session."""
        begin_session(config, user, rng)

    @staticmethod
    def sample_candidate(config, user, items, rng):
        """Returns an item drawn by exposure, or one that the person knows."""
        if HAS_REPETITION:
            known = something_known(config, user, rng)
            if known >= 0:
                return int(known)
        if not config.is_fitted:
            return int(config.n_items * skewed(rng, config.exposure_skew))
        item_id = integer(rng, config.n_items)
        if uniform(rng) < items[item_id].exposure_threshold:
            return item_id
        return int(items[item_id].exposure_alias)

    @staticmethod
    def is_excluded(config, user, item_id):
        """Returns whether the person does not want the item again, or it is not there yet."""
        if HAS_PERIODS:  # noqa: SIM102  # what is not there is not compiled
            if is_to_come(config, user, item_id):
                return True
        if HAS_REPETITION:
            return is_unwanted(config, user, item_id)
        return has_consumed(user, item_id)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Consumes at most one item, by liking, and rates it."""
        for place in range(len(slate)):
            if slate[place] >= 0:
                if RatedCatalogue.is_excluded(config, user, slate[place]):
                    slate[place] = -1
                else:
                    response[place].score = score_of(config, user, items[slate[place]])
                    if HAS_PLACES:
                        response[place].score += appeal_of_place(config, place)
        place = multinomial_logit(slate, response, config.no_choice_score, rng)
        reward = 0.0
        if place >= 0:
            item = items[slate[place]]
            experience = liking_of(config, user, item) + config.rating_noise * normal(rng)
            rating = rate(config, experience)
            response[place].rating = rating
            response[place].liked = rating >= config.like_threshold
            consume(config, user, slate[place], item, rating)
            if HAS_REPETITION:
                remember(user, slate[place])
            reward = earned(config, rating)
        user.slates_left -= 1
        return reward, not goes_on(config, user, rng)

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows what this session showed of the person's taste."""
        observation.history.log_consumed = math.log1p(user.n_consumed)
        if user.n_consumed > 0:
            observation.history.mean_above = user.sum_above_mean / user.n_consumed
            if HAS_ITEM_FEATURES:
                for index in range(config.n_item_features):
                    observation.history.profile[index] = user.profile[index] / user.n_consumed

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the expected reward of the item shown alone."""
        liking = liking_of(config, user, item)
        chance = attraction_probability(score_of(config, user, item), config.no_choice_score)
        if config.reward == LIKED:
            return chance * like_chance(config, liking)
        if config.reward == CLICKS:
            return chance
        return chance * min(config.rating_max, max(config.rating_min, liking))


def _features(names: tuple[str, ...]) -> Any:
    """Returns a field of shown features; a record of none needs a number all the same."""
    return shown(np.float32, shape=len(names), names=names) if names else (np.float32, 1)
