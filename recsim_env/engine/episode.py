"""One person's episode: who comes, what they are shown, and how they respond.

These functions are templates. They call the functions of `Scenario`, in whose places
`recsim_env.engine.kernel` binds those of the scenario at hand before it compiles everything.
"""

import numpy as np

from recsim_env.core.reward import own
from recsim_env.core.scenario import Scenario
from recsim_env.core.schema import copy_shown
from recsim_env.core.streams import BEGIN, CHOICE, EPISODE, STREAM, USER, WORLD, derive, start
from recsim_env.engine.candidates import offer, shelf, step_key

# Bound before compiling, so that only the side that holds is compiled.
HAS_CATALOGUE = True
HAS_USERS = True
HAS_INFO = True
HAS_ANOTHER_REWARD = True
SHOWS_WORTH = True

sample_user = Scenario.sample_user
sample_visitor = Scenario.sample_visitor
begin_episode = Scenario.begin_episode
respond = Scenario.respond
observe = Scenario.observe
report = Scenario.report
expected_reward = Scenario.expected_reward

# The step of a slot whose `user_id` was asked for, until its episode begins.
ASKED = -1


def slot_dtype(scenario: Scenario) -> np.dtype:
    """Returns the record of one slot: all that a running episode knows."""
    dtypes = scenario.schema.dtypes
    n_own_items = 1 if scenario.n_items else scenario.n_candidates
    return np.dtype(
        [
            ("seed", np.uint64),
            ("episode", np.int64),
            ("key", np.uint64),
            ("step", np.int64),
            ("user_id", np.int64),
            ("begins", np.bool_),
            ("is_over", np.bool_),
            ("rng", STREAM),
            ("user", dtypes["user"]),
            ("candidates", np.int64, (scenario.n_candidates,)),
            ("slate", np.int64, (scenario.slate_size,)),
            ("response", dtypes["response"], (scenario.slate_size,)),
            ("own_items", dtypes["item"], (n_own_items,)),
        ],
        align=True,
    )


def world_key(config):
    """Returns the key of everything that `world_seed` decides."""
    return derive(config.world_seed, WORLD)


def begin(config, users, items, slot):
    """Begins the slot's episode: who comes, in what mood, and the first candidates.

    A person who was asked for comes without a draw. Each purpose has a stream of its own, so all
    other draws stay the same.
    """
    slot.key = derive(derive(slot.seed, EPISODE), slot.episode)
    is_asked = slot.step == ASKED
    slot.step = 0
    slot.begins = False
    slot.is_over = False
    if HAS_USERS:
        if not is_asked:
            start(slot.rng, slot.key, USER)
            slot.user_id = sample_visitor(config, users, slot.rng)
        slot.user = users[min(slot.user_id, len(users) - 1)]
        start(slot.rng, derive(world_key(config), USER), slot.user_id)
    else:
        slot.user = users[0]
        start(slot.rng, slot.key, USER)
    sample_user(config, slot.user, slot.rng)
    start(slot.rng, slot.key, BEGIN)
    begin_episode(config, slot.user, items, slot.rng)
    clear_slate(config, slot)
    offer(config, items, slot)


def clear_slate(config, slot):
    """Empties the slate, and what was done with it."""
    for place in range(len(slot.slate)):
        slot.slate[place] = -1
        slot.response[place] = config.blank_response


def place_slate(slot, action):
    """Puts the chosen candidates on the slate; a repeated one is shown once."""
    for place in range(len(slot.slate)):
        slot.slate[place] = slot.candidates[action[place]]
        for earlier in range(place):
            if action[earlier] == action[place]:
                slot.slate[place] = -1


def take_step(config, items, slot, action):
    """Lets a person respond to a slate; returns the reward and whether they left."""
    clear_slate(config, slot)
    place_slate(slot, action)
    start(slot.rng, step_key(slot), CHOICE)
    offered = shelf(items, slot)
    reward, is_terminated = respond(config, slot.user, offered, slot.slate, slot.response, slot.rng)
    if HAS_ANOTHER_REWARD:
        reward = own(config, slot.user, offered, slot.slate, slot.response, reward)
    slot.step += 1
    offer(config, items, slot)
    return reward, is_terminated


def show(config, items, slot, observation, floats):
    """Writes the observation of a slot; `floats` is the same memory seen as numbers."""
    for index in range(len(floats)):
        floats[index] = 0.0
    offered = shelf(items, slot)
    copy_shown(slot.user, offered, slot.candidates, slot.response, observation)
    observe(config, slot.user, offered, slot.candidates, slot.response, observation)
    if SHOWS_WORTH:
        for index in range(len(slot.candidates)):
            worth = expected_reward(config, slot.user, offered[slot.candidates[index]])
            observation.candidate_state[index].expected_reward = worth
    if HAS_USERS:
        observation.user_id = slot.user_id
    if HAS_CATALOGUE:
        for index in range(len(slot.candidates)):
            observation.item_id[index] = slot.candidates[index]


def write_info(config, items, slot, infos, i):
    """Writes the info record of slot `i`, where the scenario reports anything."""
    if HAS_INFO:
        report(config, slot.user, shelf(items, slot), infos[i])
