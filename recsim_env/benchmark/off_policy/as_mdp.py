"""Logs as decision processes: d3rlpy's `MDPDataset` and SCOPE-RL's dict, and back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.benchmark.off_policy.flat import flat_observations, slate_numbers, slates_of
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.real_log import real_log, require_keys
from recsim_env.formats.files import replacing


def mdp_columns(log: PolicyLog) -> dict[str, np.ndarray]:
    """Returns the arguments of d3rlpy's `MDPDataset`: flat observations and numbers of slates.

    A session that the log cuts off counts as one that a limit of time ended.

    Args:
      log: of slates that can be listed; their numbers are those of `enumerate_slates`.

    Raises:
      ValueError: there are too many slates.
    """
    ends = log.starts + log.lengths - 1
    is_last = np.zeros(len(log), bool)
    is_last[ends] = True
    terminal = log["is_terminal"].astype(bool) & is_last
    return {
        "observations": flat_observations(log),
        "actions": slate_numbers(log)[:, None],
        "rewards": log["reward"].astype(np.float32)[:, None],
        "terminals": terminal.astype(np.float32),
        "timeouts": (is_last & ~terminal).astype(np.float32),
    }


def from_mdp(columns: Mapping[str, Any], *, name: str = "decision process") -> PolicyLog:
    """Returns a log of the arguments of d3rlpy's `MDPDataset`, which holds no propensities.

    Args:
      columns: `observations`, `actions` by number, `rewards`, `terminals`, and perhaps `timeouts`.
      name: of the log.

    Raises:
      ValueError: one is missing, or a number cannot be.
    """
    require_keys(columns, ("observations", "actions", "rewards", "terminals"), "the data set")
    terminal = np.asarray(columns["terminals"]).ravel() > 0
    timeouts = columns.get("timeouts")
    over = terminal if timeouts is None else terminal | (np.asarray(timeouts).ravel() > 0)
    actions = np.asarray(columns["actions"]).ravel()
    return real_log(
        name=name,
        action=actions,
        n_actions=int(columns.get("action_size") or actions.max() + 1),
        seen=columns["observations"],
        reward=columns["rewards"],
        is_over=over,
        is_terminal=terminal,
    )


def read_mdp(path: Path) -> PolicyLog:
    """Returns a log of a file of d3rlpy's `MDPDataset`, which lacks sessions of a single step.

    See `from_mdp`.

    Raises:
      ImportError: without d3rlpy.
      ValueError: it is no such file.
    """
    try:
        from d3rlpy.dataset import InfiniteBuffer, ReplayBuffer
    except ImportError as error:
        raise ImportError("files of d3rlpy need it: pip install d3rlpy") from error
    with path.open("rb") as file:
        data = ReplayBuffer.load(file, InfiniteBuffer())
    sessions = data.episodes
    ends = [np.arange(each.size()) == each.size() - 1 for each in sessions]
    columns = {
        "observations": np.concatenate([each.observations for each in sessions]),
        "actions": np.concatenate([each.actions for each in sessions]),
        "rewards": np.concatenate([each.rewards for each in sessions]),
        "terminals": np.concatenate(
            [is_end & each.terminated for is_end, each in zip(ends, sessions, strict=True)]
        ),
        "timeouts": np.concatenate(ends),
        "action_size": data.dataset_info.action_size,
    }
    return from_mdp(columns, name=path.stem)


def scope_rl_dataset(log: PolicyLog) -> dict[str, Any]:
    """Returns a log as SCOPE-RL's dict of logged data, of sessions that are all as long.

    Sessions whose end the log lacks are left out.

    Raises:
      ValueError: no session ends, they differ in length, or there are too many slates.
    """
    if not log.is_complete.any():
        raise ValueError(
            "no session of the log ends, and SCOPE-RL takes whole ones; log more interactions"
        )
    whole = log.select(np.flatnonzero(log.is_complete))
    lengths = np.unique(whole.lengths)
    if len(lengths) != 1:
        raise ValueError(
            f"sessions of {lengths.min()} to {lengths.max()} steps: SCOPE-RL takes sessions that "
            "are all as long; log with a horizon that nobody leaves before"
        )
    columns = mdp_columns(whole)
    n_actions = len(slates_of(whole).table)
    return {
        "size": len(whole),
        "n_trajectories": len(whole.starts),
        "step_per_trajectory": int(lengths[0]),
        "action_type": "discrete",
        "n_actions": n_actions,
        "action_dim": None,
        "action_meaning": {number: number for number in range(n_actions)},
        "action_keys": None,
        "state_dim": columns["observations"].shape[1],
        "state_keys": None,
        "state": columns["observations"],
        "action": columns["actions"][:, 0],
        "reward": columns["rewards"][:, 0].astype(np.float64),
        "done": columns["timeouts"] + columns["terminals"],
        "terminal": columns["terminals"],
        "info": {},
        "pscore": whole["propensity"],
        "behavior_policy": ", ".join(log.about.get("policies", ["logged"])),
        "dataset_id": 0,
    }


def from_scope_rl(data: Mapping[str, Any], *, name: str = "SCOPE-RL") -> PolicyLog:
    """Returns a log of SCOPE-RL's dict of logged data, of discrete actions.

    Args:
      data: with `n_actions`, `state`, `action`, `reward`, `done`, `terminal` and `pscore`.
      name: of the log.

    Raises:
      ValueError: one is missing, or a number cannot be.
    """
    needed = ("n_actions", "state", "action", "reward", "done", "terminal", "pscore")
    require_keys(data, needed, "the data set")
    return real_log(
        name=name,
        action=data["action"],
        n_actions=int(data["n_actions"]),
        seen=data["state"],
        reward=data["reward"],
        propensity=data["pscore"],
        is_over=data["done"],
        is_terminal=data["terminal"],
        policies=[str(data.get("behavior_policy", "the logging policy"))],
    )


def write_mdp(log: PolicyLog, path: Path) -> None:
    """Writes d3rlpy's `MDPDataset` of a log.

    Raises:
      ImportError: without d3rlpy.
    """
    try:
        from d3rlpy.constants import ActionSpace
        from d3rlpy.dataset import MDPDataset
    except ImportError as error:
        raise ImportError("files of d3rlpy need it: pip install d3rlpy") from error
    data = MDPDataset(
        **mdp_columns(log),
        action_space=ActionSpace.DISCRETE,
        action_size=len(slates_of(log).table),
    )
    with replacing(path) as draft, draft.open("w+b") as file:
        data.dump(file)
