"""Gathering what is served step by step into blocks, as measures take them."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from recsim_env.metrics.consuming import Consuming
from recsim_env.metrics.profiles import Profiles
from recsim_env.metrics.served import People, Served, Stage
from recsim_env.metrics.watched import Watched

#: Slates in a block: enough that what NumPy takes to begin with hardly counts.
BLOCK = 4096

_NOBODY = np.zeros(0, np.int64)


class Gathering:
    """The slates served since the last block was taken.

    Args:
      stage: where they are served.

    Attributes:
      is_done: whether everybody's episodes are over.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._watched = Watched(stage)
        self._first = self._watched.users.copy()  # as they came
        self._episode = np.zeros(stage.n_slots, np.int64)
        self._is_beginning = np.zeros(stage.n_slots, bool)
        self._rows = np.arange(stage.n_slots)  # who counts in this step
        self.is_done = False
        self._profiles = Profiles(stage)
        self._tastes: dict[int, np.ndarray] = {}  # by visit that goes on
        self._consuming = Consuming(stage) if Consuming.suits(stage) else None
        self._clear()

    def _clear(self) -> None:
        self._steps: list[tuple[np.ndarray, ...]] = []
        self._events: tuple[list[People], list[People]] = ([], [])
        self._n = 0

    @property
    def is_full(self) -> bool:
        """Whether there is a block to take."""
        return self._n >= BLOCK

    def before(self, slates: np.ndarray) -> None:
        """Notes what is about to be shown, and to whom."""
        rows = self._rows
        visit = rows * self._stage.n_episodes + self._episode[rows]
        self._now = (rows, visit, *self._watched.before(slates, rows))
        begins = rows[self._now[2] == 0]
        if len(begins):
            came = self._watched.users[begins]
            self._first[begins] = came
            self._events[0].append(self._people(begins, came, came))

    def after(self, rewards: np.ndarray, is_over: np.ndarray) -> None:
        """Notes what came of it."""
        rows = self._rows
        is_last = is_over[rows]
        if len(rows):
            self._steps.append((*self._now, *self._watched.after(rows), rewards[rows], is_last))
            self._n += len(rows)
        ends = rows[is_last]
        if len(ends):
            self._events[1].append(self._people(ends, self._watched.users[ends], self._first[ends]))
        if len(ends) or len(rows) < self._stage.n_slots:
            self._is_beginning[:] = False
            self._is_beginning[ends] = True
            self._episode[ends] += 1
            goes_on = self._episode < self._stage.n_episodes
            self._rows = np.flatnonzero(goes_on & ~self._is_beginning)
            self.is_done = not goes_on.any()

    def taken(self) -> Served:
        """Returns the block, and begins the next."""
        served = self._served()
        self._clear()
        return served

    def _served(self) -> Served:
        stage, scenario = self._stage, self._stage.scenario
        slot, visit, step, session, liking, category, slate, response, rewards, is_last = (
            self._joined()
        )
        began, ended = self._met()
        is_shown = slate >= 0
        item_id = slate if scenario.n_items else np.full(slate.shape, -1)
        category = np.where(is_shown, self._watched.category_of(slate, category), -1)
        kind = np.where(is_shown, item_id if stage.kinds_are_items else category, -1)
        nowhere, regretted = np.zeros(slate.shape, bool), scenario.regretted
        is_consumed = response["clicked"] & is_shown if stage.knows_consumption else nowhere
        consumed = None
        if self._consuming is not None:
            consumed = self._consuming.of(kind, is_consumed, slot=slot, is_first=step == 0)
        return Served(
            slot=slot,
            visit=visit,
            step=step,
            session=session,
            item_id=item_id,
            category=category,
            kind=kind,
            is_shown=is_shown,
            is_consumed=is_consumed,
            is_regretted=nowhere if regretted is None else regretted(response) & is_shown,
            liking=np.where(is_shown, liking, np.nan),
            rewards=rewards,
            is_last=is_last,
            consumed=consumed,
            began=began,
            ended=ended,
        )

    def _joined(self) -> list[np.ndarray]:
        """Returns the columns of all steps; of none, columns without rows."""
        columns = zip(*self._steps or [self._nothing()], strict=True)
        found = [np.concatenate(each) for each in columns]
        found[-3] = self._watched.responses(found[-3])
        return found

    def _nothing(self) -> tuple[np.ndarray, ...]:
        """Returns the columns of a step that nobody takes part in."""
        slates = np.zeros((self._stage.n_slots, self._stage.scenario.slate_size), np.int64)
        watched = self._watched
        nothing = np.zeros(0), np.zeros(0, bool)
        return (
            _NOBODY,
            _NOBODY,
            *watched.before(slates, _NOBODY),
            *watched.after(_NOBODY),
            *nothing,
        )

    def _met(self) -> tuple[People, People]:
        """Returns who began and whose episode ended, with their tastes."""
        nobody = self._people(_NOBODY, self._first[:0], self._first[:0])
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
        user = self._stage.env.slots["user"].dtype
        return People(
            visit=slots * self._stage.n_episodes + self._episode[slots],
            users=users.view(user),
            first=first.view(user),
            tastes=np.zeros((len(slots), 0)),
            user_id=self._watched.user_id[slots],
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
