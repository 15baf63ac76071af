"""What happens on a platform of `CreatorEconomy`: who comes, and how creators take it.

`user` is the whole platform: the visitor who is there, the attention and production of each
creator, and the loyalty of each group.
"""

import math

from recsim_env.compiler.binding import noinline
from recsim_env.core.streams import bernoulli, lognormal, normal, uniform

# A new platform's groups come this often, and its creators' attention varies by this much (log).
_FOUNDING_LOYALTY, _FOUNDING_SD = 0.6, 0.5

# However disappointed all groups are, this share of the people still looks in.
_LEAST_AUDIENCE = 0.02

# ln(production) is cut off here, below the largest numbers of records even when added up.
_MAX_LOG_PRODUCTION = 60.0


def found(config, user, rng):
    """Founds a platform, and lets its first visitor in."""
    user.n_active = config.n_creators
    for group in range(config.n_groups):
        user.loyalty[group] = _FOUNDING_LOYALTY
    for creator in range(config.n_creators):
        luck = lognormal(rng, -0.5 * _FOUNDING_SD * _FOUNDING_SD, _FOUNDING_SD)
        user.attention[creator] = config.founding_attention * luck
        user.production[creator] = production_of(config, user.attention[creator])
    add_up(config, user)
    welcome(config, user, rng)


def production_of(config, attention):
    """Returns how much a creator with this attention produces."""
    exponent = config.attention_sensitivity * config.growth
    return math.exp(min(exponent * math.log1p(attention), _MAX_LOG_PRODUCTION))


def audience_of(config, user):
    """Returns the share of people who come when it is their turn."""
    audience = 0.0
    for group in range(config.n_groups):
        audience += config.group_size[group] * user.loyalty[group]
    return audience


@noinline
def add_up(config, user):
    """Adds up production and attention of all creators."""
    production = 0.0
    attention = 0.0
    for creator in range(config.n_creators):
        production += user.production[creator]
        user.production_up_to[creator] = production
        attention += user.attention[creator]
    user.mean_attention = max(attention / max(1, user.n_active), 1e-3)


@noinline
def welcome(config, user, rng):
    """Draws the next visitor."""
    audience = audience_of(config, user)
    left = uniform(rng) * audience
    user.group = 0
    while user.group < config.n_groups - 1:
        left -= config.group_size[user.group] * user.loyalty[user.group]
        if left < 0.0:
            break
        user.group += 1
    for dim in range(len(user.taste)):
        user.taste[dim] = config.centre[user.group, dim] + config.taste_sd * normal(rng)
        user.seen_taste[dim] = user.taste[dim] + config.taste_noise * normal(rng)


def pass_time(config, user, rng):
    """Waits for the next visitor, while creators take stock in turn."""
    gap = 1.0 / max(_LEAST_AUDIENCE, audience_of(config, user))
    user.time += gap
    user.stocktakings_due += gap * config.stocktakings_per_visit
    while user.stocktakings_due >= 1.0:
        user.stocktakings_due -= 1.0
        take_stock(config, user, user.next_creator, rng)
        user.next_creator = (user.next_creator + 1) % config.n_creators
    add_up(config, user)
    welcome(config, user, rng)


@noinline
def take_stock(config, user, creator, rng):
    """Lets a creator grow, slow down or leave, or a newcomer take a free seat."""
    attention = user.attention[creator]
    if user.production[creator] == 0.0:
        if bernoulli(rng, config.newcomer_rate):
            user.attention[creator] = config.founding_attention
            user.production[creator] = production_of(config, config.founding_attention)
            user.n_active += 1
        return
    short = 1.0 - attention / config.viability
    if bernoulli(rng, config.attention_sensitivity * config.leave_rate * short):
        user.attention[creator] = 0.0
        user.production[creator] = 0.0
        user.n_active -= 1
    else:
        user.production[creator] = production_of(config, attention)
        user.attention[creator] = config.attention_kept * attention
