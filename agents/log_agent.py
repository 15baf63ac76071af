"""What agents that learn from logs share: the log, and when they fit it anew."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.agent import Feedback, Observation, StepwiseAgent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario


class InteractionLog:
    """One row for every item that was shown, in columns that double when they are full.

    Columns: `user_id` and `item_id` (-1 where there are none), `clicked`, `reward` (the item's
    share of the slate's), and the observation fields in `fields`: `candidates` as the features of
    the shown item, any other field as it was seen with the slate, flattened.

    Args:
      scenario: whose interactions are kept.
      fields: names of observation fields to keep; 4 bytes a number and row.
    """

    def __init__(self, scenario: Scenario, fields: tuple[str, ...] = ()) -> None:
        def id_type(n: int) -> type:
            return np.int32 if n < 2**31 else np.int64

        spaces = scenario.space_fields()
        self.fields = fields
        self._n_rows = 0
        self._columns = {
            "user_id": np.empty(0, id_type(scenario.n_users)),
            "item_id": np.empty(0, id_type(scenario.n_items)),
            "clicked": np.empty(0, bool),
            "reward": np.empty(0, np.float32),
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

    def append(self, feedback: Feedback) -> None:
        """Adds a row for every item that the slates showed."""
        is_shown = feedback.is_shown
        row, place = np.nonzero(is_shown)
        observation = feedback.observation
        values = {
            "user_id": observation["user_id"][row] if "user_id" in observation else -1,
            "item_id": feedback.shown("item_id")[is_shown] if "item_id" in observation else -1,
            "clicked": feedback.next_observation["response"][row, place, 0] > 0,
            "reward": feedback.place_rewards[is_shown],
        }
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

    def _grow(self, capacity: int) -> None:
        """Moves the rows, one column after the other, to columns that hold `capacity` of them."""
        for name, column in self._columns.items():
            larger = np.empty((capacity, *column.shape[1:]), column.dtype)
            larger[: self._n_rows] = column[: self._n_rows]
            self._columns[name] = larger

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the columns by name."""
        return {name: self[name] for name in self._columns}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        self._n_rows = len(arrays["reward"])
        self._columns = {
            name: np.asarray(arrays[name], column.dtype) for name, column in self._columns.items()
        }


class LogAgent(StepwiseAgent):
    """An agent that gathers a log, fits a model to it, serves it, and refits as the log grows.

    Logging policy: uniform slates until the first fit; afterwards the agent's own recommendations,
    except that a share `exploration` of the slates is uniform. So the later log is what the agent
    itself caused, as in production, and every agent spends the same number of user-steps on it.

    A subclass gives `fit` and `fitted_scores`, and names what its log must hold.

    Settings:
      refit_every: user-steps after which the model is fitted anew to the whole log (2,000); `learn`
        also ends with a fit. Steps come in batches, so it is rounded up to whole batches.
      exploration: share of uniform slates while learning (0.1).
    """

    defaults: ClassVar[Mapping[str, Any]] = {"refit_every": 2_000, "exploration": 0.1}

    #: Observation fields that the log keeps.
    logged_fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("refit_every", self.settings["refit_every"] >= 1, "1 or more")
        self.require("exploration", 0 <= self.settings["exploration"] <= 1, "0 to 1")
        self.exploration = self.settings["exploration"]
        self.log = InteractionLog(env.scenario, self.logged_fields)
        self.model: dict[str, np.ndarray] = {}
        self._n_unfitted = 0

    def require(self, name: str, holds: bool, allowed: str) -> None:
        """Raises ValueError saying what is allowed for the setting `name`, unless `holds`."""
        if not holds:
            raise ValueError(f"{name}={self.settings[name]!r} is not allowed; use {allowed}")

    @abstractmethod
    def fit(self) -> dict[str, np.ndarray]:
        """Returns a model of the log, as named arrays; something in the log was clicked."""

    @abstractmethod
    def fitted_scores(self, observation: Observation, state: Any) -> np.ndarray:
        """Returns the scores of all candidates by `model`, (n, n_candidates)."""

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the model's scores; equal ones while there is no model."""
        if self.model:
            return self.fitted_scores(observation, state)
        n = len(next(iter(observation.values())))
        return np.zeros((n, self.env.scenario.n_candidates))

    def update(self, feedback: Feedback) -> None:
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
        """Fits the log; while nothing was clicked there is nothing to fit."""
        if self.log["clicked"].any():
            self.model = self.fit()
        self._n_unfitted = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the model and the log, so that learning can go on."""
        model = {f"model_{name}": value for name, value in self.model.items()}
        log = {f"log_{name}": value for name, value in self.log.arrays().items()}
        return model | log | {"n_unfitted": np.array(self._n_unfitted)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        self.model = _with_prefix(arrays, "model_")
        self.log.restore(_with_prefix(arrays, "log_"))
        self._n_unfitted = int(arrays["n_unfitted"])


def _with_prefix(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Returns the arrays whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }


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


def likes(log: InteractionLog | Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns how much each row was liked: its reward, in units of a typical liked row's.

    What was clicked without earning anything, or at a loss, was not liked.
    """
    reward = np.maximum(log["reward"].astype(np.float64), 0.0)
    typical = reward[reward > 0].mean() if (reward > 0).any() else 1.0
    return np.asarray(reward / typical)


def evidence(
    log: InteractionLog | Mapping[str, np.ndarray], skip_weight: float
) -> tuple[np.ndarray, float]:
    """Returns how much each row speaks for its item, and how much one not liked against it.

    A liked row speaks by `likes`, each other one against by skip_weight sum(likes) / n_others, so
    that at skip_weight 1 a log speaks as much for as against, however rare likes are.
    """
    liking = likes(log)
    is_liked = liking > 0
    against = float(skip_weight * liking.sum() / max(1, np.count_nonzero(~is_liked)))
    return np.where(is_liked, liking, -against), against
