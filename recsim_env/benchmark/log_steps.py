"""Whole steps of the rows of a log, as .parquet files hold them, and what each place earned."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.agents.core.transition import is_repeated, shared_by_clicks

#: What names of further columns begin with: fields that were seen, and parts of the response.
CONTEXT, RESPONSE = "context_", "response_"

#: What names of columns begin with that no agent may see: people's true states.
HIDDEN = "hidden_"

#: Columns that rows of a slate share, and that steps have by the same name.
_OF_STEPS = ("propensity", "step", "is_terminal", "is_over", "slot", "candidates")


def place_rewards(steps: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns what each place earned, (n, slate_size), which add up to what the slate was paid.

    A slate's reward is shared equally by its clicked items, or by all if none was clicked. Agents,
    which learn from clicks, are told nothing of what is paid without one; a log tells all.

    Args:
      steps: columns `reward`, `clicked` and `slate`.
    """
    paid, clicked = steps["reward"], steps["clicked"].astype(bool)
    amounts = paid.astype(np.float64)
    is_shown = ~is_repeated(steps["slate"])
    n_shown = np.count_nonzero(is_shown, axis=1)[:, None]
    equal = is_shown * amounts[:, None] / np.maximum(n_shown, 1)
    by_clicks = shared_by_clicks(amounts, clicked & is_shown)
    shares = np.where(np.any(clicked, axis=1, keepdims=True), by_clicks, equal)
    return np.asarray(shares.astype(paid.dtype) + np.zeros(1, paid.dtype))  # 0 instead of -0


def steps_of(columns: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> LoggedSteps:
    """Returns whole steps of the rows of a Parquet file, without what agents remember and see next.

    Args:
      columns: of a `Recording`, those of the candidates among them.
      about: its settings.
    """
    _, first, number = np.unique(columns["slate"], return_index=True, return_inverse=True)
    n, size = len(first), int(columns["place"].max()) + 1
    at = number, columns["place"]

    def by_place(name: str, empty: Any) -> np.ndarray:
        values = columns[name]
        found = np.full((n, size, *values.shape[1:]), empty, values.dtype)
        found[at] = values
        return found

    steps = {
        name.removeprefix(CONTEXT): values[first]
        for name, values in columns.items()
        if name.startswith((CONTEXT, HIDDEN)) or name in _OF_STEPS
    }
    steps |= {
        "item_id": columns["candidate_ids"][first],
        "session_number": columns["session"][first],
        "slate": by_place("shown_index", 0),
        "clicked": by_place("clicked", 0) > 0,
        "reward": np.bincount(number, columns["reward"], minlength=n).astype(np.float32),
        "policy": _numbers(columns["policy"][first].astype(str), about["policies"]),
    }
    empty = {"place_propensity": 1.0, "prefix_propensity": 1.0, "candidate_propensity": 0.0}
    steps |= {name: by_place(name, value) for name, value in empty.items() if name in columns}
    responses = [name for name in columns if name.startswith(RESPONSE)]
    steps["next_response"] = np.stack([by_place(name, 0.0) for name in responses], axis=2)
    if about["shapes"].get("user_id"):
        steps["user_id"] = columns["user"][first]
    return LoggedSteps(steps, about)


def _numbers(names: np.ndarray, known: list[str]) -> np.ndarray:
    """Returns the place of each name in a list."""
    found, which = np.unique(names, return_inverse=True)
    return np.array([known.index(name) for name in found.tolist()])[which]
