"""Logs of simulated people under an agent, with propensities, as files for other tools."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.agents import Agent, as_agent
from recsim_env.agents.core.fitted import ImpressionLog
from recsim_env.agents.core.interaction import Interaction
from recsim_env.agents.core.step_log import STEP_COLUMNS, LoggedSteps, StepRecorder
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.agents.core.world import describe_world
from recsim_env.benchmark.evaluation import acting_in
from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.training import description_file
from recsim_env.core.scenario import Scenario
from recsim_env.data.log import InteractionLog
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
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
}

#: Sessions begin so many seconds after the last: longer than what ends a session where logs are
#: read.
_BETWEEN_SESSIONS = 7_200

#: What a file of whole steps, from `record_steps`, ends with.
STEPS_SUFFIX = ".npz"


@dataclass(frozen=True, eq=False)
class Recording:
    """What people did while a frozen agent served them, one row for every item shown.

    Attributes:
      columns: name to values, as `COLUMNS` explains; sessions one after the other, each in order.
      about: what made them, as JSON values.
    """

    columns: dict[str, np.ndarray]
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.columns["item"])

    def clicks(self) -> InteractionLog:
        """Returns what was clicked, as `read_log` reads it of the file with duplicates="keep".

        Raises:
          ValueError: nothing was.
        """
        rows = self.columns["clicked"] > 0
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
        of `log.csv` are in `log.csv.json`.

        Raises:
          ValueError: another suffix.
          ImportError: a Parquet file without pyarrow.
        """
        path = Path(path)
        beside = description_file(path)
        write_columns(path, self.columns)
        with replacing(beside) as draft:
            draft.write_text(json.dumps(self.about, indent=2) + "\n", encoding="utf-8")
        return beside


def unrecordable(scenario: Scenario) -> str | None:
    """Returns a sentence saying why people in a scenario leave no log, or None."""
    name = type(scenario).__name__
    if not scenario.n_items:
        return f"a log needs item ids, and {name} with these settings has none; set n_items"
    if "response" not in scenario.schema.spaces:
        return f"a log needs responses, and {name} shows none"
    return None


def record(
    agent: Any,
    scenario: str | type[Scenario] | Scenario,
    *,
    interactions: int,
    seed: int = 0,
    num_envs: int = 16,
    n_draws: int = 1_000,
    progress_bar: bool = False,
) -> Recording:
    """Returns the log of simulated people under a frozen agent, which still explores.

    The agent is frozen, so that the log is one policy's and sessions do not depend on each other:
    those that were played side by side are written one after the other. The last ones may be cut
    off. Its generator is replaced for the time, as in `evaluate`.

    Args:
      agent: one of ours, having learned whatever it shall know; a function or a model of
        Stable-Baselines3, as in `evaluate`.
      scenario: where to play, by name, id, class or instance.
      interactions: how many slates to show.
      seed: of the people, what they do and the agent.
      num_envs: people who are served side by side.
      n_draws: of each propensity that has to be drawn; see `Agent.slate_probability`.
      progress_bar: whether to show progress on a terminal.

    Raises:
      ValueError: items have no ids, or no response is seen.
      TypeError: `agent` is none of these.
    """
    scenario = resolve_scenario(scenario)
    reason = unrecordable(scenario)
    if reason is not None:
        raise ValueError(reason)
    agent = _telling(agent, scenario)
    log, propensities, rewards = ImpressionLog(scenario), list[Any](), list[np.ndarray]()
    for transition in _played(
        agent, scenario, interactions, seed, num_envs=num_envs, n_draws=n_draws, bar=progress_bar
    ):
        log.append(transition)
        propensities.append(transition.propensity)
        rewards.append(transition.rewards)
    columns = _columns(
        log, np.concatenate(propensities), np.concatenate(rewards), n_slates=interactions
    )
    about = _about(agent, scenario, interactions, seed, num_envs, n_draws) | {
        "rows": len(columns["item"]),
        "sessions": int(columns["session"][-1]) + 1,
        "clicks": int(columns["clicked"].sum()),
        "columns": COLUMNS,
    }
    return Recording(columns, about)


def record_steps(
    agent: Any,
    scenario: str | type[Scenario] | Scenario,
    *,
    interactions: int,
    seed: int = 0,
    num_envs: int = 16,
    n_draws: int = 1_000,
    progress_bar: bool = False,
) -> LoggedSteps:
    """Plays people as `record` does, and keeps whole steps, which other agents learn from.

    Steps stand as they were played, a batch after the other. Items need no ids here.

    Args:
      agent, scenario, interactions, seed, num_envs, n_draws, progress_bar: as in `record`.

    Raises:
      ValueError: items have no observable features.
      TypeError: `agent` is none of these.
    """
    scenario = resolve_scenario(scenario)
    if "candidates" not in scenario.schema.spaces:
        name = type(scenario).__name__
        raise ValueError(f"logged steps need item features, and {name} shows none")
    agent = _telling(agent, scenario)
    recorder, blocks = StepRecorder(scenario), list[dict[str, np.ndarray]]()
    recorder.begin(num_envs)
    for transition in _played(
        agent, scenario, interactions, seed, num_envs=num_envs, n_draws=n_draws, bar=progress_bar
    ):
        blocks.append(recorder.rows(transition))
    columns = {
        name: np.concatenate([block[name] for block in blocks])[:interactions] for name in blocks[0]
    }
    about = _about(agent, scenario, interactions, seed, num_envs, n_draws) | {
        "rows": len(columns["reward"]),
        "sessions": len(np.unique(columns["session_number"])),
        "clicks": int(columns["clicked"].sum()),
        "columns": STEP_COLUMNS,
    }
    return LoggedSteps(columns, about)


def _telling(agent: Any, scenario: Scenario) -> Agent:
    """Returns an agent that tells how likely its slates are.

    Raises:
      TypeError: it does not.
    """
    found = as_agent(agent, RecommendationVectorEnv(scenario))
    if not isinstance(found, Agent):
        raise TypeError(
            f"agent={agent!r:.80} does not tell how likely its slates are; give a function from "
            "observations to slates, or an agent of make_agent or load_agent"
        )
    return found


def _about(
    agent: Agent, scenario: Scenario, interactions: int, seed: int, num_envs: int, n_draws: int
) -> dict[str, Any]:
    """Returns how a log was made, as JSON values."""
    is_exact = agent.draws_slates is None
    return describe_world(scenario) | {
        "agent": f"{type(agent).__module__}:{type(agent).__qualname__}",
        "agent_settings": agent.settings.as_dict(),
        "learned_from": agent.num_timesteps,
        "interactions": interactions,
        "seed": seed,
        "num_envs": num_envs,
        "propensity": "exact" if is_exact else f"mean of {n_draws:,} draws",
        "versions": versions(),
    }


def _played(
    agent: Agent,
    scenario: Scenario,
    interactions: int,
    seed: int,
    *,
    num_envs: int,
    n_draws: int,
    bar: bool,
) -> Iterator[Transition]:
    """Yields at least that many slates in batches, with the propensity of each."""
    env = RecommendationVectorEnv(scenario, num_envs=num_envs)

    def policy(observation: Observation, state: Any) -> tuple[np.ndarray, np.ndarray]:
        slates = agent.recommend(observation, state, deterministic=False)
        return slates, agent.propensity(observation, slates, state, n_draws=n_draws)

    with contextlib.closing(env), acting_in(agent, env, seed):
        interaction = Interaction(agent)
        interaction.enter(seed=seed)
        yield from interaction.run(interactions, progress_bar=bar, policy=policy)


def _columns(
    log: ImpressionLog, propensity: np.ndarray, paid: np.ndarray, *, n_slates: int
) -> dict[str, np.ndarray]:
    """Returns the first slates of the log as columns, one session after the other.

    Args:
      log: what was shown.
      propensity, paid: of each slate, how likely it was and what it earned.
      n_slates: how many to return.
    """
    rows = np.flatnonzero(log["slate"] < n_slates)
    rows = rows[
        np.argsort(log["session"][rows], kind="stable")
    ]  # within a session: by slate and place
    slate_played = log["slate"][rows]
    is_first = np.diff(slate_played, prepend=-1) != 0
    slate, clicked = np.cumsum(is_first) - 1, log["clicked"][rows]
    session = np.cumsum(np.diff(log["session"][rows], prepend=log["session"][rows[0]]) != 0)
    return {
        "user": log["user_id"][rows] if len(log.users()) else session,
        "item": log["item_id"][rows],
        "time": slate + _BETWEEN_SESSIONS * session,
        "session": session,
        "slate": slate,
        "place": np.arange(len(rows)) - np.flatnonzero(is_first)[slate],
        "clicked": clicked.astype(np.int8),
        "reward": _shares(log["reward"][rows], clicked, slate, paid[slate_played]),
        "propensity": propensity[slate_played],
    }


def _shares(
    by_clicks: np.ndarray, clicked: np.ndarray, slate: np.ndarray, paid: np.ndarray
) -> np.ndarray:
    """Returns what each row earned, so that the rows of a slate add up to what it was paid.

    Agents, which learn from clicks, are told nothing of what is paid without one; a log tells all.

    Args:
      by_clicks: rows' shares of what slates earned by clicks.
      clicked, slate, paid: of each row, whether it was clicked, its slate and what that earned.
    """
    n_clicked, n_shown = np.bincount(slate, clicked)[slate], np.bincount(slate)[slate]
    shares = np.where(n_clicked > 0, by_clicks, (paid / n_shown).astype(by_clicks.dtype))
    return shares + np.zeros_like(shares)  # 0 instead of -0
