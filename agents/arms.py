"""What bandits over arms share: which arm each candidate is, and what is known of each arm."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from recsim_env.agents.agent import Feedback, Observation, StepwiseAgent, UnsuitableScenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario


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
        self._columns = list(scenario.category_columns())
        self.n_arms = scenario.n_items if kind == "item" else len(self._columns)
        names = scenario.column_names().get("candidates", ())
        self._quality = names.index("quality") if "quality" in names else None

    @staticmethod
    def kinds(scenario: Scenario) -> tuple[str, ...]:
        """Returns what can tell candidates apart in a scenario: "item", "topic", both or none."""
        has = {"item": scenario.n_items > 0, "topic": len(scenario.category_columns()) > 0}
        return tuple(kind for kind, holds in has.items() if holds)

    def of(self, observation: Observation) -> np.ndarray:
        """Returns the arm of each candidate, (n, n_candidates)."""
        if self.kind == "item":
            return np.asarray(observation["item_id"])
        return np.asarray(observation["candidates"][:, :, self._columns].argmax(axis=2))

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
    """What is known of each arm; the only row is everybody's, or each visit has its own.

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


class VisitTally(NamedTuple):
    """What a visit has told of each arm, for `ArmAgent` with a memory of its own for each visit.

    Attributes:
      tally: one row a visit.
      shown: (n, slate_size), arms shown last; -1 is none.
    """

    tally: Tally
    shown: np.ndarray


class ArmAgent(StepwiseAgent):
    """Learns what each arm earns: an item, or all items of a topic.

    A subclass gives `index`. Outcomes beyond [0, 1] are brought into it, where an index needs
    that, by the range of all outcomes so far, which begins as [0, 1].

    Settings:
      arms: "item", "topic" (the scenario's category, as its candidates show it; items of a topic
        rank by their `quality` where they show one, else at random), or "auto" (default): items
        where they have ids, else topics.
      per: what has a tally of its own, "all" (default) or each "visit". A visit's starts from
        nothing and sees responses, no rewards: an outcome is then a click; and as it is all that is
        known of a person, it is explored when `deterministic` too.
      outcome: "reward" (default), an item's share of the slate's, or the name of a column of
        `response`, of which the first is "clicked".
      discount: what is left of a tally after each user-step (a slate shown by anybody, or in the
        visit); 1 (default) forgets nothing. A batch is one moment: all of it fades together.
      prior_showings: showings that earn the mean of all arms, added to each arm's when served
        (1); 0 is the plain mean. An unknown arm earns that mean.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "arms": "auto",
        "per": "all",
        "outcome": "reward",
        "discount": 1.0,
        "prior_showings": 1.0,
    }

    #: What "auto" takes, the first that there is; at least one must be.
    preferred: ClassVar[tuple[str, ...]] = ("item", "topic")

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        scenario, given = env.scenario, self.settings
        columns = scenario.column_names().get("response", ())
        outcomes = ("reward", "clicked", *columns[1:])
        self.require("arms", given["arms"] in ("auto", *self.preferred), "auto, item or topic")
        self.require("per", given["per"] in ("all", "visit"), "'all' or 'visit'")
        self.require("outcome", self.outcome in outcomes, f"one of {', '.join(outcomes)}")
        self.require("discount", 0 < given["discount"] <= 1, "more than 0, up to 1")
        self.require("prior_showings", given["prior_showings"] >= 0, "0 or more")
        kinds = [kind for kind in self.preferred if kind in Arms.kinds(scenario)]
        kind = kinds[0] if given["arms"] == "auto" else given["arms"]
        if kind not in kinds:
            raise UnsuitableScenario(
                f"arms={kind!r} needs {kind}s that can be told apart, and "
                f"{type(scenario).__name__} with these settings shows none; use {kinds[0]!r}"
            )
        self.arms = Arms(scenario, kind)
        self.is_per_visit = given["per"] == "visit"
        self._column = outcomes.index(self.outcome) - 1  # -1: none, but the reward
        self.tally = Tally.empty(1, 1 if self.is_per_visit else self.arms.n_arms)
        self.range = np.array([0.0, 1.0])

    @property
    def outcome(self) -> str:
        """Of what the tally is kept."""
        return str(self.settings["outcome"])

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where candidates cannot be told apart as arms."""
        if not set(cls.preferred) & set(Arms.kinds(scenario)):
            wanted = " or ".join(f"{kind}s" for kind in cls.preferred)
            return (
                f"{cls.__name__} needs {wanted} that can be told apart, and "
                f"{type(scenario).__name__} with these settings shows none"
            )
        return None

    @abstractmethod
    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns how much to show the arm of each candidate, (n, n_candidates), to learn well."""

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the arms' indices, or the best guesses of what they earn."""
        arm = self.arms.of(observation)
        tally = state.tally if self.is_per_visit else self.tally
        is_served = deterministic and not self.is_per_visit
        values = self.estimate(tally, arm) if is_served else self.index(tally, arm)
        return self.arms.ordered(values, observation)

    def estimate(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns the mean outcome of each candidate's arm, drawn to that of all arms."""
        total = tally.looks.sum(axis=1, keepdims=True)
        mean = tally.earned.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
        prior = self.settings["prior_showings"]

        def smoothed(seen: Tally) -> np.ndarray:
            looks, earned = seen.looks + prior, seen.earned + prior * mean
            return np.where(looks > 0, earned / np.where(looks > 0, looks, 1.0), mean)

        return tally.look_up(smoothed, arm)

    def unit_mean(self, seen: Tally) -> np.ndarray:
        """Returns the mean outcome of arms, brought into [0, 1]; 0 where it is unknown."""
        low, high = self.range
        return np.clip((seen.mean - low * (seen.looks > 0)) / (high - low), 0.0, 1.0)

    def update(self, feedback: Feedback) -> None:
        """Adds what was looked at to everybody's tally."""
        weight = feedback.attention
        if self._column >= 0:
            outcome = feedback.next_observation["response"][:, :, self._column].astype(float)
        else:
            outcome = feedback.place_rewards
        if self.is_per_visit and self._column <= 0:
            return
        told = outcome[weight > 0]
        self.range = np.array([told.min(initial=self.range[0]), told.max(initial=self.range[1])])
        if not self.is_per_visit:
            arm = np.take_along_axis(self.arms.of(feedback.observation), feedback.slates, axis=1)
            self.tally.add(arm, weight, outcome, discount=self.settings["discount"])

    # The visit -----------------------------------------------------------------------------------

    def begin_state(self, n: int) -> Any:
        """Returns `n` tallies of nothing, where visits have their own."""
        if not self.is_per_visit:
            return None
        return VisitTally(Tally.empty(n, self.arms.n_arms), np.full((n, self.slate_size), -1))

    def next_state(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Adds the responses to what was shown last; a new episode starts from nothing."""
        if not self.is_per_visit:
            return state
        response = observation["response"]
        clicked = response[:, :, 0] > 0
        outcome = response[:, :, max(self._column, 0)]
        weight = self.env.scenario.attention(clicked) * (state.shown >= 0)
        tally = Tally(*(values.copy() for values in state.tally))
        tally.add(state.shown, weight, outcome.astype(float), discount=self.settings["discount"])
        for values in tally:
            values[episode_start] = 0.0
        return VisitTally(tally, state.shown)

    def remember(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Keeps which arms are shown now."""
        if not self.is_per_visit:
            return state
        shown = np.take_along_axis(self.arms.of(observation), slates, axis=1)
        return state._replace(shown=shown)

    # Files ---------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns everybody's tally, and the range of outcomes."""
        return {**self.tally._asdict(), "range": self.range}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        self.tally = Tally(*(np.array(arrays[name]) for name in Tally._fields))
        self.range = np.array(arrays["range"])
