"""The candidates of one step: fresh items, or distinct ones of the catalogue."""

from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import CANDIDATES, FIRST_STEP, derive, start

# Bound before compiling, so that only one side of `if HAS_CATALOGUE:` is compiled; see `kernel`.
HAS_CATALOGUE = True

# The scenario's own are bound in their places.
sample_item = Scenario.sample_item
sample_candidate = Scenario.sample_candidate
is_excluded = Scenario.is_excluded

# How often a candidate is redrawn when it is already there, before the next free one is taken.
MAX_REDRAWS = 32


def prefetch(items, item_id):
    """Does nothing in plain Python; see `recsim_env.compiler.prefetch` for what it compiles to."""


def step_key(slot):
    """Returns the key of everything that happens in the slot's current step."""
    return derive(slot.key, FIRST_STEP + slot.step)


def shelf(items, slot):
    """Returns the items that candidates are indices of: the catalogue, or the slot's own."""
    if HAS_CATALOGUE:
        return items
    return slot.own_items


def offer(config, items, slot):
    """Draws the candidates of the slot's current step."""
    key = derive(step_key(slot), CANDIDATES)
    if HAS_CATALOGUE:
        draw_from_catalogue(config, items, slot, key)
    else:
        draw_fresh_items(config, slot, key)


def draw_fresh_items(config, slot, key):
    """Draws every candidate anew; they have no ids, and stand on the slot's own shelf in order."""
    slot.rng.state = key
    for index in range(len(slot.own_items)):
        sample_item(config, slot.own_items[index], slot.rng)


def draw_from_catalogue(config, items, slot, key):
    """Draws distinct candidates from the catalogue, or takes all of it where it is that small.

    Each has a stream of its own, so that where one was consumed and is redrawn, the others stay.
    Where fewer than `n_candidates` may be offered, excluded items fill up the candidates.
    """
    n_candidates = len(slot.candidates)
    if n_candidates == config.n_items:
        for index in range(n_candidates):
            slot.candidates[index] = index
        return
    for index in range(n_candidates):
        start(slot.rng, key, index)
        item_id = sample_candidate(config, slot.user, items, slot.rng)
        n_redraws = 0
        while is_taken(config, slot, index, item_id):
            n_redraws += 1
            if n_redraws < MAX_REDRAWS:
                item_id = sample_candidate(config, slot.user, items, slot.rng)
            else:
                item_id = (item_id + 1) % config.n_items
            if n_redraws > MAX_REDRAWS + config.n_items and not is_drawn(slot, index, item_id):
                break
        slot.candidates[index] = item_id
        prefetch(items, item_id)


def is_drawn(slot, n_drawn, item_id):
    """Returns whether the item is among the first `n_drawn` candidates."""
    for index in range(n_drawn):
        if slot.candidates[index] == item_id:
            return True
    return False


def is_taken(config, slot, n_drawn, item_id):
    """Returns whether the item is among the first `n_drawn` candidates or excluded."""
    return is_drawn(slot, n_drawn, item_id) or is_excluded(config, slot.user, item_id)
