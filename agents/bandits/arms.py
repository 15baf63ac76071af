"""Arms of bandits: which one each candidate is, and what is known of each, or a session told."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from recsim_env.agents.core.transition import Observation
from recsim_env.core.scenario import Scenario


class Arms:
    """Which arm each candidate is: its item, or its topic (the scenario's visible category).

    Args:
      scenario: whose items are told apart.
      kind: "item" or "topic", one of `kinds(scenario)`.

    Attributes:
      kind: what tells arms apart.
      n_arms: how many there are.
    """

    def __init__(self, scenario: Scenario, kind: str) -> None:
        self.kind = kind
        self._topics = scenario.schema.category_columns(scenario.category)
        n_topics = self._topics.stop - self._topics.start
        self.n_arms = scenario.n_items if kind == "item" else n_topics
        names = scenario.schema.column_names.get("candidates", ())
        self._quality = names.index("quality") if "quality" in names else None

    @staticmethod
    def kinds(scenario: Scenario) -> tuple[str, ...]:
        """Returns what can tell candidates apart in a scenario: "item", "topic", both or none."""
        topics = scenario.schema.category_columns(scenario.category)
        has = {"item": scenario.n_items > 0, "topic": topics.stop > topics.start}
        return tuple(kind for kind, holds in has.items() if holds)

    def of(self, observation: Observation) -> np.ndarray:
        """Returns the arm of each candidate, (n, n_candidates)."""
        if self.kind == "item":
            return np.asarray(observation["item_id"])
        return np.asarray(observation["candidates"][:, :, self._topics].argmax(axis=2))

    def shown(self, observation: Observation, slates: np.ndarray) -> np.ndarray:
        """Returns the arms that slates show, (n, slate_size)."""
        return np.take_along_axis(self.of(observation), slates, axis=1)

    def ordered(self, values: np.ndarray, observation: Observation) -> np.ndarray:
        """Returns scores in the order of values, in which items of one topic differ by quality.

        That is where items show a column `quality`; otherwise they are the values.
        """
        if self.kind == "item" or self._quality is None:
            return values
        order = np.argsort(values, axis=1)
        ranked = np.take_along_axis(values, order, axis=1)
        rank = np.zeros(values.shape)
        is_higher = ranked[:, 1:] != ranked[:, :-1]
        np.put_along_axis(rank, order[:, 1:], np.cumsum(is_higher, axis=1), axis=1)
        quality = observation["candidates"][:, :, self._quality].astype(float)
        quality -= quality.min(axis=1, keepdims=True)
        return np.asarray(rank + quality / (1.0 + quality.max(axis=1, keepdims=True)))


class Tally(NamedTuple):
    """What is known of each arm; the only row is everybody's, or each session has its own.

    Attributes:
      looks: (n_rows, n_arms), how often each arm was looked at.
      earned: (n_rows, n_arms), the sum of its outcomes.
      steps: (n_rows, 1), slates shown.
    """

    looks: np.ndarray
    earned: np.ndarray
    steps: np.ndarray

    @classmethod
    def empty(cls, n_rows: int, n_arms: int) -> "Tally":
        """Returns tallies of nothing."""
        return cls(np.zeros((n_rows, n_arms)), np.zeros((n_rows, n_arms)), np.zeros((n_rows, 1)))

    @property
    def mean(self) -> np.ndarray:
        """The mean outcome of each arm, 0 where it is unknown."""
        return np.asarray(self.earned / np.where(self.looks > 0, self.looks, 1.0))

    def add(
        self, arm: np.ndarray, weight: np.ndarray, outcome: np.ndarray, *, discount: float
    ) -> None:
        """Adds slates, one a row, or all to the only row; what was known before fades first.

        Args:
          arm: (n, slate_size).
          weight: (n, slate_size), how likely each place was looked at; 0 where it was empty.
          outcome: (n, slate_size).
          discount: what is left after each slate of a row.
        """
        n_slates = len(arm) / len(self.steps)
        if discount < 1.0:
            for values in self:
                values *= discount**n_slates
        row = np.arange(len(arm))[:, None] if len(self.steps) > 1 else np.zeros((1, 1), int)
        place = np.broadcast_to(row, arm.shape), arm
        np.add.at(self.looks, place, weight)
        np.add.at(self.earned, place, weight * outcome)
        self.steps[:] += n_slates

    def look_up(self, value: Callable[["Tally"], np.ndarray], arm: np.ndarray) -> np.ndarray:
        """Returns the value of each candidate's arm, (n, n_candidates).

        Args:
          value: of a tally of any shape, elementwise; called on arms or on candidates, whichever
            are fewer.
          arm: (n, n_candidates).
        """
        shape = len(arm), self.looks.shape[1]
        if self.looks.size <= arm.size:
            return np.take_along_axis(np.broadcast_to(value(self), shape), arm, axis=1)
        return value(self.at(arm))

    def at(self, arm: np.ndarray) -> "Tally":
        """Returns what is known of each candidate's arm, (n, n_candidates)."""
        shape = len(arm), self.looks.shape[1]
        looks, earned = (
            np.take_along_axis(np.broadcast_to(values, shape), arm, axis=1)
            for values in (self.looks, self.earned)
        )
        return Tally(looks, earned, self.steps)


class SessionTally(NamedTuple):
    """What sessions have told.

    Attributes:
      tally: one row a session.
      shown: (n, slate_size), arms shown last; -1 is none.
    """

    tally: Tally
    shown: np.ndarray


class SessionTallies:
    """Keeps a tally of each session, from what was shown and the responses to it.

    Args:
      arms: which each candidate is.
      slate_size: places of a slate.
      examined: given which places were clicked, (n, slate_size), says how likely each was looked
        at.
      column: of `response` that is the outcome.
      discount: what is left of a tally after each slate.
    """

    def __init__(
        self,
        arms: Arms,
        *,
        slate_size: int,
        examined: Callable[[np.ndarray], np.ndarray],
        column: int,
        discount: float,
    ) -> None:
        self._arms, self._slate_size, self._examined = arms, slate_size, examined
        self._column, self._discount = column, discount

    def begin(self, n: int) -> SessionTally:
        """Returns `n` tallies of nothing."""
        shown = np.full((n, self._slate_size), -1)
        return SessionTally(Tally.empty(n, self._arms.n_arms), shown)

    def next(
        self, state: SessionTally, observation: Observation, episode_start: np.ndarray
    ) -> SessionTally:
        """Adds the responses to what was shown last; a new episode starts from nothing."""
        response = observation["response"]
        outcome = response[:, :, self._column].astype(float)
        weight = self._examined(response[:, :, 0] > 0) * (state.shown >= 0)
        tally = Tally(*(values.copy() for values in state.tally))
        tally.add(state.shown, weight, outcome, discount=self._discount)
        for values in tally:
            values[episode_start] = 0.0
        return SessionTally(tally, state.shown)

    def showing(
        self, state: SessionTally, observation: Observation, slates: np.ndarray
    ) -> SessionTally:
        """Keeps which arms are shown now."""
        return state._replace(shown=self._arms.shown(observation, slates))
