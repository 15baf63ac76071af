"""Data sets of Minari, from logs and back."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.agents.core.world import describe_world
from recsim_env.benchmark.off_policy.flat import scenario_of
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationEnv
from recsim_env.envs.resolving import scenario_id, settings_of

#: Columns that `infos` hold, of the step before as the rewards do.
_OF_STEPS = (
    "propensity",
    "place_propensity",
    "prefix_propensity",
    "candidate_propensity",
    "is_over",
)


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
    env = _environment(scenario_of(log))
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
                infos=_infos(log, rows),
            )
        )
    try:
        return create_dataset_from_buffers(
            name, sessions, env=env, algorithm_name=", ".join(log.about.get("policies", []))
        )
    finally:
        env.close()


def from_minari(data: Any) -> PolicyLog:
    """Returns a log of a data set of Minari that `minari_dataset` made, or one like it.

    Its environment must be one of ours; propensities may be lacking.

    Args:
      data: of `minari.load_dataset`.

    Raises:
      ValueError: the environment is another's, or sessions hold something else.
    """
    scenario = getattr(data.recover_environment().unwrapped, "scenario", None)
    if not isinstance(scenario, Scenario):
        raise ValueError(
            "the data set is of no environment of recsim-env, so that no agent could act in it; "
            "give its arrays to from_scope_rl or from_obp"
        )
    parts: list[dict[str, np.ndarray]] = []
    for number, each in enumerate(data.iterate_episodes()):
        parts.append(_columns(each, number))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    about = describe_world(scenario) | {"policies": [_algorithm(data)]}
    return PolicyLog.of(LoggedSteps(columns, about), scenario, needs_propensities=False)


def _columns(session: Any, number: int) -> dict[str, np.ndarray]:
    """Returns the columns of one session."""
    n, seen = len(session.rewards), session.observations
    slates = np.asarray(session.actions, np.int32).reshape(n, -1)
    infos: Mapping[str, np.ndarray] = session.infos or {}
    over = np.asarray(session.terminations) | np.asarray(session.truncations)
    columns = {name: np.asarray(values)[:-1] for name, values in seen.items()}
    columns |= {NEXT + name: np.asarray(values)[1:] for name, values in seen.items()}
    is_clicked = "response" in seen
    return columns | {
        "slate": slates,
        "clicked": columns[NEXT + "response"][:, :, 0] > 0 if is_clicked else slates >= 0,
        "reward": np.asarray(session.rewards, np.float32),
        "is_terminal": np.asarray(session.terminations, np.float32),
        "is_over": over,
        "session_number": np.full(n, number, np.int32),
        "step": np.arange(n, dtype=np.int32),
        **{name: np.asarray(infos[name])[1:] for name in _OF_STEPS if name in infos},
    }


def _algorithm(data: Any) -> str:
    return str(data.storage.metadata.get("algorithm_name") or "the logging policy")


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


def _with_last(log: PolicyLog, rows: slice) -> dict[str, np.ndarray]:
    """Returns what was seen before each step of a session, and after its last."""
    found = {}
    for name, values in log.observation(rows).items():
        after = log.columns.get(NEXT + name, log[name])[rows.stop - 1]
        found[name] = np.concatenate([values, after[None]])
    return found


def _infos(log: PolicyLog, rows: slice) -> dict[str, np.ndarray]:
    """Returns propensities, and whether the session was over; 1 before the first step."""
    found = {name: log[name][rows] for name in _OF_STEPS if name in log.columns}
    return {n: np.concatenate([np.ones_like(v[:1]), v]) for n, v in found.items()}
