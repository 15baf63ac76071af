"""What people of `recsim_env.scenarios.rated_catalogue` like, choose, and rate."""

import math

from recsim_env.scenarios.repeated_items import appeal_again
from recsim_env.scenarios.visit_contexts import liking_in_context

# See `RatedCatalogue.flags`.
HAS_CONTEXTS = False
HAS_REPETITION = False
HAS_PERIODS = False

REWARDS = ("liked", "clicks", "rating")
LIKED, CLICKS, RATING = range(len(REWARDS))


def liking_of(config, user, item):
    """Returns how much the person likes the item, in rating units."""
    liking = config.global_mean + user.bias + item.bias
    for index in range(config.n_factors):
        liking += user.factors[index] * item.factors[index]
    if HAS_CONTEXTS:
        liking += liking_in_context(config, user, item)
    return liking


def score_of(config, user, item):
    """Returns how much the item appeals to the person now, on the scale of log-odds."""
    score = config.choice_slope * (liking_of(config, user, item) - config.global_mean)
    if HAS_REPETITION:
        score += appeal_again(config, user, item.number)
    if HAS_PERIODS:
        score += item.period_appeal[user.period]
    return score


def earned(config, rating):
    """Returns the reward of an item that was consumed."""
    if config.reward == LIKED:
        return 1.0 if rating >= config.like_threshold else 0.0
    return rating if config.reward == RATING else 1.0


def rate(config, experience):
    """Returns the rating nearest to what was felt."""
    steps = math.floor((experience - config.rating_min) / config.rating_step + 0.5)
    rating = config.rating_min + steps * config.rating_step
    return min(config.rating_max, max(config.rating_min, rating))


def like_chance(config, liking):
    """Returns the probability that the rating reaches the threshold of liking."""
    if config.like_threshold <= config.rating_min:
        return 1.0
    short = config.like_threshold - 0.5 * config.rating_step - liking
    if config.rating_noise <= 0.0:
        return 1.0 if short <= 0.0 else 0.0
    return 0.5 * math.erfc(short / (config.rating_noise * math.sqrt(2.0)))
