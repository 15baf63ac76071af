"""Gathering what is served step by step into blocks, as measures take them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from recsim_env.metrics.profiles import Profiles
from recsim_env.metrics.served import People, Served, Stage

#: Slates in a block: enough that what NumPy takes to begin with hardly counts.
BLOCK = 4096

_NOBODY = np.zeros(0, np.int64)

_FIELDS = (
    *("slot", "visit", "step", "session", "liking"),
    *("item_id", "response", "rewards", "is_last"),
)


class Gathering:
    """The slates served since the last block was taken.

    Args:
      stage: where they are served.

    Attributes:
      is_done: whether everybody's episodes are over.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._slot = np.arange(stage.n_slots)
        self._episode = np.zeros(stage.n_slots, np.int64)
        self._is_beginning = np.zeros(stage.n_slots, bool)
        self._users = np.zeros(stage.n_slots, stage.env.slots["user"].dtype)  # as they came
        self.is_done = False
        self._profiles = Profiles(stage)
        self._tastes: dict[int, np.ndarray] = {}  # by visit that goes on
        self._clear()

    def _clear(self) -> None:
        self._steps: list[dict[str, np.ndarray]] = []
        self._events: tuple[list[People], list[People]] = ([], [])
        self._n = 0

    @property
    def is_full(self) -> bool:
        """Whether there is a block to take."""
        return self._n >= BLOCK

    def before(self, slates: np.ndarray) -> None:
        """Notes what is about to be shown, and to whom."""
        stage, slots = self._stage, self._stage.env.slots
        counts = ~self._is_beginning & (self._episode < stage.n_episodes)
        rows = np.flatnonzero(counts)
        chosen = slates.reshape(stage.n_slots, -1)[rows]
        session = stage.scenario.session_count
        self._rows = rows
        self._now = {
            "slot": rows,
            "visit": rows * stage.n_episodes + self._episode[rows],
            "step": slots["step"][rows],
            "session": slots["user"][session][rows] if session else np.zeros(len(rows), int),
            "liking": stage.env.liking(slates)[rows],
        }
        category = stage.scenario.category
        if not stage.scenario.n_items and category is not None:
            offered = slots["own_items"][category]
            self._now["category"] = offered[rows[:, None], chosen].astype(np.int64)
        begins = rows[self._now["step"] == 0]
        if len(begins):
            came = slots["user"][begins]
            self._users[begins] = came
            self._events[0].append(self._people(begins, came, came))

    def after(self, rewards: np.ndarray, is_over: np.ndarray) -> None:
        """Notes what came of it."""
        stage, slots, rows = self._stage, self._stage.env.slots, self._rows
        if len(rows):
            slate = slots["slate"][rows]
            self._now |= {
                "item_id": slate,
                "response": slots["response"][rows],
                "rewards": rewards[rows],
                "is_last": is_over[rows],
            }
            self._steps.append(self._now)
            self._n += len(rows)
        stepped = ~self._is_beginning
        ends = rows[is_over[rows]]
        if len(ends):
            self._events[1].append(self._people(ends, slots["user"][ends], self._users[ends]))
        self._is_beginning = stepped & is_over
        self._episode = np.minimum(self._episode + self._is_beginning, stage.n_episodes)
        self.is_done = len(rows) == len(ends) and bool((self._episode == stage.n_episodes).all())

    def taken(self) -> Served:
        """Returns the block, and begins the next."""
        served = self._served()
        self._clear()
        return served

    def _served(self) -> Served:
        stage, scenario = self._stage, self._stage.scenario
        now = {name: self._joined(name) for name in _FIELDS}
        slate, response = now["item_id"], now["response"]
        began, ended = self._met()
        is_shown = slate >= 0
        has_ids = scenario.n_items > 0
        if scenario.category is None:
            category = np.full(slate.shape, -1)
        elif has_ids:
            category = stage.env.catalogue[scenario.category][slate].astype(np.int64)
        else:
            category = self._joined("category")
        item_id = slate if has_ids else np.full(slate.shape, -1)
        nowhere = np.zeros(slate.shape, bool)
        regretted = scenario.regretted
        return Served(
            slot=now["slot"],
            visit=now["visit"],
            step=now["step"],
            session=now["session"],
            item_id=item_id,
            category=np.where(is_shown, category, -1),
            kind=np.where(is_shown, item_id if stage.kinds_are_items else category, -1),
            is_shown=is_shown,
            is_consumed=response["clicked"] & is_shown if stage.knows_consumption else nowhere,
            is_regretted=nowhere if regretted is None else regretted(response) & is_shown,
            liking=np.where(is_shown, now["liking"], np.nan),
            rewards=now["rewards"],
            is_last=now["is_last"],
            began=began,
            ended=ended,
        )

    def _joined(self, name: str) -> np.ndarray:
        if self._steps:
            return joined([step[name] for step in self._steps])
        k, response = self._stage.scenario.slate_size, self._stage.env.slots["response"].dtype
        wide: dict[str, Any] = {
            **{"response": response, "liking": float},
            **{"item_id": int, "category": int},
        }
        return np.zeros((0, k) if name in wide else (0,), wide.get(name, int))

    def _met(self) -> tuple[People, People]:
        """Returns who began and whose episode ended, with their tastes."""
        nobody = self._people(_NOBODY, self._users[:0], self._users[:0])
        began, ended = (_all(each or [nobody]) for each in self._events)
        if not self._profiles.are_known:
            return began, ended
        found = self._profiles.of(began.users)
        self._tastes |= dict(zip(began.visit.tolist(), found, strict=True))
        kept = [self._tastes.pop(visit) for visit in ended.visit.tolist()]
        tastes = np.array(kept).reshape(len(kept), self._profiles.n_kinds)
        return replace(began, tastes=found), replace(ended, tastes=tastes)

    def _people(self, slots: np.ndarray, users: np.ndarray, first: np.ndarray) -> People:
        """Returns the people who are in some slots, with their records now and as they came."""
        return People(
            visit=slots * self._stage.n_episodes + self._episode[slots],
            users=users,
            first=first,
            tastes=np.zeros((len(slots), 0)),
            user_id=self._stage.env.slots["user_id"][slots],
        )


def _all(found: list[People]) -> People:
    """Returns all of them."""
    columns = {
        each.name: joined([getattr(some, each.name) for some in found]) for each in fields(People)
    }
    return People(**columns)


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """Returns arrays one after the other; of records as bytes, not field by field."""
    dtype = parts[0].dtype
    if dtype.names is None:
        return np.concatenate(parts)
    return np.concatenate([each.view(f"V{dtype.itemsize}") for each in parts]).view(dtype)
