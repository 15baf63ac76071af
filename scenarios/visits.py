"""When people of a fitted world come, for how long, and when again.

The functions are about one person of `recsim_env.scenarios.rated_catalogue`.
"""

import math

import numpy as np

from recsim_env.core.fields import Layout, within
from recsim_env.core.streams import integer, normal
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.scenarios.periods import note_period
from recsim_env.scenarios.visit_contexts import come_in_context

# See `RatedCatalogue.flags`.
HAS_CONTEXTS = False
HAS_VISITS = False
HAS_CLOCK = False
HAS_PERIODS = False

# Hours to the next session, where a world does not say.
_USUAL_GAP = 24.0


def has_visits(world: RatedWorld) -> bool:
    """Returns whether the world has sessions of each person."""
    return world.user_visit_items.shape[1] > 0


def visit_numbers(world: RatedWorld) -> dict[str, object]:
    """Returns the numbers of the config that are about sessions."""
    return {"n_visits": world.user_visit_items.shape[1]} if has_visits(world) else {}


def user_visit_layout(world: RatedWorld) -> Layout:
    """Returns the fields of a person whose sessions are known."""
    n_visits = world.user_visit_items.shape[1]
    return {
        "visit_items": (np.float32, n_visits),
        "visit_gap": (np.float32, n_visits),
        "gap": np.float32,
    }


def user_clock_layout(n_sessions: int) -> Layout:
    """Returns the fields of a person who comes again: hours gone by, and which session it is."""
    return {
        "clock": within(np.float32, 0, 1e12),
        "session": within(np.int32, 0, n_sessions),
    }


def begin_session(config, user, rng):
    """Draws how many slates the person will look at, and when and in which contexts they come."""
    if HAS_VISITS:
        visit = integer(rng, config.n_visits)
        consumed = user.visit_items[visit]
        user.gap = user.visit_gap[visit]
        if HAS_PERIODS:
            if user.session == 0:
                user.day = user.visit_day[visit]
            note_period(config, user, user.clock)
        if HAS_CONTEXTS:
            come_in_context(config, user, visit)
    else:
        sd = config.session_sd
        consumed = user.session_mean * math.exp(sd * normal(rng) - 0.5 * sd * sd)
    slates = min(float(config.max_slates), consumed / config.choice_rate + 0.5)
    user.slates_left = max(1, int(slates))
    if HAS_CONTEXTS and not HAS_VISITS:
        come_in_context(config, user, integer(rng, config.n_moments))
    if HAS_CLOCK:
        user.session += 1


def goes_on(config, user, rng):
    """Returns whether the person goes on: with this session, or with the next of the episode."""
    if user.slates_left > 0:
        return True
    if HAS_CLOCK:
        room = config.most_consumed - user.n_consumed
        if user.session < config.n_sessions and room > 0:
            gap = _USUAL_GAP
            if HAS_VISITS:
                gap = float(user.gap)
            user.clock += gap
            begin_session(config, user, rng)
            user.slates_left = min(user.slates_left, room)
            return True
    return False
