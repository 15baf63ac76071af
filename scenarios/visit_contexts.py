"""The contexts in which people of a fitted world come, and what these do to their likings.

The functions are about one person of `recsim_env.scenarios.rated_catalogue`.
"""

import numpy as np

from recsim_env.core.fields import Layout, shown
from recsim_env.formats.rated_world import RatedWorld


def has_contexts(world: RatedWorld) -> bool:
    """Returns whether people come in contexts that change what they like."""
    return len(world.context_labels) > 0


def context_numbers(world: RatedWorld) -> dict[str, object]:
    """Returns the numbers of the config that are about contexts."""
    if not has_contexts(world):
        return {}
    n_moments, n_contexts = world.user_moments.shape[1:]
    levels = world.context_factors
    return {
        "n_moments": n_moments,
        "n_contexts": n_contexts,
        "n_levels": len(levels),
        "n_context_factors": levels.shape[1],
        "level_factors": np.pad(levels, ((0, 0), (0, int(not levels.shape[1])))),
    }


def user_context_layout(world: RatedWorld) -> Layout:
    """Returns the fields of a person in contexts."""
    n_levels, moments = len(world.context_labels), world.user_moments.shape[1:]
    names = tuple(map(str, world.context_labels))
    width = max(1, world.context_factors.shape[1])
    return {
        "context": shown(np.float32, 0, 1, n_levels, under="context", names=names),
        "context_liking": (np.float32, n_levels),
        "context_taste": (np.float32, width),
        "mood": np.float32,
        "moments": (np.int32, moments[0] * moments[1]),
    }


def item_context_layout(world: RatedWorld) -> Layout:
    """Returns the field of an item in contexts."""
    return {"context_factors": (np.float32, max(1, world.context_factors.shape[1]))}


def come_in_context(config, user, moment):
    """Sets the contexts of a session, and what they do to the person's likings."""
    user.mood = 0.0
    for level in range(config.n_levels):
        user.context[level] = 0.0
    for index in range(config.n_context_factors):
        user.context_taste[index] = 0.0
    for place in range(moment * config.n_contexts, (moment + 1) * config.n_contexts):
        level = user.moments[place]
        user.context[level] = 1.0
        user.mood += user.context_liking[level]
        for index in range(config.n_context_factors):
            user.context_taste[index] += config.level_factors[level, index]


def liking_in_context(config, user, item):
    """Returns what the contexts of this session add to the liking of an item."""
    liking = user.mood
    for index in range(config.n_context_factors):
        liking += user.context_taste[index] * item.context_factors[index]
    return liking
