"""The rows of a table of one's own as steps of a log: choices, or the places of slates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from recsim_env.data.readers.features import guessed_feature
from recsim_env.data.readers.tables import MISSING, Table
from recsim_env.data.reading import listed

#: Columns of probabilities: of the slate, of each place, and of the places down to it.
PROPENSITIES = ("propensity", "place_propensity", "prefix_propensity")


@dataclass(eq=False)
class TableRows:
    """The rows of a table by choice, in the order of the file.

    Attributes:
      table: of choices or places.
      chosen: the column of each role.
      context: columns of what was seen.
      actions, policies: their names, in order.
      at: (n, slate_size), the rows of each choice's places.

    Raises:
      ValueError: slates differ in size, or a value that places share differs, by its line.
    """

    table: Table
    chosen: Mapping[str, str]
    context: tuple[str, ...]
    actions: list[str] = field(init=False)
    policies: list[str] = field(init=False)
    at: np.ndarray = field(init=False)
    _action: np.ndarray = field(init=False)
    _policy: np.ndarray | None = field(init=False)

    def __post_init__(self) -> None:
        self.at = self._places()
        self.actions, self._action = self._labelled("action")
        self.policies, self._policy = ["the logging policy"], None
        if "policy" in self.chosen:
            self.policies, self._policy = self._labelled("policy")
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
            f"{len(self.actions):,} actions, each of which could always be shown, in this order: "
            f"{listed(self.actions, 12)}",
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
        for role in PROPENSITIES:
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
