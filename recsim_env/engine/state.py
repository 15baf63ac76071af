"""States that are restored: checked before compiled code, which checks nothing, reads them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recsim_env.core.fields import Field, count, within
from recsim_env.core.scenario import Scenario


def check_state(scenario: Scenario, slots: np.ndarray, *, may_be_over: bool = True) -> bool:
    """Raises unless all that slots hold is possible; returns whether their episodes have begun.

    Indices lie in their ranges, numbers are finite, and what a scenario's layouts say of its own
    fields (`recsim_env.core.fields.within`) and its `contradictions` hold.

    Args:
      scenario: whose people they are.
      slots: (num_slots,) records of `recsim_env.engine.episode.slot_dtype`.
      may_be_over: whether an episode may be over, as it cannot be where the next begins at once.

    Raises:
      ValueError: naming the first field, environment and value that are not possible.
    """
    n_items = scenario.n_items or scenario.n_candidates
    own = {
        "episode": count(np.int64),
        "step": count(np.int64),
        "user_id": within(np.int64, 0, max(1, scenario.n_users) - 1),
        "candidates": within(np.int64, 0, n_items - 1),
        "slate": within(np.int64, -1, n_items - 1),
    }
    _check_bools(slots, ("begins", "is_over"), "")
    _check(own, slots, "")
    has_begun = slots["key"] != 0
    _refuse(slots["begins"], "begins", slots["begins"])
    if not has_begun.any():
        return False  # taken before the first reset, which writes everything anew
    _refuse(~has_begun, "key", slots["key"])
    _refuse(slots["is_over"] & (not may_be_over), "is_over", slots["is_over"])
    _check(scenario.response_layout(), slots["response"], "response.")
    if not scenario.n_items:
        _check(scenario.item_layout(), slots["own_items"], "own_items.")
    check_users(scenario, slots["user"])
    for name, is_wrong in scenario.contradictions(slots["user"]).items():
        _refuse(is_wrong, f"user.{name}", slots["user"][name], "contradicts other fields")
    return True


def check_users(scenario: Scenario, users: np.ndarray) -> None:
    """Raises unless each field of people's records is possible.

    Raises:
      ValueError: naming the first field, environment and value that are not.
    """
    _check(scenario.user_layout(), users, "user.")


def _check(layout: Mapping[str, Any], records: np.ndarray, prefix: str) -> None:
    for name, spec in layout.items():
        values = records[name]
        if values.dtype.kind == "b":
            _check_bools(records, (name,), prefix)
        elif ends := Field.of(spec).ends:
            is_wrong = ~((values >= ends[0]) & (values <= ends[1]))
            _refuse(is_wrong, prefix + name, values, f"is not within {ends[0]} to {ends[1]}")
        elif values.dtype.kind == "f":
            _refuse(~np.isfinite(values), prefix + name, values, "is not finite")


def _check_bools(records: np.ndarray, names: tuple[str, ...], prefix: str) -> None:
    """Raises where a bool is neither 0 nor 1, which compiled code may take for either."""
    for name in names:
        values = records[name].view(np.uint8)
        _refuse(values > 1, prefix + name, values, "is neither 0 nor 1")


def _refuse(
    is_wrong: np.ndarray, name: str, values: np.ndarray, why: str = "is not possible"
) -> None:
    if not is_wrong.any():
        return
    place = tuple(np.argwhere(is_wrong)[0])
    rest = "".join(f"[{index}]" for index in place[1:])
    value = values[place].tolist()
    raise ValueError(
        f"the state of environment {place[0]} is damaged: {name}{rest}={value} {why}; restore "
        "one that was taken from an environment made alike, or begin anew with reset()"
    )
