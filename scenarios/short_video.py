"""Short videos: many kinds of feedback, patience, too much of one thing, and coming back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from recsim_env.core.choice import RESPONSE_FIELDS
from recsim_env.core.fields import count, tally, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import (
    LARGE,
    MAX_LOG_SD,
    MOST_DAYS,
    MOST_KINDS,
    MOST_SKEW,
    MOST_STEPS,
    SMALL,
    setting,
)
from recsim_env.core.streams import categorical, normal, skewed
from recsim_env.scenarios.video_feedback import (
    FEEDBACK,
    REWARDS,
    click_chance_of,
    clicked_appeal,
    clicked_pleasure,
    dislike_appeal,
    expected_pleasure,
    liking_of,
    pleasure_of,
    react,
    reward_of,
    similarity,
    write_click_chances,
    write_response,
)
from recsim_env.scenarios.video_session import (
    QUIT_REASONS,
    begin_session,
    forget_oldest,
    leaves_for_good,
    reason_to_quit,
    remember,
)

# Lengths of videos are log-normal around this median, within these bounds.
_MEDIAN_SECONDS, _LOG_SECONDS_SD, _MIN_SECONDS, _MAX_SECONDS = 25.0, 0.7, 5.0, 300.0

# How steeply `long_term_value` prices a category as its count nears the limit: with the power of
# this.
_EXPOSURE_POWER = 8


@dataclass(frozen=True, kw_only=True)
class ShortVideo(Scenario):
    """Does a recommender serve what is liked most, or what keeps people coming back for a month?

    Users: `n_users` people with a taste for each category, a sense for quality, covers and length,
      and a patience. An episode is a life of up to `n_days`: sessions, and days without any.
    Items: a catalogue of `n_items` videos with a category (sizes have a long tail), a direction
      near it, a quality, a cover that promises more or less than the video keeps, and a length.
      Candidates are drawn by popularity, which has a long tail.
    Response: liking = taste · direction + quality + length, each by the person's sense for it. Of
      each video on the slate they decide alone: a click with sigmoid(liking + cover + click_score)
      (1 - crowding s), with s the sum of its similarities (cosines above 0) to the others there;
      after a click a long view (18 s or to the end) with sigmoid(liking + long_view_score), and a
      like, comment, share and follow each with its rate exp(zeal liking); clicked or not, a dislike
      with its rate exp(-zeal liking).
    Change: the pleasure of a slate is the mean over its places of 1 for a long view, -click_regret
      for another click and -dislike_regret for a dislike. Patience, fresh for each session, falls
      by patience_drain times what is missing from expected_pleasure. A session ends when a category
      fills more than exposure_limit places of the last exposure_window slates (over-exposed), when
      patience is gone (bored), or with busy_probability after any slate. They come back on each
      later day with sigmoid(return_score + return_slope feeling), where feeling is the session's
      mean pleasure, less exposure_regret after over-exposure.
    Observation: `user` (n_categories + 4) a noisy profile: tastes, senses for quality, covers and
      length, patience, each standardized; `context` (3 + n_categories): slates of this session in
      tens, days away before it over churn_days, day over n_days, and how often each category was
      shown in the last exposure_window - 1 slates, over exposure_limit (over 1 where that is 0);
      `history` (n_categories + 4): running mean of long views in each category, less 1/4, and per
      video of this session clicks, long views, shares watched and dislikes; `candidates`
      (n_candidates, n_categories + 4): a noisy direction, quality and cover, ln(seconds / 25), and
      how often its category was shown, as in `context`; `response` (slate_size, 8) of the last
      slate: clicked, long view, liked, commented, shared, followed, disliked, share watched;
      `user_id`; `item_id` (n_candidates). The info of a step tells the day, sessions so far,
      slates of this session, patience, the last session's pleasure, and why the session ended
      (`QUIT_REASONS`).
    Action: indices of the `slate_size` candidates to show.
    Reward: `reward`: "feedback" is the weighted sum of the slate's feedback, "watch_minutes" the
      time watched.
    End: terminated after `n_days`, or when they stay away for longer than `churn_days`.

    Settings (defaults): those of `Scenario`, with n_users 1000, n_items 2000, n_candidates 20,
      slate_size 4, and
      n_categories (12); category_skew (0.4), sizes ~ rank ** -skew; category_share (0.85), of a
      direction that is its category's; exposure_skew (2), candidates ~ rank ** (1 / skew - 1);
      category_appeal (0.2), standard deviation between categories of the mean taste, larger ones
      being liked more; taste_sd (1.4), trait_sd (0.3) of other traits, quality_sd (0.45), cover_sd
      (0.5);
      feature_noise (0.1), profile_noise (1); click_score (-0.6), long_view_score (0), zeal (0.7);
      like_rate (0.015), comment_rate (0.003), share_rate (0.0015), follow_rate (0.001) of a click,
      and dislike_rate (0.0005) of a video, at liking 0; click_weight (0.2), long_view_weight (1),
      like_weight (2), comment_weight (3), share_weight (5), follow_weight (5), dislike_weight
      (-10); reward ("feedback"); crowding (0.12); exposure_window (4), exposure_limit (4, 0 is no
      limit); patience (4), patience_drain (1), expected_pleasure (0.5), click_regret (0.3),
      dislike_regret (2); busy_probability (0.04); return_score (-0.5), return_slope (4),
      exposure_regret (0.2), churn_days (7), n_days (30); pleasure_price (2) and exposure_price (6),
      by which `long_term_value` counts pleasure and a category at its limit.

    The filter bubble on its own, one video at a time and one session, is slate_size 1, n_days 1,
      exposure_window 3, exposure_limit 1, busy_probability 0, patience_drain 0 and horizon 30: the
      myopic oracle's sessions last about 3 videos, uniform ones 7, and far-sighted ones all 30,
      earning some eight times the oracle's return.

    Reference returns (defaults, mean and 95 % interval; slates a session): uniform 166 ± 4 (7.5),
      best non-personal ranking, judged by a crowd of 32, 221 ± 11 (6.1), myopic oracle 345 ± 6
      (4.1), far-sighted 1943 ± 40 (20.6). Without a limit both references earn the same.

    `expected_reward` is the expected reward of a video shown alone; `redundancy` is what it and its
    rival lose by crowding. `long_term_value` adds pleasure at its price, and takes off
    exposure_price times (count / (exposure_limit + 1)) ** 8 for the count that the video's category
    would reach.

    Realism: uniform slates get 40 clicks, 28 long views and 2 likes per 100 videos, 4 comments, 2
      shares, 1 follow and 1 dislike per 1000, in the order of logs such as KuaiRand's; a long view
      is defined as there. Kuaishou reported 346 million daily among 598 million monthly users in
      early 2022: an active person comes on 58 % of days; here, on 43 % with uniform slates and 83 %
      with far-sighted ones. Days until the return are geometric and end at about ten in KuaiSim,
      too. Weights, regrets, crowding, limits and the spread of tastes are assumed.

    Source: Zhao et al. 2023, "KuaiSim" (arXiv 2309.12645), for kinds of feedback, crowding,
      patience and return; Gao et al. 2022, "CIRS" (arXiv 2204.01266), for quitting when a category
      repeats; Gao et al. 2022, "KuaiRand" (arXiv 2208.08696), for the size of the rates.
    Differs: from KuaiSim, chances are stated, not those of a network fitted to a log (whose
      released code passes them through the sigmoid twice), return depends on the session that was,
      and people leave one by one; from CIRS, all that is shown in a session counts, and quitting
      ends a session instead of the episode. At most one session a day.
    Versions: v0.
    """

    n_users: int = 1000
    n_items: int = setting(2000, low=1)
    n_candidates: int = 20
    slate_size: int = 4
    n_categories: int = setting(12, low=2, high=MOST_KINDS)
    category_skew: float = setting(0.4, low=0, high=LARGE)
    category_share: float = setting(0.85, low=0, high=1)
    exposure_skew: int = setting(2, low=1, high=MOST_SKEW)
    category_appeal: float = setting(0.2, low=0, high=LARGE)
    taste_sd: float = setting(1.4, low=0, high=LARGE)
    trait_sd: float = setting(0.3, low=0, high=MAX_LOG_SD)
    quality_sd: float = setting(0.45, low=0, high=LARGE)
    cover_sd: float = setting(0.5, low=0, high=LARGE)
    feature_noise: float = setting(0.1, low=0, high=LARGE)
    profile_noise: float = setting(1.0, low=0, high=LARGE)
    click_score: float = setting(-0.6, low=-LARGE, high=LARGE)
    long_view_score: float = setting(0.0, low=-LARGE, high=LARGE)
    zeal: float = setting(0.7, low=0, high=LARGE)
    like_rate: float = setting(0.015, low=0, high=1)
    comment_rate: float = setting(0.003, low=0, high=1)
    share_rate: float = setting(0.0015, low=0, high=1)
    follow_rate: float = setting(0.001, low=0, high=1)
    dislike_rate: float = setting(0.0005, low=0, high=1)
    click_weight: float = setting(0.2, low=-LARGE, high=LARGE)
    long_view_weight: float = setting(1.0, low=-LARGE, high=LARGE)
    like_weight: float = setting(2.0, low=-LARGE, high=LARGE)
    comment_weight: float = setting(3.0, low=-LARGE, high=LARGE)
    share_weight: float = setting(5.0, low=-LARGE, high=LARGE)
    follow_weight: float = setting(5.0, low=-LARGE, high=LARGE)
    dislike_weight: float = setting(-10.0, low=-LARGE, high=LARGE)
    reward: str = setting("feedback", choices=REWARDS)
    crowding: float = setting(0.12, low=0, high=1)
    exposure_window: int = setting(4, low=1, high=MOST_KINDS)
    exposure_limit: int = setting(4, low=0, high=MOST_STEPS)
    patience: float = setting(4.0, low=SMALL, high=LARGE)
    patience_drain: float = setting(1.0, low=0, high=LARGE)
    expected_pleasure: float = setting(0.5, low=-LARGE, high=LARGE)
    click_regret: float = setting(0.3, low=0, high=LARGE)
    dislike_regret: float = setting(2.0, low=0, high=LARGE)
    busy_probability: float = setting(0.04, low=0, high=1)
    return_score: float = setting(-0.5, low=-LARGE, high=LARGE)
    return_slope: float = setting(4.0, low=0, high=LARGE)
    exposure_regret: float = setting(0.2, low=0, high=LARGE)
    churn_days: int = setting(7, low=1, high=MOST_DAYS)
    n_days: int = setting(30, low=1, high=MOST_DAYS)
    pleasure_price: float = setting(2.0, low=0, high=LARGE)
    exposure_price: float = setting(6.0, low=0, high=LARGE)

    view: ClassVar[Any] = "recsim_env.scenarios.views.short_video"
    category: ClassVar[str | None] = "category"
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "taste": ("taste", "quality_taste", "cover_taste", "length_taste"),
        "satiation": ("counts", "recent"),
        "mood": ("patience", "pleasure"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        in_window = self.exposure_window * self.slate_size
        counted = f"at most {MOST_KINDS} videos in it, slates of {self.slate_size}"
        self.require("exposure_window", in_window <= MOST_KINDS, counted)
        least_pleasure = -self.click_regret - self.dislike_regret
        can_bore = self.patience_drain > 0 and self.expected_pleasure > least_pleasure
        can_expose = 0 < self.exposure_limit < in_window
        if not (self.busy_probability or can_bore or can_expose or self.horizon):
            raise ValueError(
                "nothing ends a session; use a busy_probability, horizon or patience_drain (with "
                "an expected_pleasure) above 0, or an exposure_limit of 1 to exposure_window * "
                "slate_size - 1"
            )

    def user_layout(self) -> Mapping[str, Any]:
        """Tastes and what is known of them; this session; this life."""
        n_remembered = max(1, (self.exposure_window - 1) * self.slate_size)
        return {
            "taste": within(np.float32, -1e12, 1e12, self.n_categories),
            "quality_taste": within(np.float32, -1e3, 1e3),
            "cover_taste": within(np.float32, -1e3, 1e3),
            "length_taste": within(np.float32, -1e3, 1e3),
            "usual_patience": within(np.float32, 0, 1e37),
            "profile": (np.float32, self.n_categories + 4),
            "affinity": within(np.float32, -1, 1, self.n_categories),
            "counts": within(np.int16, 0, n_remembered, self.n_categories),
            "recent": within(np.int16, 0, self.n_categories, n_remembered),
            "turn": count(np.int32),
            "patience": within(np.float32, -1e37, 1e37),
            "pleasure": within(np.float32, -1e37, 1e37),
            "n_clicks": count(np.int32),
            "n_long_views": count(np.int32),
            "n_dislikes": count(np.int32),
            "n_shown": count(np.int32),
            "watched": within(np.float32, 0, 1e30),
            "n_sessions": count(np.int32),
            "day": within(np.int32, 0, self.n_days),
            "days_away": within(np.int32, 0, self.churn_days),
            "last_pleasure": within(np.float32, -1e37, 1e37),
            "quit_reason": within(np.int32, 0, len(QUIT_REASONS) - 1),
        }

    def contradictions(self, users: np.ndarray) -> Mapping[str, np.ndarray]:
        """Categories are counted as long as they are remembered, and feedback on what was shown."""
        recent = users["recent"].astype(int)
        counts = tally(recent - 1, recent > 0, self.n_categories)
        feedback = ("n_clicks", "n_long_views", "n_dislikes")
        more = {name: users[name] > users["n_shown"] for name in feedback}
        return more | {"counts": (users["counts"] != counts).any(axis=1)}

    def item_layout(self) -> Mapping[str, Any]:
        """A category, what the video is about, how good it is, its cover and its length."""
        return {
            "embedding": (np.float32, self.n_categories),
            "features": (np.float32, self.n_categories + 3),
            "quality": np.float32,
            "cover": np.float32,
            "seconds": np.float32,
            "log_seconds": np.float32,
            "category": np.int32,
        }

    def response_layout(self) -> Mapping[str, Any]:
        """Every kind of feedback, and the time watched."""
        kinds = dict.fromkeys(FEEDBACK[1:], bool)
        watched = {"watch_seconds": float, "watch_share": within(float, 0, 1)}
        return RESPONSE_FIELDS | kinds | watched

    def observation_fields(self) -> Mapping[str, spaces.Box]:
        """See the class."""
        largest = np.finfo(np.float32).max
        n_columns = self.n_categories + 4
        return {
            "user": spaces.Box(-largest, largest, (n_columns,), np.float32),
            "context": spaces.Box(0.0, largest, (3 + self.n_categories,), np.float32),
            "history": spaces.Box(-1.0, 1.0, (n_columns,), np.float32),
            "candidates": spaces.Box(-largest, largest, (self.n_candidates, n_columns), np.float32),
            "response": spaces.Box(0.0, 1.0, (self.slate_size, 8), np.float32),
        }

    def column_names(self) -> Mapping[str, tuple[str, ...]]:
        """Names the columns of observations."""
        categories = range(self.n_categories)
        return {
            "user": (
                *(f"taste_{category}" for category in categories),
                *("quality_taste", "cover_taste", "length_taste", "patience"),
            ),
            "context": (
                *("turn", "days_away", "day"),
                *(f"recent_{category}" for category in categories),
            ),
            "history": (
                *(f"affinity_{category}" for category in categories),
                *("click_rate", "long_view_rate", "watch_share", "dislike_rate"),
            ),
            "candidates": (
                *(f"category_{category}" for category in categories),
                *("quality", "cover", "log_seconds", "exposure"),
            ),
            "response": (*FEEDBACK, "watch_share"),
        }

    def info_layout(self) -> Mapping[str, Any]:
        """The life so far, and why the session ended that the last slate belonged to."""
        return {
            "day": int,
            "n_sessions": int,
            "turn": int,
            "patience": float,
            "session_pleasure": float,
            "quit_reason": int,
        }

    def derived(self) -> Mapping[str, Any]:
        """Category sizes, codes, and prices of what outlasts the slate."""
        log_rank = np.log(np.arange(1.0, self.n_categories + 1))
        shares = np.exp(-self.category_skew * log_rank)
        demand = (log_rank.mean() - log_rank) / log_rank.std()
        matters = self.return_slope > 0 or self.patience_drain > 0
        return {
            "category_sizes": shares / shares.sum(),
            "category_taste": self.category_appeal * demand,
            "reward": REWARDS.index(self.reward),
            "pleasure_price": self.pleasure_price if matters else 0.0,
        }

    @staticmethod
    def sample_item(config, item, rng):
        """Draws a category, a direction near it, quality, cover, length, and noisy features."""
        item.category = categorical(rng, config.category_sizes)
        square = 0.0
        for index in range(len(item.embedding)):
            item.embedding[index] = normal(rng)
            square += item.embedding[index] ** 2
        mixed = math.sqrt((1.0 - config.category_share**2) / square)
        for index in range(len(item.embedding)):
            item.embedding[index] *= mixed
        item.embedding[item.category] += config.category_share
        square = 0.0
        for index in range(len(item.embedding)):
            square += item.embedding[index] ** 2
        for index in range(len(item.embedding)):
            item.embedding[index] /= math.sqrt(square)
            noise = config.feature_noise * normal(rng)
            item.features[index] = item.embedding[index] + noise
        item.quality = config.quality_sd * normal(rng)
        item.cover = config.cover_sd * normal(rng)
        seconds = _MEDIAN_SECONDS * math.exp(_LOG_SECONDS_SD * normal(rng))
        item.seconds = min(_MAX_SECONDS, max(_MIN_SECONDS, seconds))
        item.log_seconds = math.log(item.seconds / _MEDIAN_SECONDS)
        item.features[config.n_categories] = item.quality + config.feature_noise * normal(rng)
        item.features[config.n_categories + 1] = item.cover + config.feature_noise * normal(rng)
        item.features[config.n_categories + 2] = item.log_seconds

    @staticmethod
    def sample_user(config, user, rng):
        """Draws tastes and patience, and what is known of them."""
        n_categories = config.n_categories
        for index in range(len(user.profile)):
            trait = normal(rng)
            user.profile[index] = trait + config.profile_noise * normal(rng)
            deviation = config.trait_sd * trait
            if index < n_categories:
                user.taste[index] = config.category_taste[index] + config.taste_sd * trait
            elif index == n_categories:
                user.quality_taste = 1.0 + deviation
            elif index == n_categories + 1:
                user.cover_taste = 1.0 + deviation
            elif index == n_categories + 2:
                user.length_taste = deviation
            else:
                user.usual_patience = config.patience * math.exp(deviation)

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Begins the first session of a life."""
        user.n_sessions = 0
        user.day = 0
        begin_session(config, user)

    @staticmethod
    def sample_candidate(config, user, items, rng):
        """Returns an item drawn by popularity, which has a long tail."""
        return int(config.n_items * skewed(rng, config.exposure_skew))

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Looks at every item, gives feedback, and perhaps ends the session, or stays away."""
        write_click_chances(config, user, items, slate, response)
        reward = 0.0
        pleasure = 0.0
        for place in range(len(slate)):
            if slate[place] >= 0:
                item = items[slate[place]]
                react(config, user, item, response[place], rng)
                reward += reward_of(config, response[place])
                pleasure += pleasure_of(config, response[place])
                remember(user, item.category, response[place])
        pleasure /= len(slate)
        user.turn += 1
        user.pleasure += pleasure
        user.patience -= config.patience_drain * max(0.0, config.expected_pleasure - pleasure)
        user.quit_reason = reason_to_quit(config, user, rng)
        forget_oldest(config, user, items, slate)
        return reward, leaves_for_good(config, user, rng)

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows what is known of the person and the videos, the window, and the last feedback."""
        n_categories = config.n_categories
        per_limit = 1.0 / max(1, config.exposure_limit)
        observation.context[0] = user.turn / 10.0
        observation.context[1] = user.days_away / config.churn_days
        observation.context[2] = user.day / config.n_days
        for index in range(len(user.affinity)):
            observation.context[3 + index] = user.counts[index] * per_limit
            observation.history[index] = user.affinity[index]
        for index in range(len(user.profile)):
            observation.user[index] = user.profile[index]
        per_shown = 1.0 / max(1, user.n_shown)
        observation.history[n_categories] = user.n_clicks * per_shown
        observation.history[n_categories + 1] = user.n_long_views * per_shown
        observation.history[n_categories + 2] = min(1.0, user.watched * per_shown)
        observation.history[n_categories + 3] = user.n_dislikes * per_shown
        for index in range(len(candidates)):
            item = items[candidates[index]]
            for column in range(len(item.features)):
                observation.candidates[index, column] = item.features[column]
            count = user.counts[item.category]
            observation.candidates[index, n_categories + 3] = count * per_limit
        for place in range(len(response)):
            write_response(response[place], observation.response[place])

    @staticmethod
    def report(config, user, items, info):
        """Writes how the life goes."""
        info.day = user.day
        info.n_sessions = user.n_sessions
        info.turn = user.turn
        info.patience = user.patience
        info.session_pleasure = user.last_pleasure
        info.quit_reason = user.quit_reason

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the expected reward of the video shown alone."""
        liking = liking_of(config, user, item)
        return clicked_appeal(config, user, liking, item) + dislike_appeal(config, liking)

    @staticmethod
    def redundancy(config, user, item, other):
        """Returns what both lose by standing on one slate: clicks, for being alike."""
        alike = config.crowding * similarity(item, other)
        if alike <= 0.0:
            return 0.0
        both = max(0.0, clicked_appeal(config, user, liking_of(config, user, item), item))
        both += max(0.0, clicked_appeal(config, user, liking_of(config, user, other), other))
        return alike * both

    @staticmethod
    def long_term_value(config, user, item):
        """Returns the expected reward, plus the price of pleasure, less that of the category."""
        liking = liking_of(config, user, item)
        value = clicked_appeal(config, user, liking, item) + dislike_appeal(config, liking)
        value += config.pleasure_price * expected_pleasure(config, user, liking, item)
        return value - exposure_cost(config, user.counts[item.category] + 1)

    @staticmethod
    def long_term_redundancy(config, user, item, other):
        """Returns what both lose by being alike, and what a second of the category adds."""
        alike = config.crowding * similarity(item, other)
        lost = 0.0
        if alike > 0.0:
            lost += max(0.0, clicked_worth(config, user, liking_of(config, user, item), item))
            lost += max(0.0, clicked_worth(config, user, liking_of(config, user, other), other))
            lost *= alike
        if item.category == other.category:
            count = user.counts[item.category]
            lost += exposure_cost(config, count + 2) - exposure_cost(config, count + 1)
        return lost


def clicked_worth(config, user, liking, item):
    """Returns the expected_reward and the priced pleasure of what follows a click."""
    pleasure = click_chance_of(config, user, liking, item) * clicked_pleasure(config, liking)
    return clicked_appeal(config, user, liking, item) + config.pleasure_price * pleasure


def exposure_cost(config, count):
    """Returns the price of a category standing at `count` in the window: all of it at the limit."""
    if config.exposure_limit == 0:
        return 0.0
    ratio = count / (config.exposure_limit + 1.0)
    return config.exposure_price * ratio**_EXPOSURE_POWER
