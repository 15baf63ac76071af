"""What agents that learn from logs share: the log, and when they fit it anew."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.restoring import (
    State,
    part,
    require_range,
    rows_like,
    split,
    whole,
)
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.core.scenario import Scenario
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv

# How many sessions a log may have counted without a row, as learning began again and again.
_MAX_IDLE_VISITS = 10**7


class ImpressionLog:
    """One row for every item that was shown, in columns that double when they are full.

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
        self._n_rows = 0
        self._session_of = np.empty(0, np.int64)  # by environment
        self._n_sessions = self._n_slates = 0
        self._columns = {
            "user_id": np.empty(0, id_type(scenario.n_users)),
            "item_id": np.empty(0, id_type(scenario.n_items)),
            "clicked": np.empty(0, bool),
            "reward": np.empty(0, np.float32),
            "examination_probability": np.empty(0, np.float32),
            "session": np.empty(0, np.int32),
            "slate": np.empty(0, np.int32),
        }
        for name in fields:
            shape = spaces[name].shape or ()
            width = int(np.prod(shape[1:] if name == "candidates" else shape))
            self._columns[name] = np.empty((0, width), np.float32)

    def __len__(self) -> int:
        """Returns the number of rows."""
        return self._n_rows

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns a column; a view that later rows may leave behind."""
        return self._columns[name][: self._n_rows]

    def append(self, feedback: Transition) -> None:
        """Adds a row for every item that the slates showed."""
        is_shown = feedback.is_shown
        row, place = np.nonzero(is_shown)
        observation = feedback.observation
        values = {
            "user_id": observation["user_id"][row] if "user_id" in observation else -1,
            "item_id": feedback.shown("item_id")[is_shown] if "item_id" in observation else -1,
            "clicked": feedback.next_observation["response"][row, place, 0] > 0,
            "reward": feedback.place_rewards[is_shown],
            "examination_probability": feedback.examination_probability[is_shown],
            "session": self._sessions(feedback)[row],
            "slate": self._n_slates + row,
        }
        self._n_slates += len(is_shown)
        for name in self.fields:
            width = self._columns[name].shape[1:]
            if name == "candidates":
                values[name] = feedback.shown(name)[is_shown]
            else:
                values[name] = observation[name].reshape(len(is_shown), *width)[row]
        start, stop = self._n_rows, self._n_rows + len(row)
        if stop > len(self._columns["reward"]):
            self._grow(max(stop, 2 * len(self._columns["reward"])))
        for name, value in values.items():
            self._columns[name][start:stop] = value
        self._n_rows = stop

    def _sessions(self, feedback: Transition) -> np.ndarray:
        """Returns the session that each transition belongs to; what is over has a successor."""
        n_new = max(0, feedback.index.max(initial=-1) + 1 - len(self._session_of))
        self._session_of = np.append(self._session_of, self._n_sessions + np.arange(n_new))
        sessions = self._session_of[feedback.index]
        over = feedback.index[feedback.is_over]
        self._session_of[over] = self._n_sessions + n_new + np.arange(len(over))
        self._n_sessions += n_new + len(over)
        return sessions

    def end_sessions(self) -> None:
        """Lets whatever comes next belong to new sessions."""
        self._session_of = np.empty(0, np.int64)

    @property
    def n_columns(self) -> dict[str, int]:
        """How many numbers a row has of what items show (F), and of the person and moment (G)."""
        widths = {name: int(self._columns[name].shape[-1]) for name in self.fields}
        n_features = widths.pop("candidates", 0)
        return {"F": n_features, "G": sum(widths.values())}

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

    def _grow(self, capacity: int) -> None:
        """Moves the rows, one column after the other, to columns that hold `capacity` of them."""
        for name, column in self._columns.items():
            larger = np.empty((capacity, *column.shape[1:]), column.dtype)
            larger[: self._n_rows] = column[: self._n_rows]
            self._columns[name] = larger

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the columns by name, how many sessions there were, and which still go on."""
        columns = {name: self[name] for name in self._columns}
        return columns | {"n_sessions": np.array(self._n_sessions), "session_of": self._session_of}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned.

        Raises:
          ValueError: they are no log of this scenario.
        """
        columns = rows_like(arrays, self._columns)
        n_rows = len(columns["reward"])
        session_of = rows_like(arrays, {"session_of": np.empty(0, np.int64)})["session_of"]
        n_sessions = whole(arrays, "n_sessions", high=n_rows + len(session_of) + _MAX_IDLE_VISITS)
        for name, n in (("user_id", self._n_users), ("item_id", self._n_items)):
            low, high = (0, n - 1) if n else (-1, -1)
            require_range(name, columns[name], low=low, high=high)
        for name, numbers in (("session", columns["session"]), ("session_of", session_of)):
            require_range(name, numbers, low=0, high=n_sessions - 1)
        require_range(
            "examination_probability", columns["examination_probability"], low=0.0, high=1.0
        )
        require_range("slate", columns["slate"], low=0, high=n_rows - 1)
        if (np.diff(columns["slate"]) < 0).any():
            raise ValueError("slate falls, where a log is in the order of time")
        self._columns, self._n_rows = columns, n_rows
        self._n_sessions, self._session_of = n_sessions, session_of.copy()
        self._n_slates = int(self["slate"].max(initial=-1)) + 1


class FittedAgent(OnlineAgent):
    """An agent that gathers a log, fits a model to it, serves it, and refits as the log grows.

    Logging policy: uniform slates until the first fit; afterwards the agent's own recommendations,
    except that a share `exploration` of the slates is uniform. So the later log is what the agent
    itself caused, as in production, and every agent spends the same number of interactions on it.

    A subclass gives `fit` and `fitted_scores`, and names what its log must hold.

    Settings:
      refit_every: interactions after which the model is fitted anew to the whole log (2,000);
        `learn` also ends with a fit. Steps come in batches, so it is rounded up to whole batches.
      exploration: share of uniform slates while learning (0.1).
    """

    defaults: ClassVar[Mapping[str, Any]] = {"refit_every": 2_000, "exploration": 0.1}

    #: Observation fields that the log keeps, where the scenario has them.
    logged_fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("refit_every", self.settings["refit_every"] >= 1, "1 or more")
        self.require("exploration", 0 <= self.settings["exploration"] <= 1, "0 to 1")
        seen = self.env.scenario.schema.spaces
        fields = tuple(name for name in self.logged_fields if name in seen)
        self.log = ImpressionLog(self.env.scenario, fields)
        self.model: dict[str, np.ndarray] = {}
        self._n_unfitted = 0

    @abstractmethod
    def fit(self) -> dict[str, np.ndarray]:
        """Returns a model of the log, as named arrays; something in the log earned a reward."""

    @abstractmethod
    def fitted_scores(self, observation: Observation, state: Any) -> np.ndarray:
        """Returns the scores of all candidates by `model`, (n, n_candidates)."""

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the model's scores; equal ones while there is no model."""
        if self.model:
            return self.fitted_scores(observation, state)
        n = len(next(iter(observation.values())))
        return np.zeros((n, self.env.scenario.n_candidates))

    def exploration_after(self, n_steps: int) -> float:
        """Returns the share of uniform slates."""
        return float(self.settings["exploration"])

    def begin(self) -> None:
        """Notes that everybody's session begins anew."""
        self.log.end_sessions()

    def update(self, feedback: Transition) -> None:
        """Adds to the log, and refits when it is time."""
        self.log.append(feedback)
        self._n_unfitted += len(feedback.rewards)
        if self._n_unfitted >= self.settings["refit_every"]:
            self._refit()

    def finish(self) -> None:
        """Fits what came since the last fit."""
        if self._n_unfitted:
            self._refit()

    def _refit(self) -> None:
        """Fits the log; while nothing was earned there is nothing to fit."""
        if (self.log["reward"] > 0).any():
            self.model = self.fit()
        self._n_unfitted = 0

    def state_dict(self) -> dict[str, Any]:
        """Returns the model and the log, so that learning can go on."""
        own = {"model": self.model, "log": self.log.arrays(), "n_unfitted": self._n_unfitted}
        return super().state_dict() | own

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        own, rest = split({"model": {}} | dict(state), "model", "log", "n_unfitted")
        super().load_state_dict(rest)
        self.log.restore(part(own, "log"))
        model = part(own, "model")
        if model:
            self.check_model(model)
        self.model = model
        self._n_unfitted = whole(own, "n_unfitted", high=self.num_timesteps)

    def check_model(self, model: Mapping[str, np.ndarray]) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""


def rows_of(ids: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns where ids stand in a sorted table of known ids, and whether they do.

    Args:
      ids: any shape.
      known: (n_known,), sorted, at least one.

    Returns:
      Row of each id (any row where it is unknown) and whether it is known, both shaped like `ids`.
    """
    rows = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return rows, known[rows] == ids
