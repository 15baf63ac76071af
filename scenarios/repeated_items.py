"""What people of a fitted world know already: how soon they want it again, and what they look for.

The functions are about one person of `recsim_env.scenarios.rated_catalogue`. Consumed items stand
in the table of `recsim_env.scenarios.consumed_items`, and when that was beside it.
"""

import numpy as np

from recsim_env.core.fields import Layout, within
from recsim_env.core.streams import integer, uniform
from recsim_env.formats.rated_world import NEVER, RatedWorld
from recsim_env.scenarios.consumed_items import entry_of, has_consumed


def has_repetition(world: RatedWorld) -> bool:
    """Returns whether the world says how consumed items appeal."""
    return len(world.repeat_appeal) > 0


def repetition_numbers(world: RatedWorld) -> dict[str, object]:
    """Returns the numbers of the config that are about repetition."""
    if not has_repetition(world):
        return {}
    return {
        "repeat_hours": world.repeat_hours,
        "repeat_appeal": world.repeat_appeal,
        "habit_rows": float(world.habit_rows),
    }


def user_repetition_layout(n_items: int, most_consumed: int, size: int) -> Layout:
    """Returns the fields of a person who remembers.

    Args:
      n_items: of the catalogue.
      most_consumed: in an episode.
      size: of the table of consumed items.
    """
    return {
        "consumed_hour": within(np.float32, 0, 1e12, size),
        "consumed_in_turn": within(np.int32, 0, n_items - 1, most_consumed),
    }


def appeal_again(config, user, item_id):
    """Returns what having consumed an item adds to its score; 0 where the person has not."""
    if not has_consumed(user, item_id):
        return 0.0
    hours = user.clock - user.consumed_hour[entry_of(user, item_id)]
    last = len(config.repeat_hours) - 1
    for group in range(last):
        if hours <= config.repeat_hours[group]:
            return config.repeat_appeal[group]
    return config.repeat_appeal[last]


def is_unwanted(config, user, item_id):
    """Returns whether the person would not consume the item again now."""
    return appeal_again(config, user, item_id) <= NEVER


def remember(user, item_id):
    """Writes down when an item was consumed, which the table has already."""
    user.consumed_hour[entry_of(user, item_id)] = user.clock
    user.consumed_in_turn[user.n_consumed - 1] = item_id


def something_known(config, user, rng):
    """Returns an item that the person looks for by habit, or -1."""
    n = user.n_consumed
    if uniform(rng) * (n + config.habit_rows) >= n:
        return -1
    return user.consumed_in_turn[integer(rng, n)]
