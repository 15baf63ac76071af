"""Many people one after the other: the loops over a range of slots, as templates like `episode`."""

import numpy as np

from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import ITEM, derive, start
from recsim_env.engine.candidates import shelf
from recsim_env.engine.episode import begin, show, take_step, world_key, write_info

# What a call of the loop does: a step under one of Gymnasium's autoreset modes, or a reset.
NEXT_STEP, SAME_STEP, DISABLED, RESET = range(4)

sample_item = Scenario.sample_item
is_excluded = Scenario.is_excluded


def judge(config, user, item):
    """Stands for `expected_reward` or `long_term_value`; unbound, it is 1 for every item."""
    return 1.0


def lost(config, user, item, other):
    """Stands for the `redundancy` that goes with `judge`."""
    return 0.0


def step_batch(
    config,
    users,
    items,
    slots,
    actions,
    observations,
    floats,
    infos,
    final_observations,
    final_floats,
    final_infos,
    rewards,
    terminated,
    truncated,
    mode,
    start_index,
    stop_index,
):
    """Steps a range of slots, and begins the episodes that `slot.begins` or `mode` ask for."""
    for i in range(start_index, stop_index):
        slot = slots[i]
        rewards[i] = 0.0
        terminated[i] = False
        truncated[i] = False
        if mode == NEXT_STEP and slot.is_over:
            slot.begins = True
            slot.episode += 1
        elif mode != RESET:
            rewards[i], terminated[i] = take_step(config[0], items, slot, actions[i])
            truncated[i] = config[0].horizon > 0 and slot.step >= config[0].horizon
            slot.is_over = terminated[i] or truncated[i]
            if mode == SAME_STEP and slot.is_over:
                show(config[0], items, slot, final_observations[i], final_floats[i])
                write_info(config[0], items, slot, final_infos, i)
                slot.begins = True
                slot.episode += 1
        if slot.begins:
            begin(config[0], users, items, slot)
        show(config[0], items, slot, observations[i], floats[i])
        write_info(config[0], items, slot, infos, i)


def judge_batch(config, items, slots, values, start_index, stop_index):
    """Writes what `judge` says of every candidate of every slot; 0 of those that are excluded."""
    for i in range(start_index, stop_index):
        slot = slots[i]
        for index in range(len(slot.candidates)):
            item_id = slot.candidates[index]
            if is_excluded(config[0], slot.user, item_id):
                values[i, index] = 0.0  # its place would stay empty
            else:
                values[i, index] = judge(config[0], slot.user, shelf(items, slot)[item_id])


def judge_slates(config, items, slots, chosen, actions, values, start_index, stop_index):
    """Writes what `judge` says of each item of slates that are about to be shown to `chosen`."""
    for i in range(start_index, stop_index):
        slot = slots[chosen[i]]
        for place in range(len(slot.slate)):
            item_id = slot.candidates[actions[i, place]]
            values[i, place] = judge(config[0], slot.user, shelf(items, slot)[item_id])


def judge_shelf(config, chosen, slots, values, start_index, stop_index):
    """Writes what `judge` says of `chosen` items, the same ones for every slot."""
    for i in range(start_index, stop_index):
        for index in range(len(chosen)):
            values[i, index] = judge(config[0], slots[i].user, chosen[index])


def lower_batch(config, items, slots, values, start_index, stop_index):
    """Fills slates with the best candidates one by one, each lowering what the others are worth.

    What `lost` says is never negative, so that ranking by the lowered values gives the same slates.
    """
    for i in range(start_index, stop_index):
        slot = slots[i]
        is_free = np.ones(len(slot.candidates), np.bool_)
        for _ in range(len(slot.slate)):
            best = -1
            for index in range(len(is_free)):
                if is_free[index] and (best < 0 or values[i, index] > values[i, best]):
                    best = index
            is_free[best] = False
            placed = shelf(items, slot)[slot.candidates[best]]
            for index in range(len(is_free)):
                if is_free[index]:
                    item = shelf(items, slot)[slot.candidates[index]]
                    values[i, index] -= lost(config[0], slot.user, item, placed)


def sample_catalogue(config, items, rngs):
    """Draws a whole catalogue, each item from its own stream."""
    key = derive(world_key(config[0]), ITEM)
    for item_id in range(len(items)):
        start(rngs[0], key, item_id)
        sample_item(config[0], items[item_id], rngs[0])
