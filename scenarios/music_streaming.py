"""Music for the moment: tastes, routines, satiation, and listeners who come back or do not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from recsim_env.core.choice import RESPONSE_FIELDS, attraction_probability
from recsim_env.core.fields import count, within
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
    NATURE,
    choice_chance,
    choose_from,
    completion_score,
    end_session,
    enjoyment_of,
    favourite_genre,
    listen,
    match_of,
    play_reward,
    recover,
    remember,
    return_chance,
    reward_of,
    satisfaction_after,
    satisfaction_gain,
    stay_chance,
)
from recsim_env.scenarios.music_world import (
    ARCHETYPE_PART,
    ARCHETYPES,
    DEVICES,
    LONGEST,
    MAX_FEATURE,
    MINUTES_PER_DAY,
    OWN_TASTE_SD,
    PLACES,
    begin_session,
    catalogue,
    is_weekend,
    let_time_pass,
    music_world,
)

REWARDS = ("minutes", "completions", "likes", "returns")

# Sounds that can be measured in a recording; energy, popularity and length are seen without noise.
_N_SOUNDS = 5
_SOUNDS = tuple(f"sound_{index}" for index in range(_N_SOUNDS))
_FEATURES = (*_SOUNDS, "energy", "popularity", "length")
_N_FEATURES = len(_FEATURES)

_TASTE_SCALE = 1.5
_OWN_ENERGY_SD = 0.4

# What a minute of listening brings of each reward, for `long_term_value`; where return visits are
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
    End: terminated when the session ends (`n_days` 0), or when a life of sessions does: by churn,
      or when the next session would begin after `n_days` days.

    Settings (defaults): those of `Scenario`, with n_users 1000, n_items 1000, n_candidates 20, and
      n_days (0), length of a life, 0 is one session; reward ("minutes"); n_genres (12); n_artists
      (150); n_factors (6) of taste and embedding; n_recent (5), tracks in `recent`; feature_noise
      (0.5), its standard deviation relative to the embedding's; exposure_skew (2): tracks are
      offered with density ~ rank ** (1 / skew - 1), 1 is uniform; visit_skew (2), likewise for
      people; context_strength (1), satiation_strength (0.7), log-odds lost by a track of the same
      genre just heard, hook_strength (0.8), drift (0.005), and feeling (1), what satisfaction does:
      0 turns each off; recovery_hours (3), in which satiation falls to 1 / e; gap_days (1), about
      the mean gap, and churn_rate (0.02) per session, both at middling satisfaction;
      no_choice_score (0.5), of a shelf; foresight (25), minutes that `long_term_value` pays for a
      satisfaction of 1.

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
      72.0 ± 1.9. Minutes of a life of 30 days, of 1,024: uniform 166 ± 7, without the person
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
    n_days: int = setting(0, low=0, high=MOST_DAYS)
    reward: str = setting("minutes", choices=REWARDS)
    n_genres: int = setting(12, low=1, high=MOST_KINDS)
    n_artists: int = setting(150, low=1, high=MOST_ITEMS)
    n_factors: int = setting(6, low=1, high=MOST_KINDS)
    n_recent: int = setting(5, low=1, high=_RING)
    feature_noise: float = setting(0.5, low=0, high=LARGE)
    exposure_skew: int = setting(2, low=1, high=MOST_SKEW)
    visit_skew: int = setting(2, low=1, high=MOST_SKEW)
    context_strength: float = setting(1.0, low=0, high=10)
    satiation_strength: float = setting(0.7, low=0, high=10)
    recovery_hours: float = setting(3.0, low=SMALL, high=LARGE)
    drift: float = setting(0.005, low=0, high=1)
    hook_strength: float = setting(0.8, low=0, high=10)
    feeling: float = setting(1.0, low=0, high=10)
    gap_days: float = setting(1.0, low=SMALL, high=LARGE)
    churn_rate: float = setting(0.02, low=0, high=1)
    no_choice_score: float = setting(0.5, low=-100, high=100)
    foresight: float = setting(25.0, low=0, high=LARGE)

    view: ClassVar[Any] = "recsim_env.scenarios.views.music_streaming"
    category: ClassVar[str | None] = "genre"
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "taste": ("taste", "energy_slope", "favourite"),
        "context": ("clock", "hour_sin", "hour_cos", "place", "played_on"),
        "satiation": ("satiation", "ring_artist", "ring_weight"),
        "mood": ("satisfaction", "n_skips"),
    }

    def working_bytes(self) -> int:
        """What archetypes, genres, artists and tracks are like, in double precision."""
        n_vectors = 2 * self.n_genres + 2 * self.n_artists + 6 * self.n_items
        return 8 * (self.n_factors * n_vectors + 12 * self.n_items + 6 * self.n_artists)

    def user_layout(self) -> Mapping[str, Any]:
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
            "hour_sin": within(np.float32, -1, 1),
            "hour_cos": within(np.float32, -1, 1),
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
            "profile": within(np.float32, -MAX_FEATURE, MAX_FEATURE, 2 * _N_FEATURES),
            "recent_item": within(np.int32, 0, self.n_items - 1, self.n_recent),
            "recent_share": within(np.float32, 0, 1, self.n_recent),
            "recent_outcome": within(np.int32, 0, 3, self.n_recent),
        }

    def item_layout(self) -> Mapping[str, Any]:
        """A track as it is, and as it is seen."""
        return {
            "features": (np.float32, _N_FEATURES),
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

    def response_layout(self) -> Mapping[str, Any]:
        """What was heard, and how."""
        return RESPONSE_FIELDS | {
            "skipped": bool,
            "completed": bool,
            "liked": bool,
            "minutes": within(float, 0, LONGEST),
            "match": float,
        }

    def observation_fields(self) -> Mapping[str, spaces.Box]:
        """See the class."""
        context = np.ones(11, np.float32)
        context[-1] = _MAX_SHOWN_HOURS
        response = np.tile(np.array([1, 1, 1, 1, LONGEST], np.float32), (self.slate_size, 1))
        row = np.array([MAX_FEATURE] * _N_FEATURES + [1] * 4, np.float32)
        recent = np.tile(row, (self.n_recent, 1))
        recent_low = np.where(recent == MAX_FEATURE, -recent, 0).astype(np.float32)
        low = np.where(np.arange(11) < 2, -1, 0).astype(np.float32)
        features = (self.n_candidates, _N_FEATURES)
        history = (2 * _N_FEATURES,)
        return {
            "context": spaces.Box(low, context, dtype=np.float32),
            "history": spaces.Box(-MAX_FEATURE, MAX_FEATURE, history, np.float32),
            "recent": spaces.Box(recent_low, recent, dtype=np.float32),
            "candidates": spaces.Box(-MAX_FEATURE, MAX_FEATURE, features, np.float32),
            "response": spaces.Box(np.zeros_like(response), response, dtype=np.float32),
        }

    def info_layout(self) -> Mapping[str, Any]:
        """What they feel, how often they came, and on which day of their life it is."""
        return {"satisfaction": float, "n_sessions": int, "day": int}

    def column_names(self) -> Mapping[str, tuple[str, ...]]:
        """Names the columns of observations."""
        return {
            "context": (
                *("hour_sin", "hour_cos", "weekend"),
                *(f"at_{place}" for place in PLACES),
                *(f"on_{device}" for device in DEVICES),
                "session_hours",
            ),
            "history": (
                *(f"skipped_{name}" for name in _FEATURES),
                *(f"completed_{name}" for name in _FEATURES),
            ),
            "recent": (*_FEATURES, "share", "skipped", "completed", "liked"),
            "candidates": _FEATURES,
            "response": ("played", "skipped", "completed", "liked", "minutes"),
        }

    def derived(self) -> Mapping[str, Any]:
        """The reward's code, scales, and what genres sound like and archetypes like."""
        world = self._world()
        return NATURE | {
            "reward": REWARDS.index(self.reward),
            "taste_scale": _TASTE_SCALE / math.sqrt(self.n_factors),
            "satisfaction_value": self.feeling * self.foresight * _TYPICAL[self.reward],
            "genre_centre": world["genre_centre"],
            "archetype_taste": world["archetype_taste"],
        }

    def tables(self) -> Mapping[str, np.ndarray]:
        """Returns the catalogue."""
        dtype = self.schema.dtypes["item"]
        noise = self.feature_noise
        return {"items": catalogue(self._world(), dtype, n_sounds=_N_SOUNDS, feature_noise=noise)}

    def _world(self) -> dict[str, Any]:
        return music_world(
            self.n_items, self.n_artists, self.n_genres, self.n_factors, self.world_seed
        )

    @staticmethod
    def sample_user(config, user, rng):
        """Draws tastes and habits around those of an archetype."""
        user.archetype = integer(rng, len(ARCHETYPE_PART))
        for index in range(config.n_factors):
            shared = config.archetype_taste[user.archetype, index]
            user.taste[index] = shared + OWN_TASTE_SD * normal(rng)
        for place in range(len(user.energy_slope)):
            user.energy_slope[place] = config.place_energy[place] + _OWN_ENERGY_SD * normal(rng)
            user.place_habit[place] = math.exp(0.5 * normal(rng))
        for part in range(len(user.part_habit)):
            weight = ARCHETYPE_PART[user.archetype, part]
            user.part_habit[part] = weight * math.exp(0.5 * normal(rng))
        user.leisure = math.exp(0.3 * normal(rng))
        user.favourite = favourite_genre(config, user)

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
        midnight = 1440.0 * integer(rng, 7)
        user.clock = midnight
        begin_session(user, midnight, rng)
        user.end_clock = midnight + 1440.0 * config.n_days
        user.n_sessions = 1
        user.satisfaction = min(0.9, max(0.1, 0.5 + 0.1 * normal(rng)))

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Listens to what plays, or to what they choose; then stays, or leaves."""
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
        stays = uniform(rng) < stay_chance(config, user, user.satisfaction, minutes)
        recover(config, user, minutes)
        let_time_pass(user, minutes, rng)
        if stays:
            return (0.0 if config.reward == 3 else reward), False
        comes_back, is_over = end_session(config, user, rng)
        return (comes_back if config.reward == 3 else reward), is_over

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows the moment, what was heard, and the candidates."""
        write_context(user, observation.context)
        for index in range(len(user.profile)):
            observation.history[index] = user.profile[index]
        write_recent(config, user, items, observation.recent)
        for index in range(len(candidates)):
            for feature in range(_N_FEATURES):
                observation.candidates[index, feature] = items[candidates[index]].features[feature]
        for place in range(len(response)):
            observation.response[place, 0] = response[place].clicked
            observation.response[place, 1] = response[place].skipped
            observation.response[place, 2] = response[place].completed
            observation.response[place, 3] = response[place].liked
            observation.response[place, 4] = response[place].minutes

    @staticmethod
    def report(config, user, items, info):
        """Reports what they feel and how often they came."""
        info.satisfaction = user.satisfaction
        info.n_sessions = user.n_sessions
        info.day = int(user.clock / 1440.0) - int(user.end_clock / 1440.0) + config.n_days

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the expected reward of the track shown alone."""
        match = match_of(config, user, item)
        score = completion_score(config, user, item, match)
        chance = choice_chance(config, score)
        completes = attraction_probability(score, 0.0)
        if config.reward == 3:
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


def write_context(user, context):
    """Shows hour, weekday, place, device and how long they have listened."""
    context[0] = user.hour_sin
    context[1] = user.hour_cos
    context[2] = is_weekend(user)
    context[3 + user.place] = 1.0
    context[3 + len(PLACES) + user.played_on] = 1.0
    context[-1] = min(_MAX_SHOWN_HOURS, user.session_minutes / 60.0)


def write_recent(config, user, items, recent):
    """Shows the last tracks, the latest first, and what happened to each."""
    for row in range(min(config.n_recent, user.n_heard)):
        entry = (user.n_heard - 1 - row) % config.n_recent
        features = items[user.recent_item[entry]].features
        for feature in range(_N_FEATURES):
            recent[row, feature] = features[feature]
        outcome = user.recent_outcome[entry]
        recent[row, _N_FEATURES] = user.recent_share[entry]
        recent[row, _N_FEATURES + 1] = 1.0 if outcome == 1 else 0.0
        recent[row, _N_FEATURES + 2] = 1.0 if outcome >= 2 else 0.0
        recent[row, _N_FEATURES + 3] = 1.0 if outcome == 3 else 0.0
