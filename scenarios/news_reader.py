"""How a reader looks at a shelf and reads, and how time passes between."""

import math

from recsim_env.compiler.binding import noinline
from recsim_env.core.choice import MAX_EXPONENT, cascade, position_based
from recsim_env.core.streams import normal, uniform

# A page left open for longer than this is another session, by the convention of web analytics.
LONGEST_DWELL = 1800.0

# How many clicks of an episode are remembered, and how many bits rule most other articles out.
N_REMEMBERED = 32
_SEEN_BITS = 61

CHOICES = ("cascade", "position_based")
CASCADE = CHOICES.index("cascade")


def click(config, slate, response, rng):
    """Lets the person read the shelf from the top, under the config's choice model."""
    if config.choice == CASCADE:
        cascade(slate, response, config.no_click_score, config.examination, rng)
    else:
        position_based(slate, response, config.no_click_score, config.examination, rng)


def age_of(config, user, item):
    """Returns the hours since the article appeared, at most its lifetime."""
    return min(config.lifetime_hours, max(0.0, user.clock - item.published))


def score_of(config, user, item):
    """Returns the log-odds of a click on the article, were it looked at, before `no_click_score`.

    They fall by log 2 every half-life: the odds halve.
    """
    liking = user.interest[item.topic] + item.quality + user.eagerness
    now = config.pull[user.hour, item.topic] - config.decay * age_of(config, user, item)
    return liking + now


def dwell_exponent(config, liking):
    """Returns the mean of the logarithm of the seconds spent on an article that is liked so."""
    return config.log_dwell + config.dwell_slope * liking


def expected_dwell(config, liking):
    """Returns the mean of a log-normal number of seconds that is cut at the longest dwell."""
    mean, sd = dwell_exponent(config, liking), config.dwell_sd
    if sd <= 0.0:
        return min(LONGEST_DWELL, math.exp(min(mean, MAX_EXPONENT)))
    margin = (math.log(LONGEST_DWELL) - mean) / sd
    below = 0.5 * math.erfc((sd - margin) / math.sqrt(2.0))
    above = 0.5 * math.erfc(margin / math.sqrt(2.0))
    return math.exp(min(mean + 0.5 * sd * sd, MAX_EXPONENT)) * below + LONGEST_DWELL * above


def was_clicked(user, item_id):
    """Returns whether the article is among those remembered as clicked in this episode.

    One word of bits rules out most articles, so that the others are seldom looked through.
    """
    if (user.seen >> (item_id % _SEEN_BITS)) & 1 == 0:
        return False
    return is_remembered(user, item_id)


@noinline
def is_remembered(user, item_id):
    """Returns whether the article is among those they clicked last."""
    for entry in range(min(user.n_read, N_REMEMBERED)):
        if user.clicked[entry] == item_id:
            return True
    return False


def read_article(config, user, item_id, item, rng):
    """Reads a clicked article; returns the seconds spent, which have passed then.

    The click is written over the oldest one where there is no room.
    """
    liking = user.interest[item.topic] + item.quality
    exponent = dwell_exponent(config, liking) + config.dwell_sd * normal(rng)
    seconds = min(LONGEST_DWELL, math.exp(min(exponent, MAX_EXPONENT)))
    user.clock += seconds / 3600.0
    user.read_minutes += seconds / 60.0
    user.clicked[user.n_read % N_REMEMBERED] = item_id
    user.seen |= 1 << (item_id % _SEEN_BITS)
    user.n_read += 1
    user.n_clicked[item.topic] += 1.0
    return seconds


def come_back(config, user, rng):
    """Moves the clock to the next session; returns whether it begins in time.

    Sessions begin at a rate that follows the hour of the day: moments of the highest rate are
    thinned, each kept in proportion to the rate of its hour.

    Source: Lewis and Shedler 1979, "Simulation of nonhomogeneous Poisson processes by thinning".
    """
    rate = config.sessions_per_day * config.most_reading / 24.0
    if rate <= 0.0:
        return False
    while user.clock < user.end_clock:
        user.clock = min(user.end_clock, user.clock - math.log(1.0 - uniform(rng)) / rate)
        if uniform(rng) * config.most_reading < config.reading[int(user.clock) % 24]:
            break
    return user.clock < user.end_clock


def look_at_clock(config, user, items):
    """Finds out which articles are alive; after the end of the episode its last moment counts."""
    user.clock = min(user.clock, user.end_clock)
    user.hour = min(int(user.clock), config.n_hours - 1)
    user.newest = count_published(config, items, user.clock)
    user.oldest = count_published(config, items, user.clock - config.lifetime_hours)


@noinline
def count_published(config, items, time):
    """Returns how many articles appeared up to a moment, by halving the hour that it lies in."""
    if time < 0.0:
        return 0
    hour = min(int(time), config.n_hours - 1)
    low, high = config.n_published[hour], config.n_published[hour + 1]
    while low < high:
        middle = (low + high) // 2
        if items[middle].published <= time:
            low = middle + 1
        else:
            high = middle
    return low
