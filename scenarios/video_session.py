"""Sessions of a viewer: what was seen of each category, why they quit, when they return."""

from recsim_env.compiler.binding import noinline
from recsim_env.core.choice import attraction_probability
from recsim_env.core.streams import uniform

#: Why a session ended: it did not, other things to do, out of patience, too much of one category.
QUIT_REASONS = ("goes_on", "busy", "bored", "over_exposed")

_GOES_ON, _BUSY, _BORED, _OVER_EXPOSED = range(4)

# How steeply `long_term_value` prices a category as its count nears the limit: with the power of
# this.
_EXPOSURE_POWER = 8

# A category's running mean of long views moves by this share, from the mean of uniform slates.
_AFFINITY_RATE, _USUAL_LONG_VIEWS = 0.1, 0.25


def begin_session(config, user):
    """Begins a session with fresh patience and an empty window."""
    user.n_sessions += 1
    user.turn = 0
    user.patience = user.usual_patience
    user.pleasure = 0.0
    user.n_shown = 0
    user.n_clicks = 0
    user.n_long_views = 0
    user.n_dislikes = 0
    user.watched = 0.0
    for category in range(len(user.counts)):
        user.counts[category] = 0
    for entry in range(len(user.recent)):
        user.recent[entry] = 0


def remember(user, category, response):
    """Counts a shown video: for the window, the session and the episode."""
    user.counts[category] += 1
    user.n_shown += 1
    user.n_clicks += 1 if response.clicked else 0
    user.n_long_views += 1 if response.long_view else 0
    user.n_dislikes += 1 if response.disliked else 0
    user.watched += response.watch_share
    surprise = (1.0 if response.long_view else 0.0) - _USUAL_LONG_VIEWS
    user.affinity[category] += _AFFINITY_RATE * (surprise - user.affinity[category])


def has_too_much(config, user):
    """Returns whether a category was shown more often in the window than the person stands."""
    if config.exposure_limit == 0:
        return False
    for category in range(len(user.counts)):
        if user.counts[category] > config.exposure_limit:
            return True
    return False


def reason_to_quit(config, user, rng):
    """Returns why the person closes the app after this slate, as an index of `QUIT_REASONS`."""
    is_busy = uniform(rng) < config.busy_probability
    if has_too_much(config, user):
        return _OVER_EXPOSED
    if user.patience <= 0.0:
        return _BORED
    return _BUSY if is_busy else _GOES_ON


def forget_oldest(config, user, items, slate):
    """Takes the slate out of the counts that leaves the window, and keeps the new one there.

    Afterwards `counts` are what the next slate will be added to. `recent` is a ring of categories,
    1 more than their number, so that 0 is an empty place.
    """
    n_remembered = (config.exposure_window - 1) * len(slate)
    if n_remembered == 0:
        for category in range(len(user.counts)):
            user.counts[category] = 0
        return
    first = (user.turn - 1) % (config.exposure_window - 1) * len(slate)
    for place in range(len(slate)):
        oldest = user.recent[first + place]
        if oldest > 0:
            user.counts[oldest - 1] -= 1
        user.recent[first + place] = items[slate[place]].category + 1 if slate[place] >= 0 else 0


def exposure_cost(config, count):
    """Returns the price of a category standing at `count` in the window: all of it at the limit."""
    if config.exposure_limit == 0:
        return 0.0
    ratio = count / (config.exposure_limit + 1.0)
    return config.exposure_price * ratio**_EXPOSURE_POWER


def return_chance(config, feeling):
    """Returns the chance, day by day, that a person comes back to what felt like this."""
    return attraction_probability(config.return_score + config.return_slope * feeling, 0.0)


def leaves_for_good(config, user, rng):
    """Ends the session where there is a reason to, and begins the next; returns whether none is."""
    return user.quit_reason != _GOES_ON and end_session(config, user, rng)


@noinline
def end_session(config, user, rng):
    """Draws the days until the next session; returns whether there is none."""
    user.last_pleasure = user.pleasure / user.turn
    feeling = float(user.last_pleasure)
    if user.quit_reason == _OVER_EXPOSED:
        feeling -= config.exposure_regret
    stays_away = 1.0 - return_chance(config, feeling)
    days = 1
    while days <= config.churn_days and uniform(rng) < stays_away:
        days += 1
    has_churned = days > config.churn_days
    user.days_away = min(days, config.churn_days)
    user.day = min(user.day + days, config.n_days)
    if has_churned or user.day >= config.n_days:
        return True
    begin_session(config, user)
    return False
