"""Logged tables of steps: what was seen, shown and earned, and how likely it was shown."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from recsim_env.agents.core.restoring import require_finite
from recsim_env.formats.array_file import read_arrays, write_arrays

FILE_KIND, FILE_VERSION = "log of steps", 1

# Kinds of dtypes that columns may have.
_KINDS = "biuf"

#: What the columns beside the fields that were seen, and were seen next (`next_…`), mean.
STEP_COLUMNS = {
    "slate": "(slate_size,), candidates that were shown, by index",
    "clicked": "(slate_size,), whether each place was clicked",
    "reward": "what the slate earned",
    "propensity": "how likely this slate was shown, in its order",
    "is_terminal": "whether the person then left",
    "is_over": "whether the session was then over, by leaving or by the horizon",
    "session_number": "number of the session",
    "step": "number of the slate within the session, from 0",
}

#: What further columns of `recsim-env log` mean, beside the ids that were seen.
POLICY_COLUMNS = {
    "place_propensity": "(slate_size,), how likely each place shows its item, whatever others do",
    "prefix_propensity": "(slate_size,), how likely the places down to each were filled so",
    "candidate_propensity": "(slate_size, n_candidates), likewise of all candidates at each place",
    "policy": "which of the policies showed it, by index",
    "slot": "which of the people served side by side it was",
}


@dataclass(frozen=True, eq=False)
class LoggedSteps:
    """What a policy showed and what came of it, one row for every slate: all that is to be learned.

    Attributes:
      columns: those of `STEP_COLUMNS`, the fields that agents with networks see (see
        `SessionMemory`), and these once more as seen next, with names that begin with `next_`.
      about: what made them, as JSON values.
    """

    columns: Mapping[str, np.ndarray]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Returns the number of steps."""
        return len(self.columns["reward"])

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns a column."""
        return self.columns[name]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes one .npz file without pickles, replacing an old one when complete."""
        write_arrays(path, self.columns, self.about, kind=FILE_KIND, version=FILE_VERSION)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Returns the log that `write` wrote.

        Raises:
          FileNotFoundError: there is no such file.
          ValueError: the file holds something else.
        """
        log = cls.unchecked(path)
        try:
            log.check()
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}") from error
        return log

    @classmethod
    def unchecked(cls, path: str | os.PathLike[str]) -> Self:
        """Returns what a file of `write` holds, whatever columns there are; errors as in `read`."""
        return cls(*read_arrays(path, kind=FILE_KIND, version=FILE_VERSION))

    def check(self) -> None:
        """Raises ValueError unless the columns are there, as long, finite and in their ranges."""
        lacking = [name for name in STEP_COLUMNS if name not in self.columns]
        if lacking:
            raise ValueError(f"the log has no {', '.join(lacking)}")
        n = self.columns["reward"].size
        for name, column in self.columns.items():
            if column.ndim < 1 or len(column) != n or column.dtype.kind not in _KINDS:
                raise ValueError(
                    f"{name} of the log has shape {column.shape} and dtype {column.dtype}; use "
                    f"{n} rows of numbers"
                )
            require_finite(name, column)
        for name in ("slate", "session_number", "step"):
            column = self.columns[name]
            if (
                column.dtype.kind not in "iu"
                or column.min(initial=0) < 0
                or column.max(initial=0) >= 2**31
            ):
                raise ValueError(f"{name} of the log holds what is no index; use 0 to {2**31 - 1}")
        chance = self.columns["propensity"]
        if chance.min(initial=0) < 0 or chance.max(initial=0) > 1 + 1e-9:
            raise ValueError("propensity of the log lies outside 0 to 1")


def joined_steps(logs: Sequence[LoggedSteps]) -> LoggedSteps:
    """Returns the logs of several policies as one, which says of each step whose it is.

    Args:
      logs: of one scenario, with the columns of `POLICY_COLUMNS`.
    """
    if len(logs) == 1:
        return logs[0]
    parts, names, n_sessions = [], list[str](), 0
    for log in logs:
        parts.append(
            dict(log.columns)
            | {
                "policy": log["policy"] + len(names),
                "session_number": log["session_number"] + n_sessions,
            }
        )
        n_sessions += int(log["session_number"].max()) + 1
        names += log.about["policies"]
    about = dict(logs[0].about) | {
        "agent": [log.about["agent"] for log in logs],
        "agent_settings": [log.about["agent_settings"] for log in logs],
        "learned_from": [log.about["learned_from"] for log in logs],
        "policies": [f"{n} {k + 1}" if names.count(n) > 1 else n for k, n in enumerate(names)],
        "runs": [run for log in logs for run in log.about["runs"]],
        "propensity": "; ".join(dict.fromkeys(log.about["propensity"] for log in logs)),
        "propensity_error": max(log.about["propensity_error"] for log in logs),
    }
    about |= {n: sum(log.about[n] for log in logs) for n in ("rows", "sessions", "clicks")}
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return LoggedSteps(columns, about)


def last_steps(steps: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the rows with the last step of each session; columns as for `returns_to_go`."""
    order = np.lexsort((steps["step"], steps["session_number"]))
    return order[_is_last(steps["session_number"][order])]


def returns_to_go(
    steps: Mapping[str, np.ndarray], *, gamma: float, rest: np.ndarray | None = None
) -> np.ndarray:
    """Returns what each step's session earned from there on, discounted, (n,).

    Args:
      steps: columns `reward`, `session_number` and `step`, in any order.
      gamma: discount of a step.
      rest: (n,), what is expected after each step; counts where the log of a session ends (0).
    """
    order = np.lexsort((steps["step"], steps["session_number"]))
    found = steps["reward"][order].astype(np.float64)
    last = np.flatnonzero(_is_last(steps["session_number"][order]))
    lengths = np.diff(last, prepend=-1)
    if rest is not None:
        found[last] += gamma * rest[order][last]
    for before in range(1, int(lengths.max(initial=0))):
        rows = last[lengths > before] - before
        found[rows] += gamma * found[rows + 1]
    returns = np.empty(len(order))
    returns[order] = found
    return returns


def _is_last(sessions: np.ndarray) -> np.ndarray:
    """Returns whether the next number is another, or none."""
    is_last = np.ones(len(sessions), bool)
    is_last[:-1] = sessions[1:] != sessions[:-1]
    return is_last
