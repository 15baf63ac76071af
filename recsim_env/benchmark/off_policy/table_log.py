"""Tables of one's own as logs: a row for each choice, or for each place of a slate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.data.readers.features import guessed_feature
from recsim_env.data.readers.formats import read_table
from recsim_env.data.readers.names import plain_name
from recsim_env.data.readers.tables import MISSING, Table
from recsim_env.data.reading import listed
from recsim_env.inputs.spelling import check_known, split_names

#: What a column may tell, and what such columns are usually called.
ROLES = {
    "action": "action actionid arm item itemid",
    "reward": "reward click clicks clicked",
    "propensity": "propensity propensityscore pscore",
    "session": "session sessionid",
    "step": "step",
    "user": "user userid",
    "policy": "policy",
    "slate": "slate slateid",
    "place": "place position",
    "place_propensity": "placepropensity pscoreitemposition",
    "prefix_propensity": "prefixpropensity pscorecascade",
}
CONTEXT = "context"

_PROPENSITIES = ("propensity", "place_propensity", "prefix_propensity")


def read_table_log(
    path: str | Path, columns: Mapping[str, str] | None = None, *, needs_propensities: bool = True
) -> PolicyLog:
    """Returns the log in a table: CSV, TSV, JSON lines or Parquet.

    Each row is a choice, or with `slate` and `place` what one place of a slate showed. Actions are
    all that the log has, the same in every row. Without `session` each choice is a session of its
    own; sessions are taken to be whole, and steps in the order of `step`, or of the file.

    Args:
      path: of the table.
      columns: by `ROLES`, the columns that are not called as usual; and by "context" those, with
        commas between, that hold what was seen.
      needs_propensities: whether a table without them is refused.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: an unknown role or column, one that is lacking, or a bad value, by its line.
      ImportError: a Parquet file without pyarrow.
    """
    given = dict(columns or {})
    check_known("a log", given, (*ROLES, CONTEXT))
    table = read_table(Path(path), None, is_known=lambda name: name in given.values())
    chosen = _chosen(table, given)
    if needs_propensities and "propensity" not in chosen:
        raise ValueError(
            f"{path} has no column that is known to hold propensities, how likely each choice was; "
            "name it (--columns propensity=COLUMN), or estimate them (--estimate-propensities)"
        )
    rows = _Rows(table, chosen, split_names(given.get(CONTEXT, ())))
    about = {
        "name": Path(path).stem,
        "n_candidates": len(rows.actions),
        "actions": rows.actions,
        "context": rows.context_names,
        "policies": rows.policies,
        "reading": rows.reading,
    }
    return PolicyLog.of(LoggedSteps(rows.steps(), about), needs_propensities=False)


def _chosen(table: Table, given: Mapping[str, str]) -> dict[str, str]:
    """Returns the column of each role that has one."""
    chosen = {role: name for role, name in given.items() if role != CONTEXT}
    for name in (*chosen.values(), *split_names(given.get(CONTEXT, ()))):
        table[name]
    taken = {*chosen.values(), *split_names(given.get(CONTEXT, ()))}
    for role, usual in ROLES.items():
        free = [name for name in table.columns if name not in taken]
        found = [name for word in usual.split() for name in free if plain_name(name) == word]
        if role not in chosen and found:
            chosen[role] = found[0]
    for role in ("action", "reward"):
        if role not in chosen:
            raise ValueError(
                f"{table.path} has no column that is known to be the {role}; its columns are "
                f"{listed(table.columns, 30)}: name it (--columns {role}=COLUMN)"
            )
    if "slate" not in chosen:  # places alone are no slates
        for role in ("place", *_PROPENSITIES[1:]):
            if role in given:
                raise ValueError(f"{role} is of slates; name their column too (--columns slate=…)")
            chosen.pop(role, None)
    elif "place" not in chosen:
        raise ValueError(f"{table.path} has slates; name the place (--columns place=COLUMN)")
    return chosen


@dataclass(eq=False)
class _Rows:
    """The rows of a table by choice: `first` is the row that begins each, in the file's order.

    Attributes:
      table: of choices or places.
      chosen: the column of each role.
      context: columns of what was seen.
    """

    table: Table
    chosen: Mapping[str, str]
    context: tuple[str, ...]
    actions: list[str] = field(init=False)
    policies: list[str] = field(init=False)
    at: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.at = self._places()
        self.actions, self._action = self._labelled("action")
        known, self._policy = (
            self._labelled("policy") if "policy" in self.chosen else (["the logging policy"], None)
        )
        self.policies = known
        for role in ("propensity", "session", "step", "user", "policy"):
            if role in self.chosen:
                self._check_shared(self.chosen[role])
        for name in self.context:
            self._check_shared(name)

    @property
    def context_names(self) -> list[str]:
        """Names of the columns of a log that hold what was seen."""
        return [f"seen_{name}" for name in self.context]

    @property
    def reading(self) -> str:
        """What was taken for what, for people to look over."""
        roles = [f"{role} from {name!r}" for role, name in self.chosen.items()]
        roles.append(f"context from {listed(self.context, 12)}" if self.context else "no context")
        used = {*self.chosen.values(), *self.context}
        n_twice = len(self.table) - pl.DataFrame(self.table.columns).n_unique()
        unread = [name for name in self.table.columns if name not in used]
        lines = [
            f"{self.table.path} ({self.table.form}): {len(self.table):,} rows",
            "; ".join(roles),
            f"not read: {listed(unread, 12)} (--columns context=…)" if unread else "",
            f"CHECK: {n_twice:,} rows repeat another in every column" if n_twice else "",
            f"{len(self.actions):,} actions, in this order: {listed(self.actions, 12)}",
            *self.table.remarks,
        ]
        return "\n  ".join(line for line in lines if line)

    def steps(self) -> dict[str, np.ndarray]:
        """Returns the columns of `LoggedSteps`, in the order of the file."""
        first = self.at[:, 0]
        reward = self.table.numbers(self.chosen["reward"])[self.at]
        session, step, is_last = self._sessions(first)
        found = {
            "slate": self._action[self.at].astype(np.int32),
            "clicked": reward > 0.0,
            "reward": reward.sum(axis=1),
            "place_reward": reward,
            "is_terminal": is_last.astype(np.float32),
            "is_over": is_last,
            "session_number": session.astype(np.int32),
            "step": step.astype(np.int32),
        }
        if self._policy is not None:
            found["policy"] = self._policy[first].astype(np.int32)
        if "user" in self.chosen:
            found["user_id"] = self._labelled("user")[1][first]
        for role in _PROPENSITIES:
            if role in self.chosen:
                values = self._probabilities(self.chosen[role])
                found[role] = values[first] if role == "propensity" else values[self.at]
        for name, column in zip(self.context, self.context_names, strict=True):
            found[column] = self._seen(name)[first]
        return found

    def _labelled(self, role: str) -> tuple[list[str], np.ndarray]:
        """Returns the labels of a column in order, numbers as numbers, and the code of each row."""
        values, known = self.table.ids(self.chosen[role])
        labels = known.to_list()
        are_numbers = all(each.removeprefix("-").isdecimal() for each in labels)
        labels.sort(key=int if are_numbers else str)
        code = {label: at for at, label in enumerate(labels)}
        return labels, np.array([code[each] for each in values.to_list()])

    def _places(self) -> np.ndarray:
        """Returns the rows of each choice's places, (n, slate_size), in the order of the file."""
        if "slate" not in self.chosen:
            return np.arange(len(self.table))[:, None]
        slate = self._labelled("slate")[1]
        place = self.table.numbers(self.chosen["place"])
        order = np.lexsort((place, slate))
        starts = np.flatnonzero(np.diff(slate[order], prepend=-1))
        sizes = np.diff(starts, append=len(order))
        if len(set(sizes.tolist())) > 1:
            odd = int(order[starts[np.argmax(sizes != sizes[0])]])
            raise self.table.refused(
                odd,
                self.chosen["slate"],
                f"a slate of other than {sizes[0]} places; judge slates of each size apart",
            )
        rows = order.reshape(-1, sizes[0])
        if np.any(twice := np.diff(place[rows], axis=1) == 0.0):
            raise self.table.refused(
                int(rows[:, 1:][twice][0]), self.chosen["place"], "a place that its slate has twice"
            )
        return rows[np.argsort(rows.min(axis=1), kind="stable")]

    def _check_shared(self, name: str) -> None:
        """Raises ValueError unless the places of each slate share a value."""
        if self.at.shape[1] == 1:
            return
        values = np.array([str(each) for each in self.table[name].to_list()])[self.at]
        wrong = values != values[:, :1]
        if wrong.any():
            raise self.table.refused(
                int(self.at[wrong][0]), name, "but another place of this slate has another value"
            )

    def _sessions(self, first: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns number of session, number of step, and whether it is the last, of each choice."""
        n = len(first)
        if "session" not in self.chosen:
            if "step" in self.chosen:
                raise ValueError(
                    f"{self.table.path} has steps ({self.chosen['step']!r}), but no session; name "
                    "its column (--columns session=COLUMN)"
                )
            return np.arange(n), np.zeros(n, int), np.ones(n, bool)
        session = self._labelled("session")[1][first]
        moment = np.arange(n, dtype=float)
        if "step" in self.chosen:
            moment = self.table.numbers(self.chosen["step"])[first]
        order = np.lexsort((moment, session))
        begins = np.diff(session[order], prepend=-1) != 0
        same = ~begins & (np.diff(moment[order], prepend=np.nan) == 0.0)
        if same.any():
            row = int(first[order[np.argmax(same)]])
            reason = "a step that its session has twice; leave out rows that are repeated"
            raise self.table.refused(row, self.chosen["step"], reason)
        starts = np.maximum.accumulate(np.where(begins, np.arange(n), 0))
        step, is_last = np.empty(n, int), np.empty(n, bool)
        step[order] = np.arange(n) - starts
        is_last[order] = np.append(begins[1:], True)
        return session, step, is_last

    def _probabilities(self, name: str) -> np.ndarray:
        values = self.table.numbers(name)
        wrong = ~((values > 0.0) & (values <= 1.0))
        if wrong.any():
            reason = "not in (0, 1]: what was shown had a chance, and chances are probabilities"
            raise self.table.refused(int(np.argmax(wrong)), name, reason)
        return values

    def _seen(self, name: str) -> np.ndarray:
        """Returns a column of context, as numbers or a column for each category, (n_rows, d)."""
        values = ["" if each is None else str(each).strip() for each in self.table[name].to_list()]
        for row, value in enumerate(values):
            if not value or value in MISSING:
                reason = "a missing value; fill it in, or leave the row or the column out"
                raise self.table.refused(row, name, reason)
        found, names = guessed_feature(name, values)
        if not names and len(set(values)) > 1:
            raise ValueError(
                f"{self.table.path}: context {name!r} has {len(set(values)):,} different texts "
                f"({listed(dict.fromkeys(values), 3)}), too many to be categories; leave it out"
            )
        return found
