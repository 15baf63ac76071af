"""Where and when people listen, and the catalogue that they listen to.

Hours and places are drawn from routines: four archetypes, bent by a person's own habits.
"""

import functools
import math
from typing import Any

import numpy as np

from recsim_env.compiler.binding import noinline
from recsim_env.core.streams import categorical, integer, normal, uniform

PLACES = ("home", "commute", "work", "gym")
DEVICES = ("phone", "computer", "speaker")
ARCHETYPES = ("early bird", "working-hours listener", "evening listener", "night owl")

MINUTES_PER_DAY = 24 * 60.0

# Parts of the day: the hours around which sessions begin, their spread, and where each part ends.
PART_HOUR = np.array([7.5, 10.0, 13.5, 17.5, 20.5, 23.5])
PART_SPREAD = np.array([1.0, 1.3, 1.5, 1.3, 1.4, 1.1])
PART_END = np.array([9.0, 12.0, 16.0, 19.0, 22.5])

# How often each archetype begins to listen in each part of the day.
ARCHETYPE_PART = np.array(
    [
        [0.34, 0.18, 0.14, 0.20, 0.11, 0.03],
        [0.12, 0.30, 0.26, 0.18, 0.11, 0.03],
        [0.10, 0.08, 0.12, 0.26, 0.36, 0.08],
        [0.05, 0.08, 0.14, 0.17, 0.26, 0.30],
    ]
)

# Where people are in each part of the day, on working days and on weekends.
PART_PLACE = np.array(
    [
        [
            [0.38, 0.47, 0.05, 0.10],
            [0.15, 0.10, 0.68, 0.07],
            [0.17, 0.10, 0.60, 0.13],
            [0.20, 0.45, 0.08, 0.27],
            [0.65, 0.10, 0.03, 0.22],
            [0.88, 0.08, 0.02, 0.02],
        ],
        [
            [0.72, 0.10, 0.03, 0.15],
            [0.62, 0.12, 0.04, 0.22],
            [0.58, 0.20, 0.04, 0.18],
            [0.60, 0.20, 0.03, 0.17],
            [0.75, 0.15, 0.02, 0.08],
            [0.85, 0.13, 0.01, 0.01],
        ],
    ]
)

# What they listen on in each place.
PLACE_DEVICE = np.array(
    [[0.40, 0.25, 0.35], [0.85, 0.0, 0.15], [0.30, 0.65, 0.05], [1.0, 0.0, 0.0]]
)

# How often within an hour of listening the place and the device are drawn anew.
_MOVES_PER_HOUR = 0.35

# Of the variance of an embedding, genres explain half, artists a quarter, tracks the rest.
_GENRE_SD, _ARTIST_SD, _TRACK_SD = math.sqrt(0.5), 0.5, 0.5

# Of the variance of a taste, what people of one archetype share.
_ARCHETYPE_SD = math.sqrt(0.25)
_OWN_TASTE_SD = math.sqrt(0.75)
_OWN_ENERGY_SD = 0.4

_LENGTH_MEDIAN, _LENGTH_SD, _LENGTH_MIN, LONGEST = 3.5, 0.3, 1.0, 12.0

# Features are cut here, so that their bounds are honest and small.
MAX_FEATURE = 4.0

# Share of the second genre in where a track stands among genres.
_SECOND_SHARE = 0.3


@functools.lru_cache(maxsize=8)
def music_world(
    n_items: int, n_artists: int, n_genres: int, n_factors: int, world_seed: int
) -> dict[str, Any]:
    """Returns the true catalogue and what archetypes like, as arrays by name.

    Items stand in the order of their exposure, the most exposed first. Energies, popularities,
    qualities and hooks have mean 0 and variance 1 in the catalogue, embeddings in expectation.
    """
    rng = np.random.default_rng([world_seed, n_items])
    genre_centre = _GENRE_SD * rng.standard_normal((n_genres, n_factors))
    genre_energy = rng.standard_normal(n_genres)
    artist_genre = rng.integers(n_genres, size=n_artists)
    artist_offset = _ARTIST_SD * rng.standard_normal((n_artists, n_factors))
    artist_energy = 0.6 * genre_energy[artist_genre] + 0.4 * rng.standard_normal(n_artists)
    artist_weight = 1.0 / (1.0 + np.arange(n_artists)) ** 0.8
    artist = rng.choice(n_artists, n_items, p=artist_weight / artist_weight.sum())
    genre = np.where(
        rng.random(n_items) < 0.85, artist_genre[artist], rng.integers(n_genres, size=n_items)
    )
    second_genre = rng.integers(n_genres, size=n_items)
    centre = _between(genre_centre[genre], genre_centre[second_genre])
    track = _TRACK_SD * rng.standard_normal((n_items, n_factors))
    energy = _standardised(0.8 * artist_energy[artist] + 0.6 * rng.standard_normal(n_items))
    popularity = _standardised(np.sqrt(-np.log((np.arange(n_items) + 0.5) / n_items)))
    hook = 0.5 * popularity + 0.4 * energy + 0.77 * rng.standard_normal(n_items)
    quality = 0.4 * popularity + 0.92 * rng.standard_normal(n_items)
    length = _LENGTH_MEDIAN * np.exp(_LENGTH_SD * rng.standard_normal(n_items))
    return {
        "artist": artist,
        "genre": genre,
        "second_genre": second_genre,
        "embedding": centre + artist_offset[artist] + track,
        "energy": energy,
        "popularity": popularity,
        "hook": _standardised(hook),
        "quality": _standardised(quality),
        "length": np.clip(length, _LENGTH_MIN, LONGEST),
        "feature_noise": rng.standard_normal((n_items, n_factors)),
        "genre_centre": genre_centre,
        "archetype_taste": _ARCHETYPE_SD * rng.standard_normal((len(ARCHETYPES), n_factors)),
    }


def catalogue(
    world: dict[str, Any], dtype: np.dtype, *, n_sounds: int, feature_noise: float
) -> np.ndarray:
    """Returns the items of a world as records: as they are, and as they are seen."""
    items = np.zeros(len(world["artist"]), dtype)
    for name in dtype.names or ():
        if name in world:
            items[name] = world[name]
    noisy = world["embedding"] + feature_noise * world["feature_noise"]
    columns = np.arange(n_sounds) % noisy.shape[1]
    items["features"][:, :n_sounds] = noisy[:, columns]
    items["features"][:, n_sounds] = world["energy"]
    items["features"][:, n_sounds + 1] = world["popularity"]
    items["features"][:, n_sounds + 2] = np.log(world["length"] / _LENGTH_MEDIAN) / _LENGTH_SD
    np.clip(items["features"], -MAX_FEATURE, MAX_FEATURE, out=items["features"])
    items.flags.writeable = False
    return items


def _between(centre: np.ndarray, second_centre: np.ndarray) -> np.ndarray:
    """Returns where tracks stand between the centres of two genres, as spread out as genres are."""
    mixed = (1 - _SECOND_SHARE) * centre + _SECOND_SHARE * second_centre
    return np.asarray(mixed / math.hypot(1 - _SECOND_SHARE, _SECOND_SHARE))


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std()
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))


def draw_listener(config, user, rng):
    """Draws tastes and habits around those of an archetype."""
    user.archetype = integer(rng, len(ARCHETYPE_PART))
    for index in range(config.n_factors):
        shared = config.archetype_taste[user.archetype, index]
        user.taste[index] = shared + _OWN_TASTE_SD * normal(rng)
    for place in range(len(user.energy_slope)):
        user.energy_slope[place] = config.place_energy[place] + _OWN_ENERGY_SD * normal(rng)
        user.place_habit[place] = math.exp(0.5 * normal(rng))
    for part in range(len(user.part_habit)):
        weight = ARCHETYPE_PART[user.archetype, part]
        user.part_habit[part] = weight * math.exp(0.5 * normal(rng))
    user.leisure = math.exp(0.3 * normal(rng))
    user.favourite = favourite_genre(config, user)


def favourite_genre(config, user):
    """Returns the genre whose typical track they like most."""
    best, best_liking = 0, -math.inf
    for genre in range(config.n_genres):
        liking = 0.0
        for index in range(config.n_factors):
            liking += user.taste[index] * config.genre_centre[genre, index]
        if liking > best_liking:
            best, best_liking = genre, liking
    return best


def is_weekend(user):
    """Returns 1 on Saturday and Sunday, else 0; the clock counts from a Monday."""
    return 1 if int(user.clock / MINUTES_PER_DAY) % 7 >= 5 else 0


def set_clock(user, clock):
    """Moves the clock, and what depends on the hour."""
    user.clock = clock
    angle = clock * (2.0 * math.pi / MINUTES_PER_DAY)
    user.hour_sin = math.sin(angle)
    user.hour_cos = math.cos(angle)


def part_of_day(hour):
    """Returns which part of the day an hour in [0, 24) belongs to; the night lasts until 5."""
    if hour < 5.0:
        return 5
    part = 0
    while part < 5 and hour >= PART_END[part]:
        part += 1
    return part


@noinline
def go_somewhere(user, rng):
    """Draws where the person is at this hour, and what they listen on there."""
    weights = PART_PLACE[is_weekend(user), part_of_day(user.clock % MINUTES_PER_DAY / 60.0)]
    total = 0.0
    for place in range(len(weights)):
        total += weights[place] * user.place_habit[place]
    left = uniform(rng) * total
    user.place = 0
    for place in range(len(weights)):
        if left >= 0.0:
            user.place = place
        left -= weights[place] * user.place_habit[place]
    user.played_on = categorical(rng, PLACE_DEVICE[user.place])


@noinline
def begin_session(user, midnight, rng):
    """Draws at what hour of the day that begins at `midnight` the person listens, and where.

    If that hour is over, it is the next day's.
    """
    part = categorical(rng, user.part_habit)
    hour = PART_HOUR[part] + PART_SPREAD[part] * normal(rng)
    clock = midnight + 60.0 * min(29.0, max(5.0, hour))
    if clock <= user.clock:
        clock += MINUTES_PER_DAY
    set_clock(user, clock)
    go_somewhere(user, rng)
    user.session_minutes = 0.0


def let_time_pass(user, minutes, rng):
    """Moves the clock while they listen; now and then they change places."""
    set_clock(user, user.clock + minutes)
    user.session_minutes += minutes
    if uniform(rng) < minutes * (_MOVES_PER_HOUR / 60.0):
        go_somewhere(user, rng)
