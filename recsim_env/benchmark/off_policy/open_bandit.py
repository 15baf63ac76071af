"""Logs of real people: files of the Open Bandit Dataset, and feedback dicts of its library."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.off_policy.policy_log import PolicyLog

_NEEDED = ("item_id", "position", "click", "propensity_score")
_USER = "user_feature_"


def is_open_bandit(path: Path) -> bool:
    """Returns whether a .csv file has the columns of the Open Bandit Dataset."""
    with path.open(encoding="utf-8", newline="") as file:
        return set(_NEEDED) <= set(next(csv.reader(file), []))


def read_open_bandit(path: str | Path) -> PolicyLog:
    """Returns a log of the Open Bandit Dataset: every row one item, at one of three positions.

    What was seen is the position and the person's four hashed features, a column for each value.
    Actions are items by id. People are not told apart, so that every row stands for somebody.

    Args:
      path: the table of a campaign, such as ``random/all/all.csv``.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: a column is missing, or a propensity cannot be.

    Source: Saito, Aihara, Matsutani and Narita 2021, "Open bandit dataset and pipeline" (arXiv
      2008.07146).
    """
    columns = open_bandit_columns(path)
    position = np.array(columns["position"], int)
    seen = [position == each for each in np.unique(position)]
    for name in sorted(name for name in columns if name.startswith(_USER)):
        codes = np.unique(columns[name], return_inverse=True)[1]
        seen += [codes == each for each in range(codes.max() + 1)]
    action = np.array(columns["item_id"], int)
    feedback = {
        "n_actions": int(action.max()) + 1,
        "context": np.stack(seen, axis=1).astype(np.float32),
        "action": action,
        "reward": np.array(columns["click"], float),
        "pscore": np.array(columns["propensity_score"], float),
    }
    try:
        return from_obp(feedback, name=f"Open Bandit {Path(path).stem}")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def open_bandit_columns(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Returns the columns of a file of the Open Bandit Dataset, as text.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: a column is missing.
    """
    path = Path(path)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        head = next(reader, [])
        rows = list(reader)
    lacking = [name for name in _NEEDED if name not in head]
    if lacking or not rows:
        raise ValueError(f"{path} lacks {', '.join(lacking) or 'rows'} of the Open Bandit Dataset")
    return dict(zip(head, zip(*rows, strict=True), strict=True))


def from_obp(feedback: Mapping[str, Any], *, name: str = "feedback") -> PolicyLog:
    """Returns a log of a feedback dict of Open Bandit Pipeline, of single actions.

    Args:
      feedback: with `n_actions`, `context`, `action`, `reward` and `pscore`.
      name: of the log.

    Raises:
      ValueError: one is missing, or a propensity cannot be.
    """
    lacking = [
        k for k in ("n_actions", "context", "action", "reward", "pscore") if k not in feedback
    ]
    if lacking or feedback.get("pscore") is None:
        raise ValueError(f"the feedback has no {', '.join(lacking) or 'pscore'}")
    reward = np.asarray(feedback["reward"], np.float64)
    n = len(reward)
    columns: dict[str, np.ndarray] = {
        "slate": np.asarray(feedback["action"], np.int32)[:, None],
        "seen": np.asarray(feedback["context"], np.float32).reshape(n, -1),
        "reward": reward,
        "clicked": reward[:, None] > 0,
        "propensity": np.asarray(feedback["pscore"], np.float64),
        "is_terminal": np.ones(n, np.float32),
        "is_over": np.ones(n, bool),
        "session_number": np.arange(n, dtype=np.int32),
        "step": np.zeros(n, np.int32),
    }
    about = {
        "name": name,
        "n_candidates": int(feedback["n_actions"]),
        "context": ["seen"],
        "policies": ["the logging policy"],
    }
    return PolicyLog.of(LoggedSteps(columns, about))
