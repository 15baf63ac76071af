"""Articles that arrive, age and vanish, and readers who come back within a day or two."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import RESPONSE_FIELDS, attraction_probability
from recsim_env.core.fields import Layout, count, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, MOST_DAYS, MOST_KINDS, SMALL, setting
from recsim_env.core.streams import bernoulli, categorical, integer, normal, uniform
from recsim_env.scenarios.news_calendar import (
    Calendar,
    CalendarSettings,
    calendar_of,
    least_alive,
    publication_of,
    reading_rhythm,
)
from recsim_env.scenarios.news_reader import (
    CHOICES,
    LONGEST_DWELL,
    N_REMEMBERED,
    age_of,
    click,
    come_back,
    expected_dwell,
    look_at_clock,
    read_article,
    score_of,
    was_clicked,
)

REWARDS = ("clicks", "dwell")
CLICKS = REWARDS.index("clicks")
TOPICS = ("politics", "sport", "business", "world", "culture", "local", "science", "health")

# A shelf needs so many times more articles alive than it shows and excludes.
_POOL_FACTOR = 4

# A topic's click rate within an episode starts from so many showings without a click.
_PRIOR_SHOWINGS = 3.0

_HOURS_PER_DAY = 24

# Surges that began this long ago must still be counted: six weeks of one are enough.
_MAX_SURGE_HOURS = 1000.0

# A calendar is drawn by summing what each surge adds to each hour: a minute for so many.
_MOST_SURGES_SUMMED = 1e9


@dataclass(frozen=True, kw_only=True)
class NewsFeed(Scenario):
    """Who finds the news worth reading, when nobody has rated it yet and it is old tomorrow?

    Users: `n_users` readers who come back, each with a hidden interest in every topic and a hidden
      eagerness to click, in log-odds. An episode is a first session and those that follow within
      `stay_hours`, at times that depend on the hour of the day.
    Items: all articles of a calendar, numbered as they appear; no number ever comes back. Each has
      a topic, a hidden quality, and headline features that show the quality through noise. They
      appear at random, most at noon and few at night, and vanish after `lifetime_hours`.
      Candidates are drawn from those alive, and are none that the person clicked in this episode
      (of the last 32 clicks).
    Response: log-odds of a click on an article looked at = interest + eagerness + quality + surge
      + hour - age in half-lives × log 2 - no_click_score. Shelves are read from the top
      (`choice`). A clicked article is read for a log-normal time around dwell_seconds
      exp(dwell_slope (interest + quality)), half an hour at most.
    Change: time. A shelf takes `scan_seconds` and what is read; between sessions hours pass, in
      which articles arrive, age and vanish. At random a topic surges: everybody clicks it more,
      less and less for a day or so, and newsrooms write more about it.
    Observation: `context` (2) sine and cosine of the hour; `history` (1 + n_topics) of the episode:
      ln(1 + articles read), and clicks on each topic over (showings + 3); `candidates`
      (n_candidates, n_topics + n_headline_features + 2): topic one-hot, headline features, coverage
      (log of how much more than usual was published on the topic in the past 12 hours) and age in
      days; `response` (slate_size, 2) of the last shelf: clicked, minutes read; `user_id`;
      `item_id` (n_candidates). Interests, quality and surges stay hidden.
    Action: indices of the `slate_size` candidates to show, the top of the shelf first.
    Reward: `reward`: "clicks" (default) is 1 for a click, "dwell" the minutes read.
    End: terminated after `stay_hours`, or with the last session that begins within them.

    `evaluation_settings` moves episodes to the days after those of learning: nearly all that was
    learned about single articles is then about articles that are gone.

    Realism: The New York Times put out some 230 pieces a day in 2016, The Washington Post 500 of
      its own (Meyer 2016, The Atlantic). In MIND, most articles are clicked within two days only,
      and about 4 % of those shown are (Wu et al. 2020), as here under uniform slates. On a news
      portal half of all views of an article came within 36 hours (Dezső et al. 2006). Time spent
      is about normal in its logarithm (Yi et al. 2014), with means of 57 seconds for short articles
      and 123 for long ones on telephones (Pew Research Center 2016); here about 75 seconds. How
      long episodes last, sessions, spreads of interest and quality, and surges are assumed.

    Reference returns (clicks per episode on the days of evaluation, 95 % intervals):
      uniform 3.05 ± 0.07; the newest first 4.38 ± 0.09; the true mean expected reward of every
      article of the days of learning 3.40 ± 0.07, which earned 5.63 ± 0.11 on those days; the best
      non-personal ranking 5.89 ± 0.11; true interests with what is seen of the articles
      7.38 ± 0.13; oracle 7.68 ± 0.14.

    Source: the setting is that of Li et al. 2010, "A contextual-bandit approach to personalized
      news article recommendation", and of Wu et al. 2020, "MIND: a large-scale dataset for news
      recommendation"; the model is our own.
    Versions: v0.
    """

    n_users: int = 1000
    n_items: int = 10_000
    n_candidates: int = 20
    slate_size: int = 5
    articles_per_day: float = setting(400.0, low=SMALL, high=LARGE, doc="published in a day")
    lifetime_hours: float = setting(48.0, low=SMALL, high=LARGE, doc="until an article vanishes")
    half_life_hours: float = setting(18.0, low=0, high=LARGE, doc="in which odds halve; 0: never")
    rhythm: float = setting(1.0, low=0, high=1, doc="of the day, in publishing and reading")
    first_day: int = setting(2, low=0, high=MOST_DAYS, doc="of the calendar, for learning")
    n_days: int = setting(14, low=1, high=MOST_DAYS, doc="from then on, for learning")
    evaluation_days: int = setting(
        7, low=0, high=MOST_DAYS, doc="after those, for frozen evaluations; 0: on the same days"
    )
    n_topics: int = setting(8, low=2, high=MOST_KINDS, doc="topics of articles")
    topic_spread: float = setting(0.4, low=0, high=100, doc="sd of the readership's mean interests")
    interest_sd: float = setting(1.5, low=0, high=100, doc="of a person's around them")
    eagerness_sd: float = setting(0.5, low=0, high=100, doc="of readers' eagerness to click")
    quality_sd: float = setting(0.8, low=0, high=100, doc="of articles")
    n_headline_features: int = setting(2, low=1, high=MOST_KINDS, doc="of an article")
    headline_noise: float = setting(1.0, low=0, high=100, doc="relative to quality_sd")
    surge_strength: float = setting(1.5, low=0, high=100, doc="mean height (± half of it, uniform)")
    surges_per_week: float = setting(1.0, low=0, high=100, doc="of each topic")
    surge_hours: float = setting(18.0, low=SMALL, high=_MAX_SURGE_HOURS, doc="until 1/e is left")
    surge_coverage: float = setting(0.5, low=0, high=100, doc="a surge of 1 adds it to ln(share)")
    hour_strength: float = setting(0.3, low=0, high=100, doc="how much topics vary over the day")
    choice: str = setting("cascade", choices=CHOICES, doc="see `recsim_env.core.choice`")
    examination: float = setting(0.85, low=0, high=1, doc="likewise")
    no_click_score: float = setting(
        3.3,
        low=-LARGE,
        high=LARGE,
        doc="log-odds of a click that interest, quality and the rest must outweigh",
    )
    dwell_seconds: float = setting(25.0, low=SMALL, high=LARGE, doc="median, at liking 0")
    dwell_slope: float = setting(
        0.3, low=-100, high=100, doc="how ln(reading time) grows with interest and quality"
    )
    dwell_sd: float = setting(0.9, low=0, high=10, doc="of the logarithm of reading time")
    scan_seconds: float = setting(15.0, low=0, high=LARGE, doc="time that looking at a shelf takes")
    stay_hours: float = setting(36.0, low=0, high=LARGE, doc="in which sessions begin")
    sessions_per_day: float = setting(2.0, low=0, high=LARGE, doc="expected, besides the first")
    shelves_per_session: float = setting(4.0, low=1, high=LARGE, doc="mean of a geometric number")
    reward: str = setting("clicks", choices=REWARDS, doc="what is earned")

    view: ClassVar[Any] = "recsim_env.scenarios.views.news_feed"
    category: ClassVar[str | None] = "topic"
    is_lasting: ClassVar[bool] = False
    traits: ClassVar[tuple[str, ...]] = ("eagerness",)
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "taste": ("interest", "eagerness"),
        "context": ("hour",),
        "person": ("interest", "eagerness"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        last_day = self.first_day + self.n_days + self.evaluation_days
        needed = last_day * _HOURS_PER_DAY + self.stay_hours
        n_hours = self._calendar_settings.n_hours
        if n_hours < needed:
            least = math.ceil((needed + 1) / _HOURS_PER_DAY * self.articles_per_day)
            raise ValueError(
                f"n_items={self.n_items} ends before the last episode of first_day="
                f"{self.first_day}, n_days={self.n_days}, evaluation_days={self.evaluation_days} "
                f"and stay_hours={self.stay_hours} at articles_per_day={self.articles_per_day}; "
                f"use n_items of at least {least}, or fewer days"
            )
        pace = f"n_items={self.n_items} and articles_per_day={self.articles_per_day}"
        if n_hours > MOST_DAYS * _HOURS_PER_DAY:
            raise ValueError(
                f"{pace} make a calendar of {n_hours / _HOURS_PER_DAY:.3g} days; use fewer items "
                f"or more a day, for at most {MOST_DAYS} days"
            )
        most = _MOST_SURGES_SUMMED * 7 * 24 / (self.n_topics * n_hours**2)
        fewer = f"up to {most:g} with {pace} and n_topics={self.n_topics}"
        self.require("surges_per_week", self.surges_per_week <= most, fewer)
        self.check_memory()
        self._check_supply(n_hours)

    def working_bytes(self) -> int:
        """What articles and hours say of each topic, in double precision."""
        n_hours = self._calendar_settings.n_hours
        n_headline = 24 * self.n_headline_features
        return self.n_items * (40 * self.n_topics + n_headline + 64) + 60 * self.n_topics * n_hours

    def _check_supply(self, n_hours: int) -> None:
        """Raises unless enough articles are alive at every moment."""
        least = _POOL_FACTOR * (self.n_candidates + N_REMEMBERED)
        usual = self.n_items * min(1.0, self.lifetime_hours / n_hours)
        first_hour = self.first_day * _HOURS_PER_DAY
        alive = math.floor(usual)
        if usual > 0.5 * least:  # else there are never enough, and nothing need be drawn
            _, n_published = publication_of(self._calendar_settings)
            alive = least_alive(n_published, first_hour, self.lifetime_hours)
        if alive < least:
            raise ValueError(
                f"only {alive} articles are alive at times with articles_per_day="
                f"{self.articles_per_day}, lifetime_hours={self.lifetime_hours} and first_day="
                f"{self.first_day}, and n_candidates={self.n_candidates} needs {least}; raise one "
                "of the former or lower n_candidates"
            )

    @property
    def _calendar_settings(self) -> CalendarSettings:
        names = [field.name for field in dataclasses.fields(CalendarSettings)]
        return CalendarSettings(**{name: getattr(self, name) for name in names})

    @property
    def calendar(self) -> Calendar:
        """All that is published when, and which topics surge; the same for equal settings."""
        return calendar_of(self._calendar_settings)

    @property
    def topic_names(self) -> tuple[str, ...]:
        """A word for each topic."""
        further = range(len(TOPICS), self.n_topics)
        return (*TOPICS, *(f"topic_{topic}" for topic in further))[: self.n_topics]

    def user_layout(self) -> Layout:
        """Interests, the time, and this episode."""
        first_hour = _HOURS_PER_DAY * self.first_day
        n_hours = self._calendar_settings.n_hours
        return {
            "interest": within(np.float32, -1e4, 1e4, self.n_topics),
            "eagerness": within(np.float32, -1e4, 1e4),
            "clock": within(float, first_hour, n_hours),
            "end_clock": within(float, first_hour, n_hours),
            "hour": within(np.int32, 0, n_hours - 1),
            "oldest": within(np.int32, 0, self.n_items),
            "newest": within(np.int32, 0, self.n_items),
            "n_read": count(np.int32),
            "seen": np.int64,
            "read_minutes": within(np.float32, 0, 1e30),
            "shown_age": within(np.float32, 0, self.lifetime_hours),
            "n_shown": within(np.float32, 0, 1e30, self.n_topics),
            "n_clicked": within(np.float32, 0, 1e30, self.n_topics),
            "clicked": within(np.int32, 0, self.n_items - 1, N_REMEMBERED),
        }

    def item_layout(self) -> Layout:
        """When it appeared, what it is about, how good it is, and its headline."""
        names = tuple(f"topic_{name}" for name in self.topic_names)
        return {
            "published": np.float32,
            "quality": np.float32,
            "topic": shown(np.int32, 0, self.n_topics - 1, one_hot=True, names=names),
            "headline": shown(np.float32, shape=self.n_headline_features),
        }

    def response_layout(self) -> Layout:
        """The choice, and how long was read."""
        return RESPONSE_FIELDS | {"dwell_seconds": within(float, 0, LONGEST_DWELL)}

    def observation_layout(self) -> Mapping[str, Any]:
        """The hour, the session so far, how much a topic is in the news, and ages."""
        names = tuple(f"click_rate_{name}" for name in self.topic_names)
        most_days = self.lifetime_hours / _HOURS_PER_DAY + 1e-3
        return {
            "context": dict.fromkeys(("hour_sine", "hour_cosine"), shown(float, -1, 1)),
            "history": {
                "log_read": shown(float, 0),
                "click_rate": shown(float, 0, shape=self.n_topics, names=names),
            },
            "candidates": {"coverage": shown(float), "age_days": shown(float, 0, most_days)},
            "response": {"dwell_minutes": shown(float, 0, LONGEST_DWELL / 60)},
        }

    def info_layout(self) -> Layout:
        """When it is, how much there is to read, and what was shown and read."""
        return {
            "day": float,
            "n_alive": int,
            "shown_age_hours": float,
            "n_read": int,
            "read_minutes": float,
        }

    def evaluation_settings(self) -> Mapping[str, Any]:
        """The days after those of learning, when what was news then is gone."""
        if self.evaluation_days == 0:
            return {}
        later = self.first_day + self.n_days
        return {"first_day": later, "n_days": self.evaluation_days, "evaluation_days": 0}

    def derived(self) -> Mapping[str, Any]:
        """What the calendar says by the hour."""
        calendar = self.calendar
        decay = math.log(2.0) / self.half_life_hours if self.half_life_hours else 0.0
        reading = reading_rhythm(self.rhythm)
        return {
            "decay": decay,
            "n_hours": calendar.n_hours,
            "n_published": calendar.n_published,
            "popularity": calendar.popularity,
            "pull": calendar.pull.astype(np.float32),
            "coverage": calendar.coverage.astype(np.float32),
            "reading": reading,
            "most_reading": float(reading.max()),
            "log_dwell": math.log(self.dwell_seconds),
        }

    def tables(self) -> Mapping[str, np.ndarray]:
        """Returns the articles in order of publication."""
        items = np.zeros(self.n_items, self.schema.dtypes["item"])
        for name in ("published", "quality", "topic", "headline"):
            items[name] = getattr(self.calendar, name)
        return {"items": items}

    @staticmethod
    def sample_user(config, user, rng):
        """Draws interests around those of the readership, and how readily they click."""
        user.eagerness = config.eagerness_sd * normal(rng)
        for topic in range(config.n_topics):
            user.interest[topic] = config.popularity[topic] + config.interest_sd * normal(rng)

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Draws the day and the hour at which the episode begins."""
        day = config.first_day + integer(rng, config.n_days)
        user.clock = 24.0 * day + categorical(rng, config.reading) + uniform(rng)
        user.end_clock = user.clock + config.stay_hours
        look_at_clock(config, user, items)

    @staticmethod
    def sample_candidate(config, user, items, rng):
        """Returns an article that is alive, any equally likely."""
        return user.oldest + integer(rng, user.newest - user.oldest)

    @staticmethod
    def is_excluded(config, user, item_id):
        """Returns whether the person clicked the article in this episode."""
        return was_clicked(user, item_id)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Reads the shelf from the top; what is clicked takes time."""
        total_age, n_shown = 0.0, 0
        for place in range(len(slate)):
            if slate[place] >= 0:
                item = items[slate[place]]
                response[place].score = score_of(config, user, item)
                user.n_shown[item.topic] += 1.0
                total_age += age_of(config, user, item)
                n_shown += 1
        user.shown_age = total_age / max(1, n_shown)
        click(config, slate, response, rng)
        reward = 0.0
        user.clock += config.scan_seconds / 3600.0
        for place in range(len(slate)):
            if response[place].clicked:
                dwell = read_article(config, user, slate[place], items[slate[place]], rng)
                response[place].dwell_seconds = dwell
                reward += 1.0 if config.reward == CLICKS else dwell / 60.0
        is_over = user.clock >= user.end_clock
        if not is_over and bernoulli(rng, 1.0 / config.shelves_per_session):
            is_over = not come_back(config, user, rng)
        look_at_clock(config, user, items)
        return reward, is_over

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows the hour, clicks so far by topic, what is in the news, and ages."""
        angle = 2.0 * math.pi / 24.0 * (user.clock % 24.0)
        observation.context.hour_sine = math.sin(angle)
        observation.context.hour_cosine = math.cos(angle)
        observation.history.log_read = math.log1p(user.n_read)
        for topic in range(config.n_topics):
            n_shown = user.n_shown[topic] + _PRIOR_SHOWINGS
            observation.history.click_rate[topic] = user.n_clicked[topic] / n_shown
        for index in range(len(candidates)):
            item, seen = items[candidates[index]], observation.candidates[index]
            seen.coverage = config.coverage[user.hour, item.topic]
            seen.age_days = age_of(config, user, item) / 24.0
        for place in range(len(response)):
            observation.response[place].dwell_minutes = response[place].dwell_seconds / 60.0

    @staticmethod
    def report(config, user, items, info):
        """Writes the time, the choice there is, and what was shown and read."""
        info.day = user.clock / 24.0
        info.n_alive = user.newest - user.oldest
        info.shown_age_hours = user.shown_age
        info.n_read = user.n_read
        info.read_minutes = user.read_minutes

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the expected reward of the article shown alone."""
        chance = attraction_probability(score_of(config, user, item), config.no_click_score)
        if config.reward == CLICKS:
            return chance
        return chance * expected_dwell(config, user.interest[item.topic] + item.quality) / 60.0
