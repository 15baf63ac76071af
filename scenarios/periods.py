"""Periods of a log: items of a fitted world appear in one, and gain or lose appeal in the next.

The functions are about one person of `recsim_env.scenarios.rated_catalogue`.
"""

import numpy as np

from recsim_env.core.fields import Layout, within
from recsim_env.formats.rated_world import NEVER, RatedWorld

_HOURS = 24.0


def has_periods(world: RatedWorld) -> bool:
    """Returns whether the appeal of items moves with time."""
    return len(world.period_days) > 0


def period_numbers(world: RatedWorld) -> dict[str, object]:
    """Returns the numbers of the config that are about periods."""
    if not has_periods(world):
        return {}
    is_there = world.item_period_appeal > NEVER
    return {"period_days": world.period_days, "first_period": is_there.argmax(axis=1)}


def user_period_layout(world: RatedWorld) -> Layout:
    """Returns the fields of a person who comes at some time."""
    n_visits = world.user_visit_day.shape[1]
    return {
        "visit_day": (np.float32, n_visits),
        "day": np.float32,
        "period": within(np.int32, 0, len(world.period_days) - 1),
    }


def item_period_layout(world: RatedWorld) -> Layout:
    """Returns the field of an item whose appeal moves."""
    return {"period_appeal": (np.float32, len(world.period_days))}


def note_period(config, user, hours):
    """Notes which period it is, so many hours after the episode began; the last one stays."""
    day = user.day + hours / _HOURS
    user.period = 0
    while user.period < len(config.period_days) - 1 and day > config.period_days[user.period]:
        user.period += 1


def is_to_come(config, user, item_id):
    """Returns whether the item has not appeared yet."""
    return config.first_period[item_id] > user.period
