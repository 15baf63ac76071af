"""Logs as tables with a row for every item that was shown, as .csv and .parquet files hold them."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.agents.core.transition import is_repeated
from recsim_env.benchmark.log_steps import CONTEXT, HIDDEN, RESPONSE, place_rewards
from recsim_env.benchmark.training import description_file
from recsim_env.core.scenario import Scenario
from recsim_env.data.impressions import Impressions
from recsim_env.data.log import InteractionLog
from recsim_env.formats.columns import write_columns
from recsim_env.formats.files import replacing

#: What each column of a recording means.
COLUMNS = {
    "user": "id of the person; the number of the session where people have none",
    "item": "id of the item",
    "time": "seconds by a made-up clock: a slate a second, and at least an hour between sessions",
    "session": "number of the session, from 0",
    "slate": "number of the slate, from 0",
    "place": "where the item stood, from 0, the first place",
    "clicked": "1 where it was clicked (played, consumed)",
    "reward": "the slate's, shared equally by its clicked items, or by all if none was clicked",
    "propensity": "how likely the agent showed this slate, in its order, to this person",
    "place_propensity": "how likely it showed this item in this place, whatever the others show",
    "prefix_propensity": "how likely it showed this place and those before it as it did",
    "policy": "name of the agent",
    "step": "number of the slate within the session, from 0",
    "is_terminal": "1 where the person then left",
    "is_over": "1 where the session was then over, by leaving or by the horizon",
    "shown_index": "which of the candidates it was, by index",
    "slot": "which of the people served side by side it was",
}

#: Columns that are left out of .csv files: lists that belong to all candidates.
OF_CANDIDATES = {
    "candidates": "features of each candidate, a list of lists",
    "candidate_ids": "id of each candidate",
    "candidate_propensity": "how likely this place shows each candidate, whatever the others show",
}

#: Sessions begin so many seconds after the last: longer than what ends a session where logs are
#: read.
_BETWEEN_SESSIONS = 7_200


@dataclass(frozen=True, eq=False)
class Recording:
    """What people did while a frozen agent served them, one row for every item shown.

    Attributes:
      columns: name to values, (n_rows, ...), as `about` explains; sessions one after the other,
        each in order.
      about: what made them, as JSON values.
    """

    columns: dict[str, np.ndarray]
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.columns["item"])

    def clicks(self) -> InteractionLog:
        """Returns what was clicked, as the core of what `read_log` reads of the file.

        Raises:
          ValueError: nothing was.
        """
        return self._log(self.columns["clicked"] > 0)

    def clicks_and_impressions(self) -> InteractionLog:
        """Returns what was clicked, beside all that was shown.

        Raises:
          ValueError: nothing was clicked.
        """
        is_clicked = self.columns["clicked"] > 0
        shown = self._log(np.ones(len(self), bool))
        impressions = Impressions(
            user=shown.user,
            item=shown.item,
            row=np.where(is_clicked, np.cumsum(is_clicked) - 1, -1),
            time=shown.time,
            slate=self.columns["slate"].astype(np.int64),
            place=self.columns["place"].astype(np.int64),
            context=np.zeros((len(self), 0), np.int32),
        )
        return dataclasses.replace(shown.select(is_clicked), impressions=impressions)

    def _log(self, rows: np.ndarray) -> InteractionLog:
        """Returns rows as a log of people and items, as if all had been clicked."""
        users, user = np.unique(self.columns["user"][rows], return_inverse=True)
        items, item = np.unique(self.columns["item"][rows], return_inverse=True)
        return InteractionLog(
            user=user.astype(np.int32),
            item=item.astype(np.int32),
            rating=np.ones(len(user)),
            time=self.columns["time"][rows].astype(np.float64),
            is_explicit=False,
            user_labels=users.astype(str),
            item_labels=items.astype(str),
            item_titles=items.astype(str),
            item_features=np.zeros((len(items), 0), np.float32),
            item_feature_names=np.empty(0, np.str_),
            user_features=np.zeros((len(users), 0), np.float32),
            user_feature_names=np.empty(0, np.str_),
            name=self.about["scenario"].rpartition(":")[2],
        )

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Writes a .csv or .parquet file, and the settings beside it; returns the path of those.

        Either file is complete or absent; an old one is replaced. The folder is made. The settings
        of `log.csv` are in `log.csv.json`. A .csv file holds nothing of the candidates that were
        not shown, and its settings say so; lists become several columns.

        Raises:
          ValueError: another suffix.
          ImportError: a Parquet file without pyarrow.
        """
        path = Path(path)
        beside = description_file(path)
        is_flat = path.suffix == ".csv"
        columns = {
            name: values
            for name, values in self.columns.items()
            if not (is_flat and name in OF_CANDIDATES)
        }
        write_columns(path, columns)
        about = self.about | {
            "columns": {name: self.about["columns"][name] for name in columns},
            "has_candidates": not is_flat,
        }
        with replacing(beside) as draft:
            draft.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        return beside


def recording_of(steps: LoggedSteps, scenario: Scenario) -> Recording:
    """Returns a log of whole steps as rows, one session after the other.

    Args:
      steps: of `recording.record_steps`.
      scenario: where they were taken; people show responses there, and items have ids.
    """
    order = np.lexsort((steps["step"], steps["session_number"]))
    row, place = np.nonzero(~is_repeated(steps["slate"][order]))
    values = {name: column[order] for name, column in steps.columns.items()}
    columns = _columns(values, steps.about["policies"], row, place)
    columns |= _what_was_seen(values, scenario, row, place)
    about = dict(steps.about) | {
        "rows": len(row),
        "sessions": int(columns["session"][-1]) + 1,
        "clicks": int(columns["clicked"].sum()),
        "columns": {name: _meaning(name) for name in columns},
    }
    return Recording(columns, about)


def _meaning(name: str) -> str:
    """Returns what a column means."""
    if name.startswith(CONTEXT):
        return f"{name.removeprefix(CONTEXT)}, as it was seen with the slate"
    if name.startswith(RESPONSE):
        return f"{name.removeprefix(RESPONSE)} of the response to the item"
    if name.startswith(HIDDEN):
        return f"{name.removeprefix(HIDDEN)} of the person's true state, which no agent may see"
    return (COLUMNS | OF_CANDIDATES)[name]


def _columns(
    values: Mapping[str, np.ndarray], policies: list[str], row: np.ndarray, place: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns the columns of `COLUMNS`; `row` and `place` say which slate and place each row is."""
    number = np.unique(values["session_number"], return_inverse=True)[1]
    session, index = number[row], values["slate"][row, place]
    slates = np.arange(len(number))
    return {
        "user": values["user_id"][row] if "user_id" in values else session,
        "item": values["item_id"][row, index],
        "time": slates[row] + _BETWEEN_SESSIONS * session,
        "session": session,
        "slate": slates[row],
        "place": place,
        "clicked": values["clicked"][row, place].astype(np.int8),
        "reward": place_rewards(values)[row, place],
        "propensity": values["propensity"][row],
        "place_propensity": values["place_propensity"][row, place],
        "prefix_propensity": values["prefix_propensity"][row, place],
        "policy": np.array(policies)[values["policy"]][row],
        "step": values["step"][row],
        "is_terminal": values["is_terminal"][row].astype(np.int8),
        "is_over": values["is_over"][row].astype(np.int8),
        "shown_index": index,
        "slot": values["slot"][row],
    }


def _what_was_seen(
    values: Mapping[str, np.ndarray], scenario: Scenario, row: np.ndarray, place: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns the fields that were seen, the response to each item, and what else was at hand."""
    found = {}
    names = scenario.schema.column_names["response"]
    for k, name in enumerate(names):
        found[RESPONSE + name] = values["next_response"][row, place, k]
    for name in scenario.schema.boxes:
        if name != "candidates":
            found[CONTEXT + name] = values[name][row]
    if "candidates" in values:
        found["candidates"] = values["candidates"][row]
    found |= {name: values[name][row] for name in values if name.startswith(HIDDEN)}
    found["candidate_ids"] = values["item_id"][row]
    found["candidate_propensity"] = values["candidate_propensity"][row, place]
    return found
