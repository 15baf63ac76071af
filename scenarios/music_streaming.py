"""Music for the moment: tastes, routines, satiation, and listeners who come back or do not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import RESPONSE_FIELDS, attraction_probability
from recsim_env.core.fields import Layout, count, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import (
    LARGE,
    MOST_DAYS,
    MOST_ITEMS,
    MOST_KINDS,
    MOST_SKEW,
    SMALL,
    setting,
)
from recsim_env.core.streams import integer, normal, skewed, uniform
from recsim_env.scenarios.music_listener import (
    BROWSE_MINUTES,
    COMPLETED,
    LIKED,
    NATURE,
    RETURNS,
    REWARDS,
    SKIPPED,
    chance_heard,
    choice_chance,
    choose_from,
    completion_score,
    continue_chance,
    end_session,
    enjoyed_too_little,
    enjoyment_of,
    listen,
    match_of,
    play_reward,
    recover,
    remember,
    return_chance,
    reward_of,
    satisfaction_after,
    satisfaction_gain,
)
from recsim_env.scenarios.music_world import (
    ARCHETYPE_PART,
    ARCHETYPES,
    DEVICES,
    LONGEST,
    MAX_FEATURE,
    MINUTES_PER_DAY,
    PLACES,
    begin_session,
    catalogue,
    draw_listener,
    is_weekend,
    let_time_pass,
    music_world,
)

# Sounds that can be measured in a recording; energy, popularity and length are seen without noise.
_N_SOUNDS = 5
_SOUNDS = tuple(f"sound_{index}" for index in range(_N_SOUNDS))
_FEATURES = (*_SOUNDS, "energy", "popularity", "length")
_N_FEATURES = len(_FEATURES)
_HEARD_NAMES = tuple(f"{end}_{name}" for end in ("skipped", "completed") for name in _FEATURES)
_SEEN_FEATURES = shown(np.float32, -MAX_FEATURE, MAX_FEATURE, _N_FEATURES, names=_FEATURES)
_HEARD_FEATURES = shown(
    np.float32, -MAX_FEATURE, MAX_FEATURE, 2 * _N_FEATURES, under="history", names=_HEARD_NAMES
)

_TASTE_SCALE = 1.5

# What a minute of listening brings of each reward, for `long_term_value`; where later sessions are
# earned, satisfaction is all that counts, at whatever price.
_TYPICAL = {"minutes": 1.0, "completions": 0.25, "likes": 0.02, "returns": 1.0}

# The last tracks, whose artists satiate; also the most that is allowed of `n_recent`.
_RING = 16

_MAX_SHOWN_HOURS = 4.0


@dataclass(frozen=True, kw_only=True)
class MusicStreaming(Scenario):
    """Which track next, for this person, at this hour, in this place, after what they just heard?

    Users: `n_users` listeners, a few of whom come far more often. Each has a taste, a vector around
      that of one of four archetypes, a favourite genre, own wishes for energy in each place, and
      habits of when and where to listen.
    Items: a catalogue of `n_items` tracks: artist (long-tailed), a main and a second genre, energy,
      length, popularity, quality, a hidden embedding around genre and artist, and a hidden hook:
      how far it gets by without being skipped, loud and popular ones further. Candidates are drawn
      by exposure, which falls with popularity; a track may be offered again.
    Response: match = taste · embedding + quality + context fit - satiation, in log-odds. Context
      fit is the energy that the place asks for (quiet at work, fast at the gym) and, in the
      evening, the favourite genre and popular tracks. With slate_size 1 (autoplay) the track plays;
      from a longer slate, a shelf, they choose one or none by a multinomial logit. The track is
      heard to its end with log-odds match + hook + device - 0.9, else skipped: half of the skips
      within 5 s, 20 % within 30 s, the rest anywhere later. What was heard out is now and then
      liked.
    Change: each track satiates its genres and its artist, which fades with `recovery_hours` (an
      artist's at once when 16 further tracks were heard); the taste moves towards what is heard;
      the clock runs, and the place may change. A hidden satisfaction follows enjoyment =
      sigmoid(match), in which the hook has no part; two skips in a row hurt it. It decides when
      they leave, when they come back, and whether at all.
    Observation: `context` (11): hour as sine and cosine, weekend, place (4) and device (3) one-hot,
      hours of this session; `history` (16): exponential means of the features of tracks skipped (8)
      and completed (8); `recent` (n_recent, 12): the last tracks, the latest first, with features,
      share played, skipped, completed, liked; `candidates` (n_candidates, 8): five of the
      embedding's directions through noise, energy, popularity and log of length, standardised;
      `response` (slate_size, 5) of the last slate: played for more than 30 s, skipped, completed,
      liked, minutes; `user_id`; `item_id` (n_candidates). Taste, genre, artist, hook, satiation and
      satisfaction stay hidden; satisfaction, sessions so far and the day are in the info.
    Action: indices of the `slate_size` candidates to show.
    Reward: `reward`: "minutes" (default) listened, "completions", "likes", or "returns": 1 when
      they leave and will come back.
    End: terminated when the session ends (`n_days` 0), or when a multi-session episode does: by
      churn, or when the next session would begin after `n_days` days.

    Realism: about a quarter of streams are skipped within 5 s, a third within 30 s and half before
      the end (Lamere 2014); here 30, 42 and 60 % under uniform slates, 12, 17 and 24 % under the
      oracle. Listeners are early birds, working-hours listeners, evening listeners or night owls
      (Louail and Barthelemy 2017); sessions begin mostly in the morning and in the early evening,
      and hardly between 2 and 5 (Zhang et al. 2013). What is wanted follows the hour (Park et al.
      2019; Heggli et al. 2021), and interest falls with many repetitions (Sguerra et al. 2022). A
      play longer than 30 s is what services count as a stream. The sizes of all effects, the skew
      of exposure, and how satisfaction moves people are assumed.

    Reference returns (95 % intervals). Minutes of a session, of 4,096: uniform 16.2 ± 0.4, best
      ranking that knows nothing of the person 35.4 ± 0.9, oracle 68.2 ± 1.8; the oracle without
      context 54.1 ± 1.4, without satiation 55.1 ± 1.3, without taste 50.6 ± 1.4; far-sighted
      72.0 ± 1.9. Minutes of 30 days, of 1,024: uniform 166 ± 7, without the person
      600 ± 27, oracle 1,928 ± 56, far-sighted 2,194 ± 60.

    `expected_reward` is exact. `long_term_value` adds what the track does to satisfaction, at
      `foresight` a unit; it gives up catchy tracks that get through without being enjoyed.

    Source: Lamere 2014, "The skip" (musicmachinery.com); Brost, Mehrotra and Jehan 2019, "The music
      streaming sessions dataset"; Louail and Barthelemy 2017, "Headphones on the wire"; Zhang et
      al. 2013, "Understanding user behavior in Spotify"; Park et al. 2019, "Global music streaming
      data reveal diurnal and seasonal patterns of affective preference"; Heggli et al. 2021,
      "Diurnal fluctuations in musical preference"; Sguerra et al. 2022, "Discovery dynamics".
    Differs: made up, not fitted to a log; interest does not rise with the first repetitions; the
      energy that is wanted follows the place, and the hour only through it.
    Versions: v0.
    """

    n_users: int = setting(1000, low=1)
    n_items: int = setting(1000, low=1)
    n_candidates: int = 20
    slate_size: int = 1
    n_days: int = setting(0, low=0, high=MOST_DAYS, doc="of an episode; 0 is one session")
    reward: str = setting("minutes", choices=REWARDS, doc="what is earned")
    n_genres: int = setting(12, low=1, high=MOST_KINDS, doc="genres of tracks")
    n_artists: int = setting(150, low=1, high=MOST_ITEMS, doc="artists in the catalogue")
    n_factors: int = setting(6, low=1, high=MOST_KINDS, doc="of taste and embedding")
    n_recent: int = setting(5, low=1, high=_RING, doc="tracks in `recent`")
    feature_noise: float = setting(
        0.5, low=0, high=LARGE, doc="its sd, relative to the embedding's"
    )
    exposure_skew: int = setting(
        2, low=1, high=MOST_SKEW, doc="tracks are offered ~ rank ** (1 / skew - 1); 1 is uniform"
    )
    visit_skew: int = setting(2, low=1, high=MOST_SKEW, doc="likewise, for who comes")
    context_strength: float = setting(1.0, low=0, high=10, doc="0 turns context off")
    satiation_strength: float = setting(
        0.7, low=0, high=10, doc="log-odds lost by a track of the genre just heard; 0 is off"
    )
    recovery_hours: float = setting(3.0, low=SMALL, high=LARGE, doc="until 1/e of it is left")
    drift: float = setting(0.005, low=0, high=1, doc="of taste towards what is heard; 0 is off")
    hook_strength: float = setting(0.8, low=0, high=10, doc="0 turns hooks off")
    feeling: float = setting(1.0, low=0, high=10, doc="what satisfaction does; 0 is nothing")
    gap_days: float = setting(
        1.0, low=SMALL, high=LARGE, doc="about the mean between sessions, at middling satisfaction"
    )
    churn_rate: float = setting(0.02, low=0, high=1, doc="per session, likewise")
    no_choice_score: float = setting(0.5, low=-100, high=100, doc="of a shelf")
    foresight: float = setting(
        25.0, low=0, high=LARGE, doc="minutes that `long_term_value` pays for a satisfaction of 1"
    )

    view: ClassVar[Any] = "recsim_env.scenarios.views.music_streaming"
    click_probability = staticmethod(chance_heard)
    category: ClassVar[str | None] = "genre"
    maker: ClassVar[str | None] = "artist"
    item_vector: ClassVar[str | None] = "embedding"
    session_count: ClassVar[str | None] = "n_sessions"
    regretted = staticmethod(enjoyed_too_little)
    traits: ClassVar[tuple[str, ...]] = ("archetype",)
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "taste": ("taste", "energy_slope", "favourite"),
        "context": ("clock", "hour_sin", "hour_cos", "place", "played_on"),
        "satiation": ("satiation", "ring_artist", "ring_weight"),
        "mood": ("satisfaction", "n_skips"),
    }

    sample_user = staticmethod(draw_listener)

    def working_bytes(self) -> int:
        """What archetypes, genres, artists and tracks are like, in double precision."""
        n_vectors = 2 * self.n_genres + 2 * self.n_artists + 6 * self.n_items
        return 8 * (self.n_factors * n_vectors + 12 * self.n_items + 6 * self.n_artists)

    def user_layout(self) -> Layout:
        """Who they are; where and when they listen; what they are tired of; how they feel."""
        return {
            "archetype": within(np.int32, 0, len(ARCHETYPES) - 1),
            "taste": within(np.float32, -100, 100, self.n_factors),
            "energy_slope": within(np.float32, -100, 100, len(PLACES)),
            "favourite": within(np.int32, 0, self.n_genres - 1),
            "part_habit": within(np.float32, 0, 1e4, ARCHETYPE_PART.shape[1]),
            "place_habit": within(np.float32, 0, 1e4, len(PLACES)),
            "leisure": within(np.float32, 0.01, 100),
            "clock": within(float, 0, 3 * MOST_DAYS * MINUTES_PER_DAY),
            "end_clock": within(float, 0, 3 * MOST_DAYS * MINUTES_PER_DAY),
            "hour_sin": shown(np.float32, -1, 1, under="context"),
            "hour_cos": shown(np.float32, -1, 1, under="context"),
            "place": within(np.int32, 0, len(PLACES) - 1),
            "played_on": within(np.int32, 0, len(DEVICES) - 1),
            "session_minutes": within(np.float32, 0, 1e9),
            "n_sessions": count(np.int32),
            "satiation": within(np.float32, 0, 1e9, self.n_genres),
            "ring_artist": within(np.int32, 0, self.n_artists - 1, _RING),
            "ring_weight": within(np.float32, 0, 1, _RING),
            "n_heard": count(np.int64),
            "satisfaction": within(np.float32, 0, 1),
            "n_skips": count(np.int32),
            "profile": _HEARD_FEATURES,
            "recent_item": within(np.int32, 0, self.n_items - 1, self.n_recent),
            "recent_share": within(np.float32, 0, 1, self.n_recent),
            "recent_outcome": within(np.int32, 0, 3, self.n_recent),
        }

    def item_layout(self) -> Layout:
        """A track as it is, and as it is seen."""
        return {
            "features": _SEEN_FEATURES,
            "embedding": (np.float32, self.n_factors),
            "energy": np.float32,
            "popularity": np.float32,
            "quality": np.float32,
            "hook": np.float32,
            "length": np.float32,
            "artist": np.int32,
            "genre": np.int32,
            "second_genre": np.int32,
        }

    def response_layout(self) -> Layout:
        """What was heard, and how."""
        return RESPONSE_FIELDS | {
            "clicked": shown(bool, names="played"),
            "skipped": shown(bool),
            "completed": shown(bool),
            "liked": shown(bool),
            "minutes": shown(float, 0, LONGEST),
            "match": float,
        }

    def observation_layout(self) -> Mapping[str, Any]:
        """The moment, and the last tracks."""
        at, on = (tuple(f"at_{place}" for place in PLACES), tuple(f"on_{each}" for each in DEVICES))
        outcomes = dict.fromkeys(("share", "skipped", "completed", "liked"), shown(float, 0, 1))
        return {
            "context": {
                "weekend": shown(float, 0, 1),
                "at": shown(float, 0, 1, len(at), names=at),
                "on": shown(float, 0, 1, len(on), names=on),
                "session_hours": shown(float, 0, _MAX_SHOWN_HOURS),
            },
            "history": {},
            "recent": ({"features": _SEEN_FEATURES, **outcomes}, self.n_recent),
        }

    def info_layout(self) -> Layout:
        """What they feel, how often they came, and on which day of the episode it is."""
        return {"satisfaction": float, "n_sessions": int, "day": int}

    def derived(self) -> Mapping[str, Any]:
        """Scales, what genres sound like, and what archetypes like."""
        world = self.drawn_world()
        return NATURE | {
            "taste_scale": _TASTE_SCALE / math.sqrt(self.n_factors),
            "satisfaction_value": self.feeling * self.foresight * _TYPICAL[self.own_reward],
            "genre_centre": world["genre_centre"],
            "archetype_taste": world["archetype_taste"],
        }

    def tables(self) -> Mapping[str, np.ndarray]:
        """Returns the catalogue."""
        dtype, world = self.schema.dtypes["item"], self.drawn_world()
        noise = self.feature_noise
        return {"items": catalogue(world, dtype, n_sounds=_N_SOUNDS, feature_noise=noise)}

    def drawn_world(self) -> dict[str, Any]:
        """Returns the genres, artists and tracks that `world_seed` decides."""
        sizes = self.n_items, self.n_artists, self.n_genres, self.n_factors
        return music_world(*sizes, self.world_seed)

    @staticmethod
    def sample_visitor(config, users, rng):
        """Returns who comes: some do so much more often than others."""
        return int(config.n_users * skewed(rng, config.visit_skew))

    @staticmethod
    def sample_candidate(config, user, items, rng):
        """Returns a track drawn by exposure, which has a long tail."""
        return int(config.n_items * skewed(rng, config.exposure_skew))

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Draws the day, the hour, the place and the mood."""
        midnight = MINUTES_PER_DAY * integer(rng, 7)
        user.clock = midnight
        begin_session(user, midnight, rng)
        user.end_clock = midnight + MINUTES_PER_DAY * config.n_days
        user.n_sessions = 1
        user.satisfaction = min(0.9, max(0.1, 0.5 + 0.1 * normal(rng)))

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Listens to what plays, or to what they choose; then goes on, or leaves."""
        for place in range(len(slate)):
            if slate[place] >= 0:
                item = items[slate[place]]
                match = match_of(config, user, item)
                response[place].match = match
                response[place].score = completion_score(config, user, item, match)
        chosen = choose_from(config, slate, response, rng)
        minutes, enjoyment, is_skip, reward = BROWSE_MINUTES, 0.0, True, 0.0
        if chosen >= 0:
            item = items[slate[chosen]]
            enjoyment = enjoyment_of(response[chosen].match)
            listen(config, item, response[chosen], rng)
            minutes, is_skip = response[chosen].minutes, response[chosen].skipped
            reward = reward_of(config, response[chosen])
            remember(config, user, slate[chosen], item, response[chosen])
        user.satisfaction = satisfaction_after(config, user, enjoyment, is_skip)
        user.n_skips = user.n_skips + 1 if is_skip else 0
        goes_on = uniform(rng) < continue_chance(config, user, user.satisfaction, minutes)
        recover(config, user, minutes)
        let_time_pass(user, minutes, rng)
        if goes_on:
            return (0.0 if config.reward == RETURNS else reward), False
        comes_back, is_over = end_session(config, user, rng)
        return (comes_back if config.reward == RETURNS else reward), is_over

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows the moment, and the last tracks, the latest first."""
        context = observation.context
        context.weekend = is_weekend(user)
        context.at[user.place] = 1.0
        context.on[user.played_on] = 1.0
        context.session_hours = min(_MAX_SHOWN_HOURS, user.session_minutes / 60.0)
        for row in range(min(config.n_recent, user.n_heard)):
            entry = (user.n_heard - 1 - row) % config.n_recent
            track = items[user.recent_item[entry]]
            outcome = user.recent_outcome[entry]
            recent = observation.recent[row]
            for feature in range(_N_FEATURES):
                recent.features[feature] = track.features[feature]
            recent.share = user.recent_share[entry]
            recent.skipped = 1.0 if outcome == SKIPPED else 0.0
            recent.completed = 1.0 if outcome >= COMPLETED else 0.0
            recent.liked = 1.0 if outcome == LIKED else 0.0

    @staticmethod
    def report(config, user, items, info):
        """Reports what they feel and how often they came."""
        info.satisfaction = user.satisfaction
        info.n_sessions = user.n_sessions
        days_left = int(user.end_clock / MINUTES_PER_DAY) - int(user.clock / MINUTES_PER_DAY)
        info.day = config.n_days - days_left

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the expected reward of the track shown alone."""
        match = match_of(config, user, item)
        score = completion_score(config, user, item, match)
        chance, completes = choice_chance(config, score), attraction_probability(score, 0.0)
        if config.reward == RETURNS:
            return return_chance(config, user, item, chance, completes)
        return chance * play_reward(config, item, match, completes)

    @staticmethod
    def long_term_value(config, user, item):
        """Returns the expected reward with the value of what the track does to satisfaction."""
        match = match_of(config, user, item)
        score = completion_score(config, user, item, match)
        completes = attraction_probability(score, 0.0)
        gain = satisfaction_gain(config, user, enjoyment_of(match), completes)
        gain -= satisfaction_gain(config, user, 0.0, 0.0)
        value = play_reward(config, item, match, completes) + config.satisfaction_value * gain
        return choice_chance(config, score) * value
