"""Logs of simulated people under an agent, with propensities, as files that other tools read."""

import csv
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from recsim_env.agents import Agent
from recsim_env.agents.feedback import Feedback
from recsim_env.agents.log_agent import ImpressionLog
from recsim_env.array_file import replacing
from recsim_env.benchmark.evaluation import acting_in
from recsim_env.benchmark.provenance import versions
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario

#: What each column of a recording means.
COLUMNS = {
    "user": "id of the person; the number of the visit where people have none",
    "item": "id of the item",
    "time": "seconds by a made-up clock: a slate a second, and at least an hour between visits",
    "visit": "number of the visit, from 0",
    "slate": "number of the slate, from 0",
    "place": "where the item stood, from 0, the first place",
    "clicked": "1 where it was clicked (played, consumed)",
    "reward": "the slate's, shared equally by its clicked items",
    "propensity": "how likely the agent showed this slate, in its order, to this person",
}

#: Visits begin so many seconds after the last: longer than what ends a session where logs are read.
_BETWEEN_VISITS = 7_200

_BLOCK_ROWS = 100_000

SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True, eq=False)
class Recording:
    """What people did while a frozen agent served them, one row for every item shown.

    Attributes:
      columns: name to values, as `COLUMNS` explains; visits one after the other, each in order.
      about: what made them, as JSON values.
    """

    columns: dict[str, np.ndarray]
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.columns["item"])

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Writes a .csv or .parquet file, and the settings beside it; returns the path of those.

        Either file is complete or absent; an old one is replaced. The folder is made.

        Raises:
          ValueError: another suffix.
          ImportError: a Parquet file without pyarrow.
        """
        path = checked_path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".json")
        with replacing(path) as draft:
            if path.suffix == ".csv":
                self._write_csv(draft)
            else:
                self._write_parquet(draft)
        with replacing(beside) as draft:
            draft.write_text(json.dumps(self.about, indent=2) + "\n", encoding="utf-8")
        return beside

    def _write_csv(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.columns)
            for first in range(0, len(self), _BLOCK_ROWS):
                block = slice(first, first + _BLOCK_ROWS)
                texts = [values[block].astype(str) for values in self.columns.values()]
                writer.writerows(zip(*texts, strict=True))

    def _write_parquet(self, path: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table(self.columns), path)


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Returns where a recording can be written.

    Raises:
      ValueError: another suffix than .csv or .parquet.
      ImportError: a Parquet file without pyarrow.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"cannot write {path}: its name must end with {' or '.join(SUFFIXES)}")
    if path.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ImportError('writing Parquet needs pyarrow: pip install "recsim-env[data]"')
    return path


def unrecordable(scenario: Scenario) -> str | None:
    """Returns a sentence saying why people in a scenario leave no log, or None."""
    name = type(scenario).__name__
    if not scenario.n_items:
        return f"a log needs item ids, and {name} with these settings has none; set n_items"
    if "response" not in scenario.space_fields():
        return f"a log needs responses, and {name} shows none"
    return None


def record(
    agent: Agent,
    scenario: Scenario,
    *,
    interactions: int,
    seed: int = 0,
    num_envs: int = 16,
    n_draws: int = 1_000,
    progress_bar: bool = False,
) -> Recording:
    """Plays people with an agent that no longer learns but still explores, and keeps all of it.

    The agent is frozen, so that the log is one policy's and visits do not depend on each other:
    those that were played side by side are written one after the other. The last ones may be cut
    off. Its generator is replaced for the time, as in `evaluate`.

    Args:
      agent: one of ours, having learned whatever it shall know.
      scenario: where to play.
      interactions: how many slates to show.
      seed: of the people, their luck and the agent's.
      num_envs: people who are served side by side.
      n_draws: of each propensity that has to be drawn; see `Agent.slate_probability`.
      progress_bar: whether to show progress on a terminal.

    Raises:
      ValueError: items have no ids, or no response is seen.
    """
    reason = unrecordable(scenario)
    if reason is not None:
        raise ValueError(reason)
    env = RecommendationVectorEnv(scenario, num_envs=num_envs)
    try:
        with acting_in(agent, env, seed):
            log, propensity = _play(
                agent, env, interactions, seed=seed, n_draws=n_draws, progress_bar=progress_bar
            )
    finally:
        env.close()
    columns = _columns(log, propensity, interactions)
    is_exact = agent.draws_slates is None
    about = {
        "scenario": _name(scenario),
        "scenario_settings": scenario.settings,
        "agent": _name(agent),
        "agent_settings": agent.settings,
        "learned_from": agent.num_timesteps,
        "interactions": interactions,
        "seed": seed,
        "num_envs": num_envs,
        "propensity": "exact" if is_exact else f"mean of {n_draws:,} draws",
        "rows": len(columns["item"]),
        "visits": int(columns["visit"][-1]) + 1,
        "clicks": int(columns["clicked"].sum()),
        "columns": COLUMNS,
        "versions": versions(),
    }
    return Recording(columns, about)


def _name(made: Agent | Scenario) -> str:
    return f"{type(made).__module__}:{type(made).__qualname__}"


def _play(
    agent: Agent,
    env: RecommendationVectorEnv,
    interactions: int,
    *,
    seed: int,
    n_draws: int,
    progress_bar: bool,
) -> tuple[ImpressionLog, np.ndarray]:
    """Returns the log of at least that many slates, and the propensity of each."""
    log, propensities, n_slates = ImpressionLog(env.scenario), list[np.ndarray](), 0
    observation, _ = env.reset(seed=seed)
    state, begins = None, np.ones(env.num_envs, bool)
    is_over = np.zeros(env.num_envs, bool)
    quiet = None if progress_bar else True  # None: only on a terminal
    with tqdm(total=interactions, unit="step", disable=quiet) as progress:
        while n_slates < interactions:
            before = state
            slates, state = agent.predict(observation, before, begins)
            chance = agent.slate_probability(observation, slates, before, begins, n_draws=n_draws)
            slates = slates.reshape(env.num_envs, -1)
            taken = env.step(slates)
            feedback = Feedback.of_batch(env.scenario, observation, slates, taken, is_over)
            log.append(feedback)
            propensities.append(chance[feedback.index])
            begins = is_over
            observation, _, terminated, truncated, _ = taken
            is_over = terminated | truncated
            progress.update(min(len(feedback.index), interactions - n_slates))
            n_slates += len(feedback.index)
    return log, np.concatenate(propensities)


def _columns(log: ImpressionLog, propensity: np.ndarray, n_slates: int) -> dict[str, np.ndarray]:
    """Returns the first slates of the log as columns, one visit after the other."""
    rows = np.flatnonzero(log["slate"] < n_slates)
    rows = rows[np.argsort(log["visit"][rows], kind="stable")]  # within a visit: by slate and place
    slate_played = log["slate"][rows]
    is_first = np.diff(slate_played, prepend=-1) != 0
    slate = np.cumsum(is_first) - 1
    visit = np.cumsum(np.diff(log["visit"][rows], prepend=log["visit"][rows[0]]) != 0)
    return {
        "user": log["user_id"][rows] if len(log.users()) else visit,
        "item": log["item_id"][rows],
        "time": slate + _BETWEEN_VISITS * visit,
        "visit": visit,
        "slate": slate,
        "place": np.arange(len(rows)) - np.flatnonzero(is_first)[slate],
        "clicked": log["clicked"][rows].astype(np.int8),
        "reward": log["reward"][rows],
        "propensity": propensity[slate_played],
    }
