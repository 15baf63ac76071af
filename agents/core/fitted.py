"""Agents that fit a model to the log of their own impressions, and the rule when to fit anew."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.core.replay import Column, Replay
from recsim_env.agents.core.restoring import (
    MANY,
    State,
    flattened,
    part,
    require_range,
    rows_like,
    whole,
)
from recsim_env.agents.core.settings import ConstantExploration
from recsim_env.agents.core.transition import Transition
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.data.interactions import Interactions

# How many sessions a log may have counted without a row, as learning began again and again.
_MAX_IDLE_SESSIONS = 10**7

#: Returns a model of the log, as named arrays; something in the log earned a reward.
MakeModel = Callable[[], dict[str, np.ndarray]]


class ImpressionLog:
    """One row for every item that was shown, in the order of time.

    Columns: `user_id` and `item_id` (-1 where there are none), `clicked`, `reward` (the item's
    share of the slate's), `examination_probability` (how likely it was looked at), `session` and
    `slate` (numbers from 0 of the episode and of the slate), and the observation fields in
    `fields`: `candidates` as the features of the shown item, any other field as it was seen with
      the slate, flattened.

    Args:
      scenario: whose interactions are kept.
      fields: names of observation fields to keep; 4 bytes a number and row.
    """

    def __init__(self, scenario: Scenario, fields: tuple[str, ...] = ()) -> None:
        def id_type(n: int) -> type:
            return np.int32 if n < 2**31 else np.int64

        spaces = scenario.schema.spaces
        self.fields = fields
        self._n_users = scenario.n_users
        self._n_items = scenario.n_items
        self._session_of = np.empty(0, np.int64)  # by environment
        self._n_sessions = self._n_slates = 0
        columns: dict[str, Column] = {
            "user_id": (id_type(scenario.n_users), ()),
            "item_id": (id_type(scenario.n_items), ()),
            "clicked": (bool, ()),
            "reward": (np.float32, ()),
            "examination_probability": (np.float32, ()),
            "session": (np.int32, ()),
            "slate": (np.int32, ()),
        }
        self._widths = {}
        for name in fields:
            shape = spaces[name].shape or ()
            self._widths[name] = math.prod(shape[1:] if name == "candidates" else shape)
            columns[name] = (np.float32, (self._widths[name],))
        self._rows = Replay(MANY, columns)

    def __len__(self) -> int:
        """Returns the number of rows."""
        return len(self._rows)

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns a column; a view that later rows may leave behind."""
        return self._rows[name]

    def append(self, transition: Transition) -> None:
        """Adds a row for every item that the slates showed."""
        is_shown = transition.is_shown
        row, place = np.nonzero(is_shown)
        observation, nobody = transition.observation, np.full(len(row), -1)
        values = {
            "user_id": observation["user_id"][row] if "user_id" in observation else nobody,
            "item_id": transition.shown("item_id")[is_shown]
            if "item_id" in observation
            else nobody,
            "clicked": transition.next_observation["response"][row, place, 0] > 0,
            "reward": transition.place_rewards[is_shown],
            "examination_probability": transition.examination_probability[is_shown],
            "session": self._sessions(transition)[row],
            "slate": self._n_slates + row,
        }
        self._n_slates += len(is_shown)
        for name, width in self._widths.items():
            if name == "candidates":
                values[name] = transition.shown(name)[is_shown]
            else:
                values[name] = observation[name].reshape(len(is_shown), width)[row]
        self._rows.add(**values)

    def _sessions(self, transition: Transition) -> np.ndarray:
        """Returns the session that each transition belongs to; what is over has a successor."""
        n_new = max(0, transition.index.max(initial=-1) + 1 - len(self._session_of))
        self._session_of = np.append(self._session_of, self._n_sessions + np.arange(n_new))
        sessions = self._session_of[transition.index]
        over = transition.index[transition.is_over]
        self._session_of[over] = self._n_sessions + n_new + np.arange(len(over))
        self._n_sessions += n_new + len(over)
        return sessions

    def end_sessions(self) -> None:
        """Lets whatever comes next belong to new sessions."""
        self._session_of = np.empty(0, np.int64)

    @property
    def n_columns(self) -> dict[str, int]:
        """How many numbers a row has of what items show (F), and of the person and moment (G)."""
        n_features = self._widths.get("candidates", 0)
        return {"F": n_features, "G": sum(self._widths.values()) - n_features}

    @property
    def n_items(self) -> int:
        """How many items there are, 0 where they have no ids."""
        return self._n_items

    def users(self) -> np.ndarray:
        """Returns the sorted ids of the people in the log; empty where people have no ids."""
        return np.unique(self["user_id"]) if self._n_users else np.empty(0, np.int64)

    def table(self) -> Interactions:
        """Returns the rows as recommenders take them; `user` is a place in `users()`.

        Where people have no ids, every session is somebody's.
        """
        users = self.users()
        user = np.searchsorted(users, self["user_id"]) if self._n_users else self["session"]
        none = np.empty((len(self), 0), np.float32)
        context = [self[name] for name in self.fields if name != "candidates"]
        return Interactions(
            user=user,
            item=self["item_id"],
            reward=self["reward"],
            n_users=len(users) if self._n_users else self._n_sessions,
            n_items=self._n_items,
            examination_probability=self["examination_probability"],
            session=self["session"],
            slate=self["slate"],
            features=self["candidates"] if "candidates" in self.fields else none,
            context=np.hstack(context) if context else none,
        )

    def state_dict(self) -> dict[str, Any]:
        """Returns the rows, how many sessions there were, and which still go on."""
        return {
            "rows": self._rows.state_dict(),
            "n_sessions": self._n_sessions,
            "session_of": self._session_of,
        }

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned.

        Raises:
          ValueError: it is no log of this scenario.
        """
        self._rows.load_state_dict(part(state, "rows"))
        session_of = rows_like(state, {"session_of": np.empty(0, np.int64)})["session_of"]
        most = len(self) + len(session_of) + _MAX_IDLE_SESSIONS
        n_sessions = whole(state, "n_sessions", high=most)
        for name, n in (("user_id", self._n_users), ("item_id", self._n_items)):
            low, high = (0, n - 1) if n else (-1, -1)
            require_range(name, self[name], low=low, high=high)
        for name, numbers in (("session", self["session"]), ("session_of", session_of)):
            require_range(name, numbers, low=0, high=n_sessions - 1)
        looked_at = self["examination_probability"]
        require_range("examination_probability", looked_at, low=0.0, high=1.0)
        require_range("slate", self["slate"], low=0, high=len(self) - 1)
        if (np.diff(self["slate"]) < 0).any():
            raise ValueError("slate falls, where a log is in the order of time")
        self._n_sessions, self._session_of = n_sessions, session_of.copy()
        self._n_slates = int(self["slate"].max(initial=-1)) + 1


@dataclass(frozen=True, kw_only=True)
class FittingSettings(ConstantExploration):
    """Settings of agents that fit a model to their log."""

    exploration: float = setting(0.1, search=Search(0.01, 0.3, log=True))
    refit_every: int = setting(
        2_000,
        low=1,
        doc="interactions after which the model is fitted anew to the whole log; learning also "
        "ends with a fit",
    )


class Fitting:
    """The log that an agent gathers, and the model that it fits anew as the log grows.

    Logging policy: uniform slates until the first fit; afterwards the agent's own recommendations,
    except that a share `exploration` of the slates is uniform. So the later log is what the agent
    itself caused, as in production, and every agent spends the same number of interactions on it.

    Args:
      scenario: where the agent acts.
      fields: names of observation fields that the log keeps, where the scenario has them.
      every: interactions after which the model is fitted anew to the whole log. Steps come in
        batches, so it is rounded up to whole batches.

    Attributes:
      log: what was shown.
      model: the model of the log, as named arrays; empty while there is none.
      n_unfitted: interactions since the last fit.
    """

    def __init__(self, scenario: Scenario, fields: tuple[str, ...], *, every: int) -> None:
        seen = scenario.schema.spaces
        self.log = ImpressionLog(scenario, tuple(name for name in fields if name in seen))
        self.model: dict[str, np.ndarray] = {}
        self.n_unfitted = 0
        self._every = every

    def update(self, transition: Transition, fit: MakeModel) -> None:
        """Adds to the log, and fits when it is time."""
        self.log.append(transition)
        self.n_unfitted += len(transition.rewards)
        if self.n_unfitted >= self._every:
            self._refit(fit)

    def finish(self, fit: MakeModel) -> None:
        """Fits what came since the last fit."""
        if self.n_unfitted:
            self._refit(fit)

    def _refit(self, fit: MakeModel) -> None:
        """Fits the log; while nothing was earned there is nothing to fit."""
        if (self.log["reward"] > 0).any():
            self.model = fit()
        self.n_unfitted = 0

    def state_dict(self) -> dict[str, Any]:
        """Returns the model and the log, so that learning can go on."""
        return {
            "model": self.model,
            "log": self.log.state_dict(),
            "n_unfitted": self.n_unfitted,
        }

    def load_state_dict(self, state: State, *, most_unfitted: int) -> None:
        """Takes back what `state_dict` returned; that the model fits must still be checked."""
        self.log.load_state_dict(part(state, "log"))
        self.model = flattened(part(state, "model"))
        self.n_unfitted = whole(state, "n_unfitted", high=most_unfitted)
