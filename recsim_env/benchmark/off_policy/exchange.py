"""Logs of steps as other libraries of offline learning and evaluation take them."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from recsim_env.agents.core.replay import NEXT
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationEnv
from recsim_env.envs.action_forms import AllSlates
from recsim_env.envs.resolving import scenario_id, settings_of
from recsim_env.formats.files import replacing

#: More slates than these are no discrete actions that anything learns.
_MAX_SLATES = 20_000

#: What a file for each library ends with; Minari's data sets have names instead.
SUFFIXES = {"obp": ".npz", "scope-rl": ".npz", "d3rlpy": ".h5", "minari": ""}


def obp_feedback(log: PolicyLog) -> dict[str, Any]:
    """Returns a log as the feedback dict of Open Bandit Pipeline.

    Actions are items, by id; where these are not known, or candidates have no place in a catalogue,
    the indices of candidates. Of slates there is a row for each place, with the keys of
    `obp.dataset.SyntheticSlateBanditDataset`. Where other candidates are offered at every step,
    actions that were not offered have no chance: estimators that sum over all actions must know.

    Args:
      log: of steps, each a choice of its own.
    """
    n, size = log["slate"].shape
    items = log.columns.get("item_id")
    action = log["slate"] if items is None else np.take_along_axis(items, log["slate"], axis=1)
    n_actions = log.n_candidates if items is None else _n_items(log)
    context = _flat(log, without=("candidates",))
    if size == 1:
        return {
            "n_rounds": n,
            "n_actions": n_actions,
            "context": context,
            "action_context": _item_features(log, action, n_actions),
            "action": action[:, 0],
            "position": None,
            "reward": log["reward"].astype(np.float64),
            "pscore": log["propensity"],
        }
    place, prefix = log.places("place"), log.places("prefix")
    if place is None or prefix is None:
        raise ValueError("the log has no propensities of places; log with this version")
    return {
        "n_rounds": n,
        "n_unique_action": n_actions,
        "slate_id": np.repeat(np.arange(n), size),
        "context": context,
        "action_context": _item_features(log, action, n_actions),
        "action": action.ravel(),
        "position": np.tile(np.arange(size), n),
        "reward": log.place_rewards.astype(np.float64).ravel(),
        "pscore": np.repeat(log["propensity"], size),
        "pscore_item_position": place.ravel(),
        "pscore_cascade": prefix.ravel(),
    }


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
        "observations": _flat(log),
        "actions": _numbers(log)[:, None],
        "rewards": log["reward"].astype(np.float32)[:, None],
        "terminals": terminal.astype(np.float32),
        "timeouts": (is_last & ~terminal).astype(np.float32),
    }


def scope_rl_dataset(log: PolicyLog) -> dict[str, Any]:
    """Returns a log as SCOPE-RL's dict of logged data, of sessions that are all as long.

    Raises:
      ValueError: sessions differ in length, or there are too many slates.
    """
    whole = log.select(np.flatnonzero(log.is_complete))
    lengths = np.unique(whole.lengths)
    if len(lengths) != 1:
        raise ValueError(
            f"sessions of {lengths.min()} to {lengths.max()} steps: SCOPE-RL takes sessions that "
            "are all as long; log with a horizon that nobody leaves before"
        )
    columns = mdp_columns(whole)
    n_actions = len(_slates(whole).table)
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


def minari_dataset(log: PolicyLog, name: str) -> Any:
    """Makes a data set of Minari of a log, from which the environment can be recovered.

    Observations are dicts, actions slates; `infos` hold the propensities, of the step before as the
    rewards do (1 at the beginning). What was seen after the last step is known of float fields
    alone: ids are those before it, and of a table all.

    Args:
      log: of a scenario.
      name: of the data set, such as ``"recsim-env/music-v0"``.

    Raises:
      ImportError: without Minari.
      ValueError: the log is of no scenario, or the data set exists.
    """
    try:
        from minari import create_dataset_from_buffers
        from minari.data_collector import EpisodeBuffer
    except ImportError as error:
        raise ImportError("data sets of Minari need it: pip install minari h5py pillow") from error
    env = _environment(_scenario(log))
    sessions = []
    for start, length in zip(log.starts.tolist(), log.lengths.tolist(), strict=True):
        rows = slice(start, start + length)
        slates = log["slate"][rows].astype(np.int64)
        is_over = log["is_over"][rows].astype(bool)
        terminated = log["is_terminal"][rows].astype(bool)
        truncated = is_over & ~terminated
        truncated[-1] |= not is_over[-1]  # the log cuts it off
        sessions.append(
            EpisodeBuffer(
                observations=_with_last(log, rows),
                actions=slates[:, 0] if log.slate_size == 1 else slates,
                rewards=log["reward"][rows].astype(np.float64),
                terminations=terminated,
                truncations=truncated,
                infos=_propensities(log, rows),
            )
        )
    try:
        return create_dataset_from_buffers(
            name, sessions, env=env, algorithm_name=", ".join(log.about.get("policies", []))
        )
    finally:
        env.close()


def export_steps(log: PolicyLog, library: str, out: str) -> str:
    """Writes a log for another library; returns what was written.

    Args:
      log: of steps.
      library: one of `SUFFIXES`.
      out: a file with its suffix, or the name of a data set of Minari. A .npz file holds the
        entries of the dict: `{k: v[()] for k, v in np.load(file, allow_pickle=False).items()}`.

    Raises:
      ValueError: another suffix, or the log does not suit.
      ImportError: the library is needed, and is not there.
    """
    if library == "minari":
        minari_dataset(log, out)
        return f"data set {out}"
    path = Path(out)
    if path.suffix != SUFFIXES[library]:
        raise ValueError(f"cannot write {out}: its name must end with {SUFFIXES[library]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if library == "d3rlpy":
        _write_mdp(log, path)
        return str(path)
    found = obp_feedback(log) if library == "obp" else scope_rl_dataset(log)
    plain = {k: v for k, v in found.items() if v is not None and not isinstance(v, dict)}
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **plain)
    return str(path)


def _write_mdp(log: PolicyLog, path: Path) -> None:
    try:
        from d3rlpy.constants import ActionSpace
        from d3rlpy.dataset import MDPDataset
    except ImportError as error:
        raise ImportError("files of d3rlpy need it: pip install d3rlpy") from error
    data = MDPDataset(
        **mdp_columns(log),
        action_space=ActionSpace.DISCRETE,
        action_size=len(_slates(log).table),
    )
    with replacing(path) as draft, draft.open("w+b") as file:
        data.dump(file)


def _environment(scenario: Scenario) -> Any:
    """Returns the scenario's environment, with the spec to make it again where it has an id."""
    try:
        env_id = scenario_id(type(scenario).__name__)
    except ValueError:
        return RecommendationEnv(scenario)
    known = settings_of(env_id)
    env = gymnasium.make(
        env_id, **{k: v for k, v in scenario.settings.items() if known.get(k) != v}
    )
    same: Any = env.unwrapped
    return env if same.scenario == scenario else RecommendationEnv(scenario)


def _scenario(log: PolicyLog) -> Any:
    if log.scenario is None:
        raise ValueError("the log is of no scenario, and sessions need one")
    return log.scenario


def _flat(log: PolicyLog, without: tuple[str, ...] = ()) -> np.ndarray:
    """Returns what was seen as numbers in a row, (n, d), in the order of flat environments."""
    names = log.scenario.schema.boxes if log.scenario else log.about.get("context", ())
    parts = [log[name].reshape(len(log), -1) for name in names if name not in without]
    return np.hstack(parts).astype(np.float32) if parts else np.zeros((len(log), 0), np.float32)


def _slates(log: PolicyLog) -> AllSlates:
    return AllSlates(_scenario(log), ordered=True, max_slates=_MAX_SLATES)


def _numbers(log: PolicyLog) -> np.ndarray:
    """Returns the numbers of the logged slates among all ordered ones, (n,)."""
    radix = log.n_candidates ** np.arange(log.slate_size)[::-1]
    codes = _slates(log).table @ radix  # ascending: slates are listed in order
    found = np.searchsorted(codes, log["slate"] @ radix)
    if not np.array_equal(codes[np.minimum(found, len(codes) - 1)], log["slate"] @ radix):
        raise ValueError("slates that repeat an item have no number; log a policy that shows none")
    return np.asarray(found)


def _n_items(log: PolicyLog) -> int:
    known = log.scenario.n_items if log.scenario else 0
    return int(known or log["item_id"].max() + 1)


def _item_features(log: PolicyLog, action: np.ndarray, n_actions: int) -> np.ndarray:
    """Returns what items looked like where they were shown last, (n_actions, d); 0 if never."""
    if "candidates" not in log.columns:
        return np.eye(n_actions)
    rows = np.arange(len(log))[:, None]
    found = np.zeros((n_actions, log["candidates"].shape[2]))
    found[action] = log["candidates"][rows, log["slate"]]
    return found


def _with_last(log: PolicyLog, rows: slice) -> dict[str, np.ndarray]:
    """Returns what was seen before each step of a session, and after its last."""
    found = {}
    for name, values in log.observation(rows).items():
        after = log.columns.get(NEXT + name, log[name])[rows.stop - 1]
        found[name] = np.concatenate([values, after[None]])
    return found


def _propensities(log: PolicyLog, rows: slice) -> dict[str, np.ndarray]:
    found = {"propensity": log["propensity"][rows]}
    for name in ("place", "prefix"):
        values = log.places(name)
        if values is not None:
            found[f"{name}_propensity"] = values[rows]
    return {n: np.concatenate([np.ones_like(v[:1]), v]) for n, v in found.items()}
