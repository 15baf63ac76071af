"""What one person lived through under an agent, step by step, in words and numbers.

What the recommender could see is kept apart from the truth, which only a simulator knows: columns
and entries of the truth are called `true_...`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

VERSION = 1
"""Of the form that `Visit.as_dict` has."""

_DIGITS = 3
"""Significant digits of numbers in that form."""

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class VisitStep:
    """A slate, and what a person did with it.

    Attributes:
      step: number of the step in its session, from 1.
      person: who they truly are when the slate is shown, a phrase.
      context: what the recommender saw of them, by the names of columns.
      item_ids: (slate_size,), -1 where a place stayed empty or items have no ids.
      titles: a phrase for each place, "nothing" where it stayed empty.
      features: what the recommender saw of each item, (slate_size,) by the names of columns; NaN
        where a place stayed empty.
      response: what it saw of the response, likewise.
      clicked: (slate_size,), bool.
      outcome: what they did, a phrase.
      reward: of the slate.
      is_over: whether the session ended with it.
      true_state: what the person truly was when the slate was shown, by field.
      true_items: what each item truly is, (slate_size, ...) by field; NaN where a place is empty.
      true_response: all that they did, (slate_size, ...) by field, the chance of a click included
        (`probability`) where the scenario has one.
    """

    step: int
    person: str
    context: Values
    item_ids: np.ndarray
    titles: tuple[str, ...]
    features: Values
    response: Values
    clicked: np.ndarray
    outcome: str
    reward: float
    is_over: bool
    true_state: Values
    true_items: Values
    true_response: Values

    @property
    def is_shown(self) -> np.ndarray:
        """Whether there was an item in each place, (slate_size,)."""
        return np.array([title != "nothing" for title in self.titles])


@dataclass(frozen=True, eq=False)
class Visit:
    """One session of one person under an agent, or its beginning.

    Attributes:
      scenario, agent: what they are called.
      seed: of the person, the candidates and chance; visits of one seed have all three in common.
      episode: which session of the seed it is, from 0.
      user_id: of the person; None where people have no ids.
      arrival: who they are when they come, a phrase.
      steps: in order of time; at least one.
      true_end: what the person truly was after the last of them, by field.
    """

    scenario: str
    agent: str
    seed: int
    episode: int
    user_id: int | None
    arrival: str
    steps: tuple[VisitStep, ...]
    true_end: Values

    def as_dict(self, *, whole: bool = True) -> dict[str, Any]:
        """Returns the visit as JSON values, its numbers rounded.

        `items` holds what was shown, each item once. A step's `slate` holds places in that list,
        None where nothing was shown; `chance` is the true chance of a click on each place, None
        where unknown, and left out where all are; `clicked` holds the clicked places, from 0.
        `true_state` has a value for each moment, one more than there are steps, of each field.

        Args:
          whole: False leaves out what only computers read: context, features, response, and of the
            true state arrays and what never changes. Files in `visits/` are so.
        """
        known: dict[Any, int] = {}
        items: list[dict[str, Any]] = []
        steps = [self._step(each, known, items, whole=whole) for each in self.steps]
        return {
            "version": VERSION,
            "scenario": self.scenario,
            "agent": self.agent,
            "seed": self.seed,
            "episode": self.episode,
            "user_id": self.user_id,
            "arrival": self.arrival,
            "is_over": self.steps[-1].is_over,
            "items": items,
            "steps": steps,
            "true_state": self._true_states(whole=whole),
        }

    def _step(
        self, step: VisitStep, known: dict[Any, int], items: list[dict[str, Any]], *, whole: bool
    ) -> dict[str, Any]:
        """Returns a step as JSON values, and adds what it showed to `items`."""
        slate: list[int | None] = []
        for place, is_shown in enumerate(step.is_shown):
            item: dict[str, Any] = {"title": step.titles[place]}
            if step.item_ids[place] >= 0:
                item["id"] = int(step.item_ids[place])
            if whole:
                item["features"] = _plain(_at(step.features, place))
                item["true"] = _plain(_at(step.true_items, place))
            key = repr(item)
            if is_shown and key not in known:
                known[key] = len(items)
                items.append(item)
            slate.append(known[key] if is_shown else None)
        found: dict[str, Any] = {"person": step.person, "slate": slate}
        if "probability" in step.true_response:
            found["chance"] = _numbers(step.true_response["probability"])
        found |= {
            "clicked": np.flatnonzero(step.clicked).tolist(),
            "outcome": step.outcome,
            "reward": _number(step.reward),
        }
        if whole:
            found["context"] = _plain(step.context)
            found["response"] = [_plain(_at(step.response, place)) for place in range(len(slate))]
            found["true_response"] = _plain(step.true_response)
        return found

    def true_states(self) -> dict[str, np.ndarray]:
        """Returns the person's true state at each moment, (n_steps + 1, ...) by field."""
        return {
            name: np.stack([*(step.true_state[name] for step in self.steps), end])
            for name, end in self.true_end.items()
        }

    def _true_states(self, *, whole: bool) -> dict[str, Any]:
        """Returns `true_states` as JSON values; unless `whole`, numbers that change."""
        return {
            name: _numbers(values)
            for name, values in self.true_states().items()
            if whole or (values.ndim == 1 and (values != values[0]).any())
        }

    def columns(self) -> dict[str, np.ndarray]:
        """Returns the visit as a table: a row for every place of every slate, also an empty one.

        Columns of the person and of the slate have the same value in all its rows. What the
        recommender saw comes first; what only the simulator knows is in `true_user_...`,
        `true_item_...` and `true_response_...`. A column of an array has the index at its end.
        """
        parts = [self._rows(each) for each in self.steps]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _rows(self, step: VisitStep) -> dict[str, np.ndarray]:
        n = len(step.titles)
        of_slate: dict[str, Any] = {
            "scenario": self.scenario,
            "agent": self.agent,
            "seed": self.seed,
            "episode": self.episode,
            "step": step.step,
            "user_id": -1 if self.user_id is None else self.user_id,
        }
        seen = {f"context_{name}": value for name, value in step.context.items()}
        truth = {f"true_user_{name}": value for name, value in _spread(step.true_state, 0).items()}
        columns = {name: np.full(n, value) for name, value in (of_slate | seen).items()}
        columns |= {"place": np.arange(n), "item_id": step.item_ids, "title": np.array(step.titles)}
        columns |= {f"feature_{name}": values for name, values in step.features.items()}
        columns |= {"clicked": step.clicked.astype(np.int8)}
        columns |= {f"response_{name}": values for name, values in step.response.items()}
        columns |= {"slate_reward": np.full(n, step.reward), "is_over": np.full(n, step.is_over)}
        columns |= {name: np.full(n, value) for name, value in truth.items()}
        for prefix, group in (("item", step.true_items), ("response", step.true_response)):
            columns |= {f"true_{prefix}_{name}": v for name, v in _spread(group, 1).items()}
        return columns


def _at(values: Values, place: int) -> Values:
    return {name: value[place] for name, value in values.items()}


def _spread(values: Values, n_axes: int) -> dict[str, np.ndarray]:
    """Returns each entry of arrays under a name of its own; the first axes stay."""
    found: dict[str, np.ndarray] = {}
    for name, value in values.items():
        array = np.asarray(value)
        if array.ndim == n_axes:
            found[name] = array
            continue
        for index in np.ndindex(array.shape[n_axes:]):
            found["_".join([name, *map(str, index)])] = array[(..., *index)]
    return found


def _plain(values: Values) -> dict[str, Any]:
    """Returns numbers and lists of them, by name."""
    return {
        name: _number(value) if np.ndim(value) == 0 else _numbers(value)
        for name, value in values.items()
    }


def _numbers(values: Any) -> list[Any]:
    return [_number(each) if np.ndim(each) == 0 else _numbers(each) for each in values]


def _number(value: Any) -> float | int | bool | None:
    """Returns a rounded number as JSON has it; None for one that is unknown.

    >>> _number(np.float32(0.123456)), _number(np.int64(12345)), _number(3.0), _number(np.nan)
    (0.123, 12345, 3, None)
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if not math.isfinite(value):
        return None
    rounded = float(f"{float(value):.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
