"""Many people at once: the state of a batch of slots, and the threads that step it."""

import math
import time
from typing import Any, NamedTuple

import numpy as np

from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import STREAM
from recsim_env.engine.batch import DISABLED, NEXT_STEP, RESET, SAME_STEP
from recsim_env.engine.episode import ASKED, slot_dtype
from recsim_env.engine.faults import Watch, explain_compiler
from recsim_env.engine.kernel import Kernel
from recsim_env.engine.memory import Memory
from recsim_env.engine.reading import Reading
from recsim_env.engine.rehearsal import (
    N_ITEMS,
    N_PEOPLE,
    N_STEPS,
    SECONDS,
    check_functions,
    earner,
    is_due,
    mark_rehearsed,
    require_finite,
)
from recsim_env.engine.state import check_users
from recsim_env.engine.threads import Threads

__all__ = ["DISABLED", "NEXT_STEP", "SAME_STEP", "Simulator"]

_WORLDS: dict[Any, np.ndarray] = {}


class Steps(NamedTuple):
    """What a step of every slot led to; each (num_slots,) and fresh.

    Attributes:
      records: observation records.
      rewards: float64.
      terminated: bool.
      truncated: bool.
      infos: info records; one blank record where the scenario reports nothing.
      final_records: last observations of the episodes that ended, meaningful under SAME_STEP only.
      final_infos: likewise.
    """

    records: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    infos: np.ndarray
    final_records: np.ndarray
    final_infos: np.ndarray


class Simulator:
    """A batch of people in one scenario: the engine below both environments.

    Slot i is a person of its own. Nothing is shared between slots, so any number of threads gives
    the same bytes.

    Args:
      scenario: the settings and functions.
      num_slots: how many people are simulated side by side.
      threads: how many threads step them.
      horizon: overrides the scenario's, if not None.
      compiled: False runs plain Python, one person after the other; None decides by
        NUMBA_DISABLE_JIT.

    Attributes:
      slots: (num_slots,) structured array, the whole state.
      items: the catalogue, or one blank record where items are drawn afresh.
      horizon: steps after which an episode is truncated; 0 is never.
    """

    def __init__(
        self,
        scenario: Scenario,
        num_slots: int,
        *,
        threads: int = 1,
        horizon: int | None = None,
        compiled: bool | None = None,
    ) -> None:
        self._made_with: dict[str, Any] = {
            "scenario": scenario,
            "num_slots": num_slots,
            "threads": threads,
            "horizon": horizon,
            "compiled": compiled,
        }
        self.scenario = scenario
        self.num_slots = num_slots
        self.kernel = Kernel(scenario, compiled=compiled, watch=Reading)
        self.dtypes = scenario.schema.dtypes
        self.horizon = scenario.horizon if horizon is None else horizon
        self._config = self.kernel.records(scenario.config(horizon=self.horizon))
        self._earner = earner(scenario)
        self._must_be_finite = not scenario.pays_own  # one that divides, say, seldom is not
        self._must_rehearse = self.kernel.is_compiled and is_due(scenario)
        if self._must_rehearse:
            check_functions(scenario)
            self._rehearse_items()
        tables = scenario.tables()
        self._users = self.kernel.records(tables.get("users", np.zeros(1, self.dtypes["user"])))
        self.items = tables["items"] if "items" in tables else self._catalogue()
        self._items = self.kernel.records(self.items)
        self.slots = np.zeros(num_slots, slot_dtype(scenario))
        self.slots["candidates"] = np.arange(scenario.n_candidates)
        self._slots = self.kernel.records(self.slots)
        self._memory = Memory()
        self._no_final = (*self._observation_buffer(1), self._info_buffer(1))
        self._no_actions = np.zeros((num_slots, scenario.slate_size), np.int64)
        self._threads = Threads(threads)

    def _catalogue(self) -> np.ndarray:
        """Returns the items that `world_seed` decides, drawn once per process and settings."""
        items = np.zeros(max(1, self.scenario.n_items), self.dtypes["item"])
        if self.scenario.n_items == 0:
            return items
        known = _WORLDS.get(self.scenario)
        if known is None:
            rngs = self.kernel.records(np.zeros(1, STREAM))
            try:
                self.kernel.sample_catalogue(self._config, self.kernel.records(items), rngs)
            except Exception as error:
                explain_compiler(self.scenario, error)
                raise
            _WORLDS.clear()  # the last world is the one that sibling environments share
            _WORLDS[self.scenario] = items
            items.flags.writeable = False
            return items
        return known

    def _rehearse_items(self) -> None:
        """Draws some items in plain Python; see `recsim_env.engine.rehearsal`."""
        kernel = Kernel(self.scenario, compiled=False)
        items = kernel.records(np.zeros(N_ITEMS, self.dtypes["item"]))
        with Watch(self.scenario):
            config = kernel.records(self._config.copy())
            kernel.sample_catalogue(config, items, kernel.records(np.zeros(1, STREAM)))

    def _rehearse(self) -> None:
        """Lets a few people take a few steps in plain Python; see `recsim_env.engine.rehearsal`."""
        end = time.monotonic() + SECONDS
        slate = (N_PEOPLE, self.scenario.slate_size)
        rng = np.random.default_rng(0)
        with Watch(self.scenario):
            few = Simulator(self.scenario, N_PEOPLE, horizon=self.horizon, compiled=False)
            few._items = few.kernel.records(self.items.view())
            few._items.flags.writeable = False
            few.reset(np.arange(N_PEOPLE, dtype=np.uint64), None)
            for _ in range(N_STEPS):
                for kind in few.kernel.judges:
                    if few.kernel.judges[kind]:
                        require_finite(self.scenario, kind, few.judge(kind))
                slates = rng.integers(0, self.scenario.n_candidates, slate)
                rewards = few.step(slates, NEXT_STEP).rewards
                require_finite(self.scenario, self._earner, rewards)
                if time.monotonic() > end:
                    break
        mark_rehearsed(self.scenario)
        self._must_rehearse = False

    def _observation_buffer(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns memory nobody else has, as plain records, as loops take them, and as floats."""
        records = self._memory.empty(n, self.dtypes["observation"])
        floats = records.view(np.float32).reshape(n, -1)  # ids too: a part would not be contiguous
        return records, self.kernel.records(records.view(self.dtypes["columns"])), floats

    def _info_buffer(self, n: int) -> np.ndarray:
        """Returns fresh memory for what the scenario reports; one record if it reports nothing."""
        return np.zeros(n if self.scenario.info_layout() else 1, self.dtypes["info"])

    def reset(
        self,
        seeds: np.ndarray | None,
        mask: np.ndarray | None,
        user_ids: np.ndarray | None = None,
    ) -> Steps:
        """Begins episodes; observations and infos are those of all slots.

        Args:
          seeds: (num_slots,) uint64, restarts slots at episode 0 of these seeds; None goes on with
            the next episode of the seed a slot has.
          mask: (num_slots,) bool, which slots; None is all.
          user_ids: (num_slots,) int64, who comes, below 0 where anybody may; None is anybody.
        """
        chosen = np.ones(self.num_slots, bool) if mask is None else mask
        if seeds is None:
            self.slots["episode"] += chosen
        else:
            self.slots["seed"][chosen] = seeds[chosen]
            self.slots["episode"][chosen] = 0
        self.slots["begins"] = chosen
        if user_ids is not None:
            asked = chosen & (user_ids >= 0)
            self.slots["user_id"][asked] = user_ids[asked]
            self.slots["step"][asked] = ASKED
        return self.step(self._no_actions, RESET)

    def step(self, actions: np.ndarray, mode: int) -> Steps:
        """Shows every slot its slate and lets it respond.

        Args:
          actions: (num_slots, slate_size) int64 indices of candidates, all in range.
          mode: NEXT_STEP, SAME_STEP or DISABLED; RESET only begins the episodes that are due.
        """
        n = self.num_slots
        records, argument, floats = self._observation_buffer(n)
        infos, final = self._info_buffer(n), self._no_final
        if mode == SAME_STEP:
            final = (*self._observation_buffer(n), self._info_buffer(n))
        rewards = np.empty(n)
        terminated, truncated = np.empty(n, bool), np.empty(n, bool)
        self._run(
            self.kernel.step,
            (
                self._config,
                self._users,
                self._items,
                self._slots,
                actions,
                argument,
                floats,
                self.kernel.records(infos),
                final[1],
                final[2],
                self.kernel.records(final[3]),
                rewards,
                terminated,
                truncated,
                mode,
            ),
        )
        if self._must_be_finite:
            require_finite(self.scenario, self._earner, rewards)
        return Steps(records, rewards, terminated, truncated, infos, final[0], final[3])

    def judge(
        self, kind: str, users: np.ndarray | None = None, *, alone: bool = False
    ) -> np.ndarray:
        """Returns `expected_reward` or `long_term_value` of every candidate, (num_slots,
        n_candidates).

        Args:
          kind: which; "can_be_shown" is 1 for each candidate whose place would not stay empty.
          users: (num_slots,) records to judge by instead of what the people truly are.
          alone: whether to leave out what items take off each other.
        """
        loops = self.kernel.judges[kind]
        if not loops:
            if not self.scenario.pays_own:
                raise ValueError(self.scenario.no_outlook(kind))
            remedy = "use 'expected_reward'" if kind == "long_term_value" else "define it"
            raise ValueError(f"{type(self.scenario).__name__} has no {kind}(); {remedy}")
        values = np.empty((self.num_slots, self.scenario.n_candidates))
        slots = self._slots
        if users is not None:
            check_users(self.scenario, users)
            slots = self.slots.copy()
            slots["user"] = users
            slots = self.kernel.records(slots)
        for loop in loops[:1] if alone else loops:
            self._run(loop, (self._config, self._items, slots, values))
        return values

    def liking(self, actions: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Returns the `expected_reward` of each item of slates, as if shown alone; NaN if unknown.

        Args:
          actions: (n, slate_size) int64 indices of candidates, all in range.
          chosen: (n,) int64, whose: indices of slots.
        """
        values = np.full(actions.shape, math.nan)
        if self.kernel.liking:
            arguments = (self._config, self._items, self._slots, chosen, actions, values)
            self._run(self.kernel.liking[0], arguments, len(chosen))
        return values

    def liking_of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns the `expected_reward` of some items for some people, (n_users, n_items).

        Args:
          users: their records.
          items: their records.
        """
        values = np.full((len(users), len(items)), math.nan)
        if self.kernel.liking:
            slots: Any = np.zeros(len(users), self.slots.dtype)
            slots["user"] = users
            arguments = (self._config, self.kernel.records(items), self.kernel.records(slots))
            self.kernel.liking[1](*arguments, values, 0, len(users))
        return values

    def _run(self, loop: Any, arguments: tuple, n: int | None = None) -> None:
        """Runs a loop over all slots, or over `n`, split over threads where it is worth it."""
        if self._must_rehearse:
            self._rehearse()
        try:
            self._threads.run(loop, arguments, self.num_slots if n is None else n)
        except Exception as error:
            explain_compiler(self.scenario, error)
            raise

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy is made from: the arguments and the slots; no thread, no code."""
        return {"made_with": self._made_with, "slots": self.slots}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Makes the simulator anew, in another process say, with the same people in its slots."""
        vars(self).update(vars(type(self)(**state["made_with"])))
        self.slots[...] = state["slots"]

    def close(self) -> None:
        """Ends the threads."""
        self._threads.close()
