"""What a track does to a listener: match, skips, satiation, satisfaction, leaving, coming back."""

import math

import numpy as np

from recsim_env.compiler.binding import noinline
from recsim_env.core.choice import attraction_probability, multinomial_logit
from recsim_env.core.streams import uniform
from recsim_env.scenarios.music_world import MINUTES_PER_DAY, begin_session

REWARDS = ("minutes", "completions", "likes", "returns")
MINUTES, COMPLETIONS, LIKES, RETURNS = range(len(REWARDS))

# What became of a track; 0 is none yet.
SKIPPED, COMPLETED, LIKED = range(1, 4)

# What all listeners share and no setting changes; the compiled functions read it from the config.
NATURE = {
    # Log-odds that a track of average match is heard to its end, and what moves them.
    "completion_base": -0.9,
    "quality_scale": 0.35,
    "place_energy": np.array([0.0, 0.55, -2.1, 2.4]),
    "evening_favourite": 1.4,
    "evening_popularity": 0.8,
    "device_lean_back": np.array([-0.1, 0.0, 0.4]),
    # Log-odds that a track of average match is liked once it was heard out.
    "like_base": -5.0,
    # Satiation by one whole track of a second genre and of an artist, relative to the main genre.
    "second_satiation": 0.3,
    "artist_satiation": 1.5,
    # Satisfaction follows enjoyment at this rate, is hurt by two skips in a row, and forgets some
    # of itself between sessions. One skip risks that a second follows.
    "feeling_rate": 0.2,
    "two_skips_hurt": 0.12,
    "overnight_memory": 0.9,
    "skip_risk": 0.3,
    # A bad mood makes them leave earlier, return later, and stay away for good.
    "leave_rate": 0.06,
    "leave_slope": 6.0,
    "gap_slope": 4.0,
    "churn_slope": 6.0,
    # How long they would listen in each place if nothing fed them up.
    "usual_minutes": np.array([150.0, 70.0, 180.0, 110.0]),
}

# Skips come within 5 s, within 30 s, or anywhere later, with these shares (minutes).
_EARLY, _SOON = 5.0 / 60.0, 0.5
_EARLY_SHARE, _SOON_SHARE = 0.5, 0.2
_LATE_SHARE = 1.0 - _EARLY_SHARE - _SOON_SHARE

# What a look at a shelf takes that leads to no choice.
BROWSE_MINUTES = 0.25

# How much of a new track goes into the means of features.
_PROFILE_RATE = 0.2


def evening(user):
    """Returns how much it is evening: 1 at 9 pm, falling to 0 at 3 pm and 3 am."""
    return max(0.0, -math.sqrt(0.5) * user.hour_sin + math.sqrt(0.5) * user.hour_cos)


def context_fit(config, user, item):
    """Returns what place and hour add to the match."""
    fit = user.energy_slope[user.place] * item.energy
    favour = config.evening_popularity * item.popularity
    if item.genre == user.favourite:
        favour += config.evening_favourite
    return fit + evening(user) * favour


def satiation_with(config, user, item):
    """Returns how tired they are of the track's genres and artist, in whole tracks."""
    tired = user.satiation[item.genre] + config.second_satiation * user.satiation[item.second_genre]
    for entry in range(len(user.ring_artist)):
        if user.ring_artist[entry] == item.artist:
            tired += config.artist_satiation * user.ring_weight[entry]
    return tired


def match_of(config, user, item):
    """Returns how well the track suits the person now, in log-odds."""
    match = 0.0
    for index in range(config.n_factors):
        match += user.taste[index] * item.embedding[index]
    match = config.taste_scale * match + config.quality_scale * item.quality
    match += config.context_strength * context_fit(config, user, item)
    return match - config.satiation_strength * satiation_with(config, user, item)


def completion_score(config, user, item, match):
    """Returns the log-odds that the track is heard to its end."""
    lean_back = config.context_strength * config.device_lean_back[user.played_on]
    return config.completion_base + match + config.hook_strength * item.hook + lean_back


def enjoyment_of(match):
    """Returns how much they enjoy a track, in (0, 1); what holds them by habit is no joy."""
    return attraction_probability(match, 0.0)


def choice_chance(config, score):
    """Returns the chance that a track shown alone is begun: autoplay begins it by itself."""
    if config.slate_size == 1:
        return 1.0
    return attraction_probability(score, config.no_choice_score)


def share_heard(completes):
    """Returns the chance of more than 30 s of a track that plays, which counts as a click."""
    return completes + (1.0 - completes) * _LATE_SHARE


def chance_heard(config, user, item):
    """Returns the chance of more than 30 s of a track shown alone."""
    score = completion_score(config, user, item, match_of(config, user, item))
    return choice_chance(config, score) * share_heard(attraction_probability(score, 0.0))


def choose_from(config, slate, response, rng):
    """Returns the place of the track that plays, or -1; writes the chances of more than 30 s."""
    chosen = 0
    response[0].probability = 1.0
    if len(slate) > 1:
        chosen = multinomial_logit(slate, response, config.no_choice_score, rng)
    for place in range(len(slate)):
        completes = attraction_probability(response[place].score, 0.0)
        response[place].probability *= share_heard(completes)
        response[place].clicked = False
    return chosen


def expected_minutes(item, completes):
    """Returns the expected minutes of a track that plays."""
    early = 0.5 * _EARLY_SHARE * _EARLY + 0.5 * _SOON_SHARE * (_EARLY + _SOON)
    skipped = early + 0.5 * _LATE_SHARE * (_SOON + item.length)
    return completes * item.length + (1.0 - completes) * skipped


def play_reward(config, item, match, completes):
    """Returns the expected reward of a track that plays; returns are not of its making."""
    if config.reward == MINUTES:
        return expected_minutes(item, completes)
    if config.reward == COMPLETIONS:
        return completes
    return completes * like_chance(config, match) if config.reward == LIKES else 0.0


def like_chance(config, match):
    """Returns the chance of a like after the end."""
    return attraction_probability(match + config.like_base, 0.0)


def skip_minutes(item, rng):
    """Draws when a track is skipped."""
    u = uniform(rng)
    if u < _EARLY_SHARE:
        return _EARLY * u / _EARLY_SHARE
    u -= _EARLY_SHARE
    if u < _SOON_SHARE:
        return _EARLY + (_SOON - _EARLY) * u / _SOON_SHARE
    return _SOON + (item.length - _SOON) * (u - _SOON_SHARE) / _LATE_SHARE


def listen(config, item, response, rng):
    """Plays a track, and writes down what became of it."""
    response.completed = uniform(rng) < attraction_probability(response.score, 0.0)
    response.skipped = not response.completed
    response.minutes = item.length if response.completed else skip_minutes(item, rng)
    response.clicked = response.minutes > _SOON
    if response.completed:
        response.liked = uniform(rng) < like_chance(config, response.match)


def reward_of(config, response):
    """Returns what the track earned; returns are counted when they leave."""
    if config.reward == MINUTES:
        return response.minutes
    is_earned = response.completed if config.reward == COMPLETIONS else response.liked
    return 1.0 if is_earned else 0.0


def remember(config, user, item_id, item, response):
    """Leaves the traces of a track: satiation, taste, and what is known of both."""
    share = response.minutes / item.length
    user.satiation[item.genre] += share
    user.satiation[item.second_genre] += config.second_satiation * share
    user.ring_artist[user.n_heard % len(user.ring_artist)] = item.artist
    user.ring_weight[user.n_heard % len(user.ring_artist)] = share
    for index in range(config.n_factors):
        step = config.drift * share
        user.taste[index] += step * (item.embedding[index] - user.taste[index])
    row = len(item.features) if response.completed else 0
    for feature in range(len(item.features)):
        change = item.features[feature] - user.profile[row + feature]
        user.profile[row + feature] += _PROFILE_RATE * change
    entry = user.n_heard % config.n_recent
    user.recent_item[entry] = item_id
    user.recent_share[entry] = share
    user.recent_outcome[entry] = SKIPPED
    if response.completed:
        user.recent_outcome[entry] = LIKED if response.liked else COMPLETED
    user.n_heard += 1


def recover(config, user, minutes):
    """Lets satiation fade."""
    fading = math.exp(-minutes / (60.0 * config.recovery_hours))
    for genre in range(config.n_genres):
        user.satiation[genre] *= fading
    for entry in range(len(user.ring_artist)):
        user.ring_weight[entry] *= fading


def satisfaction_after(config, user, enjoyment, is_skip):
    """Returns the satisfaction after a track: it follows enjoyment; two skips in a row hurt."""
    satisfaction = user.satisfaction + config.feeling_rate * (enjoyment - user.satisfaction)
    if is_skip and user.n_skips > 0:
        satisfaction *= 1.0 - config.two_skips_hurt
    return satisfaction


def satisfaction_gain(config, user, enjoyment, completes):
    """Returns the expected change of satisfaction by a track, with what a skip leads to."""
    after = satisfaction_after(config, user, enjoyment, False)
    hurt = config.two_skips_hurt * (1.0 if user.n_skips > 0 else config.skip_risk)
    return after * (1.0 - hurt * (1.0 - completes)) - user.satisfaction


def weariness(config, slope, satisfaction):
    """Returns how much more often than in a middling mood something unwelcome happens."""
    return math.exp(config.feeling * slope * (0.5 - satisfaction))


def continue_chance(config, user, satisfaction, minutes):
    """Returns the chance to go on after a track: other things call, or they are fed up."""
    called = minutes / (config.usual_minutes[user.place] * user.leisure)
    return math.exp(
        -called - config.leave_rate * weariness(config, config.leave_slope, satisfaction)
    )


def churn_chance(config, satisfaction):
    """Returns the chance that somebody who leaves never comes back."""
    return min(1.0, config.churn_rate * weariness(config, config.churn_slope, satisfaction))


@noinline
def end_session(config, user, rng):
    """Decides whether and when they come back; returns whether, and if the episode is over."""
    if uniform(rng) < churn_chance(config, user.satisfaction):
        return 0.0, True
    if config.n_days == 0:
        return 1.0, True
    gap = config.gap_days * weariness(config, config.gap_slope, user.satisfaction)
    days = int(min(365.0, -gap * math.log(1.0 - uniform(rng))))
    left_at = user.clock
    begin_session(user, MINUTES_PER_DAY * (math.floor(left_at / MINUTES_PER_DAY) + days), rng)
    recover(config, user, user.clock - left_at)
    user.satisfaction = 0.5 + config.overnight_memory * (user.satisfaction - 0.5)
    user.n_skips = 0
    is_over = user.clock >= user.end_clock
    if not is_over:
        user.n_sessions += 1
    return 1.0, is_over


def uniform_discount(rate, low, high):
    """Returns the mean of exp(-rate x) over x between `low` and `high`."""
    return (math.exp(-rate * low) - math.exp(-rate * high)) / (rate * (high - low))


@noinline
def return_chance(config, user, item, chance, completes):
    """Returns the chance that they leave after this track, and will come back.

    `chance` is that of the track being chosen at all, `completes` that of its being heard out.
    """
    rate = 1.0 / (config.usual_minutes[user.place] * user.leisure)
    enjoyment = enjoyment_of(match_of(config, user, item))
    content = satisfaction_after(config, user, enjoyment, False)
    leaves = 1.0 - continue_chance(config, user, content, item.length)
    completed = leaves * (1.0 - churn_chance(config, content))
    annoyed = satisfaction_after(config, user, enjoyment, True)
    goes_on = _EARLY_SHARE * uniform_discount(rate, 0.0, _EARLY)
    goes_on += _SOON_SHARE * uniform_discount(rate, _EARLY, _SOON)
    goes_on += _LATE_SHARE * uniform_discount(rate, _SOON, item.length)
    leaves = 1.0 - goes_on * continue_chance(config, user, annoyed, 0.0)
    skipped = leaves * (1.0 - churn_chance(config, annoyed))
    bored = satisfaction_after(config, user, 0.0, True)
    leaves = 1.0 - continue_chance(config, user, bored, BROWSE_MINUTES)
    browsed = leaves * (1.0 - churn_chance(config, bored))
    played = completes * completed + (1.0 - completes) * skipped
    return chance * played + (1.0 - chance) * browsed


def enjoyed_too_little(response):
    """Returns, of records, what people would rather not have consumed.

    Played for more than 30 s at a match below 0: not to be enjoyed more likely than not.
    """
    return response["match"] < 0.0
