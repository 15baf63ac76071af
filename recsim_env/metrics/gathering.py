"""Gathering what is served step by step into blocks, as measures take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsim_env.metrics.served import People, Served, Stage

#: Slates in a block: enough that what NumPy takes to begin with hardly counts.
BLOCK = 4096

_FIELDS = (
    *("slot", "visit", "step", "session", "liking"),
    *("item_id", "response", "rewards", "is_last"),
)


class Gathering:
    """The slates served since the last block was taken.

    Args:
      stage: where they are served.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._slot = np.arange(stage.n_slots)
        self._episode = np.zeros(stage.n_slots, np.int64)
        self._is_beginning = np.zeros(stage.n_slots, bool)
        self._clear()

    def _clear(self) -> None:
        self._steps: list[dict[str, np.ndarray]] = []
        self._began: list[People] = []
        self._ended: list[People] = []
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
            self._began.append(self._people_at(begins))

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
            self._ended.append(self._people_at(ends))
        self._is_beginning = stepped & is_over
        self._episode = np.minimum(self._episode + self._is_beginning, stage.n_episodes)

    def taken(self) -> Served:
        """Returns the block, and begins the next."""
        served = self._served()
        self._clear()
        return served

    def _served(self) -> Served:
        stage, scenario = self._stage, self._stage.scenario
        now = {name: self._joined(name) for name in _FIELDS}
        slate, response = now["item_id"], now["response"]
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
            began=self._people(self._began),
            ended=self._people(self._ended),
        )

    def _joined(self, name: str) -> np.ndarray:
        if self._steps:
            return np.concatenate([step[name] for step in self._steps])
        k, response = self._stage.scenario.slate_size, self._stage.env.slots["response"].dtype
        wide: dict[str, Any] = {
            **{"response": response, "liking": float},
            **{"item_id": int, "category": int},
        }
        return np.zeros((0, k) if name in wide else (0,), wide.get(name, int))

    def _people(self, found: list[People]) -> People:
        if not found:
            return self._people_at(np.zeros(0, int))
        return People(
            visit=np.concatenate([each.visit for each in found]),
            users=np.concatenate([each.users for each in found]),
            user_id=np.concatenate([each.user_id for each in found]),
        )

    def _people_at(self, slots: np.ndarray) -> People:
        """Returns the people who are in some slots now."""
        now = self._stage.env.slots
        visit = slots * self._stage.n_episodes + self._episode[slots]
        return People(visit, now["user"][slots], now["user_id"][slots])
