"""One step in words: who, what was shown, what they did and why.

A scenario's `view` may word and draw its people and items better than the names of their fields do.
It is a module, by its name, or any object, with some of the functions

    describe_user(scenario, user, user_id) -> str        true state and context included
    describe_item(scenario, item, item_id) -> str
    draw_state(scenario, axes, user, items)              into empty, square Matplotlib axes

where `user` and `item` are structured scalars, and `items` is the catalogue or what was offered.
`draw_state` draws a step. Where pictures should be fast, it draws what stays, and returns an
`update(user, items)` which shows a step and returns the artists that steps change; without it, all
is drawn anew at each step.
"""

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.core.scenario import Scenario


@dataclass(frozen=True)
class Scene:
    """The last step of one person.

    Attributes:
      scenario: the scenario.
      step: how many steps the episode has had; 0 is before the first.
      user_id: of the person; None where people have no ids.
      user: who they are (a phrase), as they were when the slate was shown.
      shown: a phrase for each place of the slate, "nothing" where it was empty.
      probabilities: (slate_size,), the chance of a click on each place, nan where unknown.
      clicked: (slate_size,), whether it was clicked.
      outcome: what they did (a phrase).
      reward: of the step.
      is_over: whether the episode ended with it.
      state: the person's true state after it, a structured scalar.
      items: the catalogue, or what was offered.
    """

    scenario: Scenario
    step: int
    user_id: int | None
    user: str
    shown: tuple[str, ...]
    probabilities: np.ndarray
    clicked: np.ndarray
    outcome: str
    reward: float
    is_over: bool
    state: np.ndarray
    items: np.ndarray


def scene(
    scenario: Scenario,
    before: np.ndarray | None,
    after: np.ndarray,
    items: np.ndarray,
    reward: float,
) -> Scene:
    """Returns what happened between two copies of a slot.

    Args:
      scenario: whose slot it is.
      before: (1,) the slot when the slate was chosen, or None at the start of an episode.
      after: (1,) the slot now.
      items: the catalogue, if there is one.
      reward: of the step.
    """
    slot = after[0]
    then = slot if before is None else before[0]
    user_id = int(slot["user_id"]) if scenario.n_users else None
    names = slot["response"].dtype.names or ()
    responses = slot["response"]
    unknown = np.full(scenario.slate_size, np.nan)
    clicked = responses["clicked"] if "clicked" in names else np.zeros(scenario.slate_size, bool)
    table = items if scenario.n_items else then["own_items"]
    shown = tuple(
        "nothing"
        if index < 0
        else describe_item(scenario, table[index], int(index) if scenario.n_items else None)
        for index in slot["slate"]
    )
    return Scene(
        scenario=scenario,
        step=int(slot["step"]),
        user_id=user_id,
        user=describe_user(scenario, then["user"], user_id),
        shown=shown,
        probabilities=responses["probability"] if "probability" in names else unknown,
        clicked=clicked,
        outcome=_outcome(scenario, responses, clicked),
        reward=reward,
        is_over=bool(slot["is_over"]),
        state=slot["user"],
        items=table,
    )


def view_of(scenario: Scenario) -> Any:
    """Returns what words and draws the scenario's people and items, or None."""
    return (
        importlib.import_module(scenario.view) if isinstance(scenario.view, str) else scenario.view
    )


def describe_user(scenario: Scenario, user: np.ndarray, user_id: int | None) -> str:
    """Returns a phrase for a person, a structured scalar, true state and context included."""
    own = getattr(view_of(scenario), "describe_user", None)
    if own is not None:
        return str(own(scenario, user, user_id))
    name = "somebody" if user_id is None else f"user {user_id}"
    return f"{name} ({describe_record(user)})"


def describe_item(scenario: Scenario, item: np.ndarray, item_id: int | None) -> str:
    """Returns a phrase for an item, a structured scalar, as it truly is."""
    own = getattr(view_of(scenario), "describe_item", None)
    if own is not None:
        return str(own(scenario, item, item_id))
    return f"{'' if item_id is None else f'#{item_id} '}{describe_record(item)}"


def describe_record(record: np.ndarray, n_entries: int = 2) -> str:
    """Returns a short phrase for a structured scalar: of long arrays, the largest entries.

    >>> user = np.zeros((), [("interest", float, 20), ("budget", float)])
    >>> user["interest"][7] = 0.5
    >>> describe_record(user, n_entries=1)
    'interest[7] 0.5, budget 0'
    """
    phrases = []
    for name in record.dtype.names or ():
        value = np.asarray(record[name], float).ravel()
        if value.size == 1:
            phrases.append(f"{name} {value[0]:.3g}")
        else:
            largest = np.argsort(-np.abs(value), kind="stable")[:n_entries]
            phrases += [f"{name}[{index}] {value[index]:.2g}" for index in largest]
    return ", ".join(phrases)


def _outcome(scenario: Scenario, responses: np.ndarray, clicked: np.ndarray) -> str:
    """Returns what was clicked, how likely that was, and what came of it."""
    names = responses.dtype.names or ()
    has_probability = "probability" in names
    if not clicked.any():
        if not has_probability:
            return "clicked nothing"
        chances = responses["probability"]
        is_independent = getattr(scenario, "choice", None) == "position_based"
        none = np.prod(1 - chances) if is_independent else np.clip(1 - chances.sum(), 0, 1)
        return f"clicked nothing (chance {none:.0%})"
    details = [name for name in names if name not in ("score", "probability", "clicked")]
    phrases = []
    for place in np.flatnonzero(clicked):
        chance = f" (chance {responses['probability'][place]:.0%})" if has_probability else ""
        said = (_detail(name, responses[name][place]) for name in details)
        values = ", ".join(detail for detail in said if detail)
        phrases.append(f"clicked place {place + 1}{chance}" + (f": {values}" if values else ""))
    return "; ".join(phrases)


def _detail(name: str, value: Any) -> str:
    """Returns what a field of a response says; nothing where it is a fact that is not so."""
    if isinstance(value, np.bool_):
        return name if value else ""
    return f"{name} {_number(value)}"


def _number(value: Any) -> str:
    return f"{float(value):.3g}"


def describe_step(view: Scene) -> str:
    """Returns the step as one line."""
    if view.step == 0:
        return f"step 0 | {view.user} arrives"
    shown = ", ".join(
        f"{place + 1}: {phrase}" + ("" if np.isnan(chance) else f" {chance:.0%}")
        for place, (phrase, chance) in enumerate(zip(view.shown, view.probabilities, strict=True))
    )
    end = " | and leaves" if view.is_over else ""
    return (
        f"step {view.step} | {view.user} | sees {shown} | {view.outcome} | "
        f"reward {_number(view.reward)}{end}"
    )
