"""Short videos: many kinds of feedback, patience, too much of one thing, and coming back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import RESPONSE_FIELDS
from recsim_env.core.fields import Layout, count, shown, tally, within
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
from recsim_env.core.streams import skewed
from recsim_env.scenarios.video_feedback import (
    FEEDBACK,
    REWARDS,
    chance_clicked,
    clicked_in_vain,
    clicked_reward,
    clicked_value,
    dislike_reward,
    expected_pleasure,
    liking_of,
    pleasure_of,
    react,
    reward_of,
    similarity,
    write_click_chances,
)
from recsim_env.scenarios.video_session import (
    QUIT_REASONS,
    begin_session,
    exposure_cost,
    forget_oldest,
    leaves_for_good,
    reason_to_quit,
    remember,
)
from recsim_env.scenarios.video_world import draw_video, draw_viewer


@dataclass(frozen=True, kw_only=True)
class ShortVideo(Scenario):
    """Does a recommender serve what is liked most, or what keeps people coming back for a month?

    Users: `n_users` people with a taste for each category, a sense for quality, covers and length,
      and a patience. An episode has many sessions, on up to `n_days` days.
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

    The filter bubble on its own, one video at a time and one session, is slate_size 1, n_days 1,
      exposure_window 3, exposure_limit 1, busy_probability 0, patience_drain 0 and horizon 30: the
      myopic oracle's sessions last about 3 videos, uniform ones 7, and far-sighted ones all 30,
      earning some eight times the oracle's return.

    Reference returns (defaults, mean and 95 % interval; slates a session): uniform 166 ± 4 (7.5),
      best non-personal ranking (means over 32 sampled people) 221 ± 11 (6.1), myopic oracle
      345 ± 6 (4.1), far-sighted 1943 ± 40 (20.6). Without a limit both references earn the same.

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
    n_categories: int = setting(12, low=2, high=MOST_KINDS, doc="categories of videos")
    category_skew: float = setting(0.4, low=0, high=LARGE, doc="sizes ~ rank ** -skew")
    category_share: float = setting(0.85, low=0, high=1, doc="of a direction, the category's")
    exposure_skew: int = setting(
        2, low=1, high=MOST_SKEW, doc="candidates ~ rank ** (1 / skew - 1)"
    )
    category_appeal: float = setting(
        0.2, low=0, high=LARGE, doc="sd of mean tastes between categories, the larger liked more"
    )
    taste_sd: float = setting(1.4, low=0, high=LARGE, doc="of tastes for a category")
    trait_sd: float = setting(0.3, low=0, high=MAX_LOG_SD, doc="of other traits")
    quality_sd: float = setting(0.45, low=0, high=LARGE, doc="of videos")
    cover_sd: float = setting(0.5, low=0, high=LARGE, doc="of what a cover promises too much")
    feature_noise: float = setting(0.1, low=0, high=LARGE, doc="sd, in what is seen of videos")
    profile_noise: float = setting(1.0, low=0, high=LARGE, doc="sd, in what is known of people")
    click_score: float = setting(-0.6, low=-LARGE, high=LARGE, doc="log-odds of a click, liking 0")
    long_view_score: float = setting(0.0, low=-LARGE, high=LARGE, doc="of a long view then")
    zeal: float = setting(0.7, low=0, high=LARGE, doc="how the rates below follow liking")
    like_rate: float = setting(0.015, low=0, high=1, doc="of clicks, at liking 0")
    comment_rate: float = setting(0.003, low=0, high=1, doc="likewise")
    share_rate: float = setting(0.0015, low=0, high=1, doc="likewise")
    follow_rate: float = setting(0.001, low=0, high=1, doc="likewise")
    dislike_rate: float = setting(0.0005, low=0, high=1, doc="of videos shown, at liking 0")
    click_weight: float = setting(0.2, low=-LARGE, high=LARGE, doc="in the reward, as those below")
    long_view_weight: float = setting(1.0, low=-LARGE, high=LARGE, doc="reward of a long view")
    like_weight: float = setting(2.0, low=-LARGE, high=LARGE, doc="reward of a like")
    comment_weight: float = setting(3.0, low=-LARGE, high=LARGE, doc="reward of a comment")
    share_weight: float = setting(5.0, low=-LARGE, high=LARGE, doc="reward of a share")
    follow_weight: float = setting(5.0, low=-LARGE, high=LARGE, doc="reward of a follow")
    dislike_weight: float = setting(-10.0, low=-LARGE, high=LARGE, doc="reward of a dislike")
    reward: str = setting("feedback", choices=REWARDS, doc="what is earned")
    crowding: float = setting(0.12, low=0, high=1, doc="share of clicks lost to an equal one")
    exposure_window: int = setting(4, low=1, high=MOST_KINDS, doc="slates that are remembered")
    exposure_limit: int = setting(
        4, low=0, high=MOST_STEPS, doc="places of one category in the window; 0 is no limit"
    )
    patience: float = setting(4.0, low=SMALL, high=LARGE, doc="at the beginning of a session")
    patience_drain: float = setting(1.0, low=0, high=LARGE, doc="per pleasure that is missing")
    expected_pleasure: float = setting(0.5, low=-LARGE, high=LARGE, doc="of a slate")
    click_regret: float = setting(0.3, low=0, high=LARGE, doc="after a click without a long view")
    dislike_regret: float = setting(2.0, low=0, high=LARGE, doc="pleasure lost by a dislike")
    busy_probability: float = setting(0.04, low=0, high=1, doc="of leaving after a slate")
    return_score: float = setting(-0.5, low=-LARGE, high=LARGE, doc="log-odds of a day, feeling 0")
    return_slope: float = setting(4.0, low=0, high=LARGE, doc="what a feeling of 1 adds to them")
    exposure_regret: float = setting(0.2, low=0, high=LARGE, doc="off the feeling, if over-exposed")
    churn_days: int = setting(7, low=1, high=MOST_DAYS, doc="who stays away for longer is gone")
    n_days: int = setting(30, low=1, high=MOST_DAYS, doc="of an episode")
    pleasure_price: float = setting(2.0, low=0, high=LARGE, doc="of `long_term_value`")
    exposure_price: float = setting(6.0, low=0, high=LARGE, doc="likewise, of reaching the limit")

    view: ClassVar[Any] = "recsim_env.scenarios.views.short_video"
    click_probability = staticmethod(chance_clicked)
    category: ClassVar[str | None] = "category"
    item_vector: ClassVar[str | None] = "embedding"
    session_count: ClassVar[str | None] = "n_sessions"
    regretted = staticmethod(clicked_in_vain)
    traits: ClassVar[tuple[str, ...]] = ("usual_patience", "quality_taste")
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "taste": ("taste", "quality_taste", "cover_taste", "length_taste"),
        "satiation": ("counts", "recent"),
        "mood": ("patience", "pleasure"),
    }

    sample_item = staticmethod(draw_video)
    sample_user = staticmethod(draw_viewer)

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

    def user_layout(self) -> Layout:
        """Tastes and what is known of them; this session; all sessions."""
        n_remembered = max(1, (self.exposure_window - 1) * self.slate_size)
        tastes = (f"taste_{category}" for category in range(self.n_categories))
        names = (*tastes, "quality_taste", "cover_taste", "length_taste", "patience")
        return {
            "taste": within(np.float32, -1e12, 1e12, self.n_categories),
            "quality_taste": within(np.float32, -1e3, 1e3),
            "cover_taste": within(np.float32, -1e3, 1e3),
            "length_taste": within(np.float32, -1e3, 1e3),
            "usual_patience": within(np.float32, 0, 1e37),
            "profile": shown(np.float32, shape=self.n_categories + 4, names=names),
            "affinity": shown(np.float32, -1, 1, self.n_categories, under="history"),
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

    def item_layout(self) -> Layout:
        """A category, what the video is about, how good it is, its cover and its length."""
        directions = (f"category_{category}" for category in range(self.n_categories))
        names = (*directions, "quality", "cover", "log_seconds")
        return {
            "embedding": (np.float32, self.n_categories),
            "features": shown(np.float32, shape=self.n_categories + 3, names=names),
            "quality": np.float32,
            "cover": np.float32,
            "seconds": np.float32,
            "log_seconds": np.float32,
            "category": np.int32,
        }

    def response_layout(self) -> Layout:
        """Every kind of feedback, and the time watched."""
        kinds = {kind: shown(bool) for kind in FEEDBACK[1:]}
        watched = {"watch_seconds": float, "watch_share": shown(float, 0, 1)}
        return RESPONSE_FIELDS | kinds | watched

    def observation_layout(self) -> Mapping[str, Any]:
        """Where the episode stands, and how the session went so far."""
        rates = ("click_rate", "long_view_rate", "watch_share", "dislike_rate")
        return {
            "user": {},
            "context": {
                **dict.fromkeys(("turn", "days_away", "day"), shown(float, 0)),
                "recent": shown(float, 0, shape=self.n_categories),
            },
            "history": dict.fromkeys(rates, shown(float, -1, 1)),
            "candidates": {"exposure": shown(float)},
        }

    def info_layout(self) -> Layout:
        """The episode so far, and why the session ended that the last slate belonged to."""
        return {
            "day": int,
            "n_sessions": int,
            "turn": int,
            "patience": float,
            "session_pleasure": float,
            "quit_reason": int,
        }

    def derived(self) -> Mapping[str, Any]:
        """Category sizes, and prices of what outlasts the slate."""
        log_rank = np.log(np.arange(1.0, self.n_categories + 1))
        shares = np.exp(-self.category_skew * log_rank)
        demand = (log_rank.mean() - log_rank) / log_rank.std()
        matters = self.return_slope > 0 or self.patience_drain > 0
        return {
            "category_sizes": shares / shares.sum(),
            "category_taste": self.category_appeal * demand,
            "pleasure_price": self.pleasure_price if matters else 0.0,
        }

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Begins the first session."""
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
        """Shows the window, the session so far, and how often each category was shown."""
        context = observation.context
        context.turn = user.turn / 10.0
        context.days_away = user.days_away / config.churn_days
        context.day = user.day / config.n_days
        per_limit = 1.0 / max(1, config.exposure_limit)
        for category in range(config.n_categories):
            context.recent[category] = user.counts[category] * per_limit
        per_shown = 1.0 / max(1, user.n_shown)
        observation.history.click_rate = user.n_clicks * per_shown
        observation.history.long_view_rate = user.n_long_views * per_shown
        observation.history.watch_share = min(1.0, user.watched * per_shown)
        observation.history.dislike_rate = user.n_dislikes * per_shown
        for index in range(len(candidates)):
            category = items[candidates[index]].category
            observation.candidates[index].exposure = context.recent[category]

    @staticmethod
    def report(config, user, items, info):
        """Writes how the episode goes."""
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
        return clicked_reward(config, user, liking, item) + dislike_reward(config, liking)

    @staticmethod
    def redundancy(config, user, item, other):
        """Returns what both lose by standing on one slate: clicks, for being alike."""
        alike = config.crowding * similarity(item, other)
        if alike <= 0.0:
            return 0.0
        both = max(0.0, clicked_reward(config, user, liking_of(config, user, item), item))
        both += max(0.0, clicked_reward(config, user, liking_of(config, user, other), other))
        return alike * both

    @staticmethod
    def long_term_value(config, user, item):
        """Returns the expected reward, plus the price of pleasure, less that of the category."""
        liking = liking_of(config, user, item)
        value = clicked_reward(config, user, liking, item) + dislike_reward(config, liking)
        value += config.pleasure_price * expected_pleasure(config, user, liking, item)
        return value - exposure_cost(config, user.counts[item.category] + 1)

    @staticmethod
    def long_term_redundancy(config, user, item, other):
        """Returns what both lose by being alike, and what a second of the category adds."""
        alike = config.crowding * similarity(item, other)
        lost = 0.0
        if alike > 0.0:
            lost += max(0.0, clicked_value(config, user, liking_of(config, user, item), item))
            lost += max(0.0, clicked_value(config, user, liking_of(config, user, other), other))
            lost *= alike
        if item.category == other.category:
            count = user.counts[item.category]
            lost += exposure_cost(config, count + 2) - exposure_cost(config, count + 1)
        return lost
