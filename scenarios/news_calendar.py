"""A calendar of news: which articles appear when, and which topics surge when."""

import functools
from dataclasses import dataclass

import numpy as np

# Hours of the past that `coverage` looks back on, and the articles it adds to every topic so that
# a quiet night does not read as a surge.
COVERAGE_HOURS = 12
_COVERAGE_PRIOR = 3.0

# A share that falls with the topic's rank like this gives the first of 8 topics a quarter.
_SHARE_EXPONENT = 0.7

# An exponential of more would soon be too large for a float.
_MOST_COVERAGE = 600.0

# Surges begin this many of their durations before the calendar does, so that it starts as it goes.
_WARM_UP = 5.0

# Keeps the world's stream apart from others that start from the same number.
_PURPOSE = 0x4E455753


@dataclass(frozen=True, kw_only=True)
class CalendarSettings:
    """What decides a calendar; the meaning of each setting stands in `NewsFeed`."""

    world_seed: int
    n_items: int
    articles_per_day: float
    rhythm: float
    n_topics: int
    topic_spread: float
    quality_sd: float
    n_headline_features: int
    headline_noise: float
    surge_strength: float
    surges_per_week: float
    surge_hours: float
    surge_coverage: float
    hour_strength: float

    @property
    def n_hours(self) -> int:
        """Length of the calendar, in whole hours."""
        return int(self.n_items / self.articles_per_day * 24.0)


@dataclass(frozen=True)
class Calendar:
    """All articles of a calendar in order of publication, and what people look for when.

    Attributes:
      published: (n_items,), hours since the calendar began, ascending.
      topic: (n_items,).
      quality: (n_items,), what an article adds to the log-odds of a click.
      headline: (n_items, n_headline_features), quality in standard deviations, through noise.
      n_published: (n_hours + 1,), how many articles appeared before each full hour.
      popularity: (n_topics,), mean interest of the readership in each topic, in log-odds.
      surge: (n_hours, n_topics), what a surge adds to the log-odds of a click, 0 or more.
      pull: (n_hours, n_topics), the surge and the hour of the day together.
      coverage: (n_hours, n_topics), log of how much more was published on a topic in the past 12
        hours than usual.
    """

    published: np.ndarray
    topic: np.ndarray
    quality: np.ndarray
    headline: np.ndarray
    n_published: np.ndarray
    popularity: np.ndarray
    surge: np.ndarray
    pull: np.ndarray
    coverage: np.ndarray

    @property
    def n_hours(self) -> int:
        """Length of the calendar in hours."""
        return len(self.surge)


def publishing_rhythm(rhythm: float) -> np.ndarray:
    """Returns how many articles appear in each of 24 hours, relative to the mean: most at noon."""
    hours = np.arange(24) + 0.5
    return 1.0 + 0.8 * rhythm * np.cos(2 * np.pi * (hours - 13.0) / 24)


def reading_rhythm(rhythm: float) -> np.ndarray:
    """Returns how many readers come in each of 24 hours, relative to the mean: few at night."""
    hours = np.arange(24) + 0.5
    day = 0.55 * np.cos(2 * np.pi * (hours - 15.0) / 24)
    commute = 0.25 * np.cos(4 * np.pi * (hours - 8.0) / 24)
    return 1.0 + rhythm * (day + commute)


def least_alive(n_published: np.ndarray, first_hour: float, lifetime_hours: float) -> int:
    """Returns how few articles are alive at worst at a full hour from `first_hour` on."""
    hours = np.arange(int(first_hour), len(n_published))
    oldest = np.ceil(np.maximum(0.0, hours - lifetime_hours)).astype(int)
    return int((n_published[hours] - n_published[oldest]).min())


@functools.lru_cache(maxsize=8)
def publication_of(settings: CalendarSettings) -> tuple[np.ndarray, np.ndarray]:
    """Returns `published` and `n_published` of a calendar, of which no other draw depends."""
    when = np.random.default_rng(_streams(settings)[0])
    rate = np.resize(publishing_rhythm(settings.rhythm), settings.n_hours)
    published = _moments(when, rate, settings.n_items)
    return published, np.searchsorted(published, np.arange(settings.n_hours + 1))


def _streams(settings: CalendarSettings) -> list[np.random.SeedSequence]:
    """Returns where the draws start of publication, articles, surges and people."""
    return np.random.SeedSequence([_PURPOSE, settings.world_seed]).spawn(4)


@functools.lru_cache(maxsize=8)
def calendar_of(settings: CalendarSettings) -> Calendar:
    """Returns the calendar that `world_seed` and the other settings decide; drawn once a process.

    Publication is a Poisson process whose rate follows the hour of the day, given that `n_items`
    articles appear in all. A surge begins at any hour, lifts its topic at once, and fades; while it
    lasts, more articles are written on its topic too.
    """
    what, surges, people = (np.random.default_rng(key) for key in _streams(settings)[1:])
    published, n_published = publication_of(settings)
    surge = _surges(surges, settings)
    share = np.arange(1.0, settings.n_topics + 1) ** -_SHARE_EXPONENT
    share /= share.sum()
    topic = _topics(what, share, settings.surge_coverage * surge, published)
    quality = what.standard_normal(settings.n_items)
    noise = what.standard_normal((settings.n_items, settings.n_headline_features))
    return Calendar(
        published=published,
        topic=topic,
        quality=settings.quality_sd * quality,
        headline=quality[:, None] + settings.headline_noise * noise,
        n_published=n_published,
        popularity=_popularity(people, settings),
        surge=surge,
        pull=surge + _hourly_taste(people, settings),
        coverage=_coverage(topic, n_published, share),
    )


def _moments(rng: np.random.Generator, rate: np.ndarray, n: int) -> np.ndarray:
    """Returns `n` ascending moments of a process with this rate by hour, before its end."""
    expected = np.concatenate([[0.0], np.cumsum(rate)])
    uniform = np.sort(rng.random(n)) * expected[-1]
    moments = np.interp(uniform, expected, np.arange(len(expected))).astype(np.float32)
    return np.minimum(moments, np.nextafter(np.float32(len(rate)), np.float32(0)))


def _surges(rng: np.random.Generator, settings: CalendarSettings) -> np.ndarray:
    """Returns what surges add, (n_hours, n_topics): each begins with a jump and fades."""
    hours = np.arange(settings.n_hours) + 0.5
    lead = _WARM_UP * settings.surge_hours
    length = lead + settings.n_hours
    surge = np.zeros((settings.n_hours, settings.n_topics))
    counts = rng.poisson(settings.surges_per_week * length / (7 * 24), settings.n_topics)
    for topic, count in enumerate(counts):
        begins = rng.random(count) * length - lead
        heights = settings.surge_strength * (0.5 + rng.random(count))
        for part in np.array_split(np.arange(len(hours)), 1 + count * len(hours) // 2**20):
            past = hours[part, None] - begins
            fading = np.exp(-np.maximum(past, 0.0) / settings.surge_hours)
            surge[part, topic] = (heights * fading * (past >= 0)).sum(axis=1)
    return surge


def _topics(
    rng: np.random.Generator, share: np.ndarray, coverage: np.ndarray, published: np.ndarray
) -> np.ndarray:
    """Returns a topic for every article: more on a topic that surges."""
    weights = share * np.exp(np.minimum(coverage[published.astype(int)], _MOST_COVERAGE))
    edges = np.cumsum(weights, axis=1)
    drawn = rng.random(len(published)) * edges[:, -1]
    return np.minimum((drawn[:, None] >= edges).sum(axis=1), len(share) - 1)


def _popularity(rng: np.random.Generator, settings: CalendarSettings) -> np.ndarray:
    """Returns the mean interest in each topic: evenly spread around 0."""
    ranks = rng.permutation(settings.n_topics)
    centred = ranks - (settings.n_topics - 1) / 2
    spread = centred / np.sqrt((settings.n_topics**2 - 1) / 12)
    return np.asarray(settings.topic_spread * spread)


def _hourly_taste(rng: np.random.Generator, settings: CalendarSettings) -> np.ndarray:
    """Returns what the hour of the day adds, (n_hours, n_topics): each topic has its own peak."""
    hours = np.arange(settings.n_hours)[:, None] % 24 + 0.5
    peaks = rng.random(settings.n_topics) * 24
    return np.asarray(settings.hour_strength * np.cos(2 * np.pi * (hours - peaks) / 24))


def _coverage(topic: np.ndarray, n_published: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Returns the log-ratio of the articles of the past hours on each topic to what is usual."""
    is_topic = topic[:, None] == np.arange(len(share))
    total = np.concatenate([np.zeros((1, len(share))), np.cumsum(is_topic, axis=0)])
    hours = np.arange(len(n_published) - 1)
    newest, oldest = n_published[hours], n_published[np.maximum(0, hours - COVERAGE_HOURS)]
    recent = total[newest] - total[oldest]
    usual = (newest - oldest)[:, None] * share
    return np.asarray(np.log((recent + _COVERAGE_PRIOR) / (usual + _COVERAGE_PRIOR)))
