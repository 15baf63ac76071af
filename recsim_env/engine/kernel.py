"""From functions about one person to a compiled loop over many.

The loops below are templates: ordinary Python whose global names `respond`, `observe` and so on are
bound to a scenario's functions by `Kernel`; see `recsim_env.compiler.binding` for how. Compiling is
the same with Numba at the end.

With NUMBA_DISABLE_JIT=1, or ``Kernel(scenario, compiled=False)``, nothing is compiled, and one can
step through a person in a debugger.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from recsim_env.compiler.binding import Binder
from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import (
    BEGIN,
    CANDIDATES,
    CHOICE,
    EPISODE,
    FIRST_STEP,
    ITEM,
    STREAM,
    USER,
    WORLD,
    derive,
    start,
)

# What a call of the loop does: a step under one of Gymnasium's autoreset modes, or a reset.
NEXT_STEP, SAME_STEP, DISABLED, RESET = range(4)

# The step of a slot whose `user_id` was asked for, until its episode begins.
ASKED = -1

# How often a candidate is redrawn when it is already there, before the next free one is taken.
MAX_REDRAWS = 32

HOOKS = (
    "sample_item",
    "sample_user",
    "begin_episode",
    "respond",
    "observe",
    "report",
    "sample_visitor",
    "sample_candidate",
    "is_excluded",
)


def slot_dtype(scenario: Scenario) -> np.dtype:
    """Returns the record of one slot: all that a running episode knows."""
    dtypes = scenario.dtypes()
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


# Templates. The names that follow are bound by Kernel; they stand here for the reader and the
# linter.
sample_item: Any = None
sample_user: Any = None
begin_episode: Any = None
respond: Any = None
observe: Any = None
report: Any = None
sample_visitor: Any = None
sample_candidate: Any = None
is_excluded: Any = None
shelf: Any = None
fill_shelf: Any = None
write_user_id: Any = None
write_item_ids: Any = None
write_info: Any = None
judge: Any = None
lost: Any = None


def prefetch(items, item_id):
    """Does nothing in plain Python; see `recsim_env.compiler.prefetch` for what it compiles to."""


def world_key(config):
    """Returns the key of everything that `world_seed` decides."""
    return derive(config.world_seed, WORLD)


def step_key(slot):
    """Returns the key of everything that happens in the slot's current step."""
    return derive(slot.key, FIRST_STEP + slot.step)


def begin(config, users, items, slot):
    """Begins the slot's episode: who comes, in what mood, and the first candidates.

    Who was asked for comes; each purpose has a stream of its own, so the rest stays as it was.
    """
    slot.key = derive(derive(slot.seed, EPISODE), slot.episode)
    is_asked = slot.step == ASKED
    slot.step = 0
    slot.begins = False
    slot.is_over = False
    if config.n_users > 0:
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
    for place in range(len(slot.slate)):
        slot.slate[place] = -1
        slot.response[place] = config.blank_response
    offer(config, items, slot)


def offer(config, items, slot):
    """Draws the candidates of the slot's current step."""
    fill_shelf(config, items, slot, derive(step_key(slot), CANDIDATES))


def fill_with_fresh_items(config, items, slot, key):
    """Draws every candidate anew; they have no ids, and stand on the slot's own shelf in order."""
    slot.rng.state = key
    for index in range(len(slot.own_items)):
        sample_item(config, slot.own_items[index], slot.rng)


def fill_from_catalogue(config, items, slot, key):
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


def own_shelf(items, slot):
    """Returns the items of a slot that draws fresh ones."""
    return slot.own_items


def catalogue_shelf(items, slot):
    """Returns the catalogue."""
    return items


def write_slot_user_id(slot, observation):
    """Shows who the user is."""
    observation.user_id = slot.user_id


def write_slot_item_ids(slot, observation):
    """Shows which items the candidates are."""
    for index in range(len(slot.candidates)):
        observation.item_id[index] = slot.candidates[index]


def write_nothing(slot, observation):
    """Shows no id: the scenario has none."""


def show(config, items, slot, observation, floats):
    """Writes the observation of a slot; `floats` is the same memory seen as numbers."""
    for index in range(len(floats)):
        floats[index] = 0.0
    observe(config, slot.user, shelf(items, slot), slot.candidates, slot.response, observation)
    write_user_id(slot, observation)
    write_item_ids(slot, observation)


def report_info(config, items, slot, infos, i):
    """Writes the info record of slot `i`."""
    report(config, slot.user, shelf(items, slot), infos[i])


def report_nothing(config, items, slot, infos, i):
    """Writes no info: the scenario has none."""


def place_slate(slot, action):
    """Puts the chosen candidates on the slate; a repeated one is shown once."""
    for place in range(len(slot.slate)):
        slot.slate[place] = slot.candidates[action[place]]
        for earlier in range(place):
            if action[earlier] == action[place]:
                slot.slate[place] = -1


def take_step(config, items, slot, action):
    """Lets a person respond to a slate; returns the reward and whether they left."""
    place_slate(slot, action)
    for place in range(len(slot.slate)):
        slot.response[place] = config.blank_response
    start(slot.rng, step_key(slot), CHOICE)
    reward, is_terminated = respond(
        config, slot.user, shelf(items, slot), slot.slate, slot.response, slot.rng
    )
    slot.step += 1
    offer(config, items, slot)
    return reward, is_terminated


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
    """Writes what `judge` says of every candidate of every slot."""
    for i in range(start_index, stop_index):
        slot = slots[i]
        for index in range(len(slot.candidates)):
            item_id = slot.candidates[index]
            if is_excluded(config[0], slot.user, item_id):
                values[i, index] = 0.0  # its place would stay empty
            else:
                values[i, index] = judge(config[0], slot.user, shelf(items, slot)[item_id])


def one(config, user, item):
    """Returns 1: as a judge, it leaves 0 to what cannot be shown."""
    return 1.0


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


class Loops(NamedTuple):
    """The loops over many people that a scenario's functions were bound into.

    Attributes:
      step: `step_batch`.
      sample_catalogue: likewise.
      judges: by "expected_reward", "long_term_value" and "can_be_shown", the loops that judge all
        candidates in turn; none where the scenario cannot.
      digest: of all that they consist of, records included.
    """

    step: Any
    sample_catalogue: Any
    judges: Mapping[str, tuple[Any, ...]]
    digest: str


class Kernel:
    """The loops of one scenario; compiling happens at the first call of each.

    Scenarios of the same functions and the same records share them, whatever their settings: Numba
    never frees what it has compiled, so a process that makes environments by the thousand must not
    compile, or load, their loops anew each time.

    Plain Python and compiled code agree to the last bit where records hold float64 and integers.
    Arithmetic of a float32 field with a Python number is float32 in NumPy and float64 in Numba, so
    there they agree to about 1e-7, and a choice that hangs by less may fall the other way.

    Args:
      scenario: whose functions to bind.
      compiled: False runs them as plain Python; None compiles unless NUMBA_DISABLE_JIT is set.
    """

    def __init__(self, scenario: Scenario, *, compiled: bool | None = None) -> None:
        self.is_compiled = _jit_enabled() if compiled is None else compiled
        loops = _bind(scenario, compiled=False)  # quick, and it tells which loops these are
        if self.is_compiled:
            known = _COMPILED.get(loops.digest)
            loops = known or _COMPILED.setdefault(loops.digest, _bind(scenario, compiled=True))
        self.step, self.sample_catalogue, self.judges, _ = loops

    def records(self, array: np.ndarray) -> np.ndarray:
        """Returns the array as the loops take it: plain compiled, `recarray` in plain Python."""
        if self.is_compiled or array.dtype.names is None:
            return array
        return array.view(np.recarray)


# What this process has compiled, by the digest of the same loops in plain Python.
_COMPILED: dict[str, Loops] = {}


def _bind(scenario: Scenario, *, compiled: bool) -> Loops:
    """Returns the loops with the scenario's functions in the places of the global names above."""
    bindings: dict[str, Any] = {name: getattr(scenario, name) for name in HOOKS}
    bindings["shelf"] = catalogue_shelf if scenario.n_items else own_shelf
    bindings["fill_shelf"] = fill_from_catalogue if scenario.n_items else fill_with_fresh_items
    bindings["write_user_id"] = write_slot_user_id if scenario.n_users else write_nothing
    bindings["write_item_ids"] = write_slot_item_ids if scenario.n_items else write_nothing
    bindings["write_info"] = report_info if scenario.info_layout() else report_nothing
    if compiled:
        from recsim_env.compiler.prefetch import prefetch

        bindings["prefetch"] = prefetch
    binder = Binder(
        globals(),
        bindings,
        dict(scenario.variants()),
        compiled=compiled,
        layout=_layout(scenario),
    )
    return Loops(
        step=binder.bind_root(step_batch),
        sample_catalogue=binder.bind_root(sample_catalogue),
        judges={
            "expected_reward": _bind_judge(binder, scenario.expected_reward, scenario.redundancy),
            "long_term_value": _bind_judge(
                binder, scenario.long_term_value, scenario.long_term_redundancy
            ),
            "can_be_shown": _bind_judge(binder, one, None),
        },
        digest=binder.digest.hexdigest(),
    )


def _bind_judge(binder: Binder, judge: Any, lost: Any) -> tuple[Any, ...]:
    """Returns the loops that judge all candidates in turn; none where the scenario cannot."""
    if judge is None or judge is Scenario.expected_reward:
        return ()
    loops = [binder.bind_root(judge_batch, judge=judge)]
    if lost is not None:
        loops.append(binder.bind_root(lower_batch, lost=lost))
    return tuple(loops)


def _layout(scenario: Scenario) -> str:
    """Returns a text that differs between scenarios whose records differ."""
    dtypes = [*scenario.dtypes().values(), slot_dtype(scenario), scenario.config().dtype]
    return repr(dtypes)


def _jit_enabled() -> bool:
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
