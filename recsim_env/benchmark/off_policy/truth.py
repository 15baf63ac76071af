"""What an agent truly earns from the people of a simulated log, by letting it serve them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents import Agent
from recsim_env.benchmark.evaluation import acting_in, evaluate
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.results.intervals import Estimate, estimate


@dataclass(frozen=True)
class TrueValues:
    """What an agent earns, with the error of having asked only so many people.

    Attributes:
      slate: reward of a slate in the moments of the log.
      session: reward of a session, served by the agent from its beginning.
    """

    slate: Estimate
    session: Estimate


def true_values(
    agent: Agent, log: PolicyLog, *, explores: bool = False, n_sessions: int | None = None
) -> TrueValues:
    """Returns what an agent earns from the people of a log, on the same random numbers.

    A slate's value is of the moments that the logging policies led to: at each of them people are
    copied, and the copy is served by the agent once. A session's is of sessions of the same people
    that the agent serves from their beginning.

    Args:
      agent: in the world of the log.
      log: of simulated people, as `recsim-env log` wrote it.
      explores: as of `target_chances`.
      n_sessions: to serve, rounded up to a multiple of the people side by side; by default as
        many as the log has.

    Raises:
      ValueError: the log is not of these people.
    """
    if log.scenario is None or "slot" not in log.columns:
        raise ValueError("only a log of simulated people, by this version, has a true value")
    slates = np.empty(len(log))
    returns = []
    runs = log.about["runs"]
    for number, run in enumerate(runs):
        rows = np.flatnonzero(log["policy"] == number)
        slates[rows] = _slate_rewards(agent, log, rows, run, explores=explores)
        wanted = n_sessions or len(log.starts)
        per_slot = -(-wanted // (run["num_envs"] * len(runs)))
        found = evaluate(
            agent,
            log.scenario,
            n_episodes=per_slot * run["num_envs"],
            num_envs=run["num_envs"],
            seed=run["seed"],
            deterministic=not explores,
        )
        returns.append(found.returns)
    group = np.unique(log.people, return_inverse=True)[1]
    return TrueValues(_clustered(slates, group), estimate(np.concatenate(returns)))


def _clustered(values: np.ndarray, group: np.ndarray) -> Estimate:
    """Returns the mean of values, with the error of people's sums."""
    n = int(group.max()) + 1
    mean = float(values.mean())
    residuals = np.bincount(group, values - mean, minlength=n) * n / len(values)
    found = estimate(mean + residuals)
    return found


def _slate_rewards(
    agent: Agent, log: PolicyLog, rows: np.ndarray, run: dict[str, Any], *, explores: bool
) -> np.ndarray:
    """Returns what copies of the people paid for the agent's slates, at each logged moment."""
    assert log.scenario is not None
    env = RecommendationVectorEnv(log.scenario, num_envs=run["num_envs"])
    copies = env.twin()
    replay = _Replay(log, rows, run["num_envs"])
    earned = np.empty(len(log))
    try:
        with acting_in(agent, env, run["seed"]):
            observation, _ = env.reset(seed=run["seed"])
            copies.reset(seed=run["seed"])
            state, begins = agent.begin_state(env.num_envs), np.ones(env.num_envs, bool)
            while replay.is_going:
                state = agent.next_state(state, observation, begins)
                own = agent.recommend(observation, state, deterministic=not explores)
                logged, row = replay.now()
                copies.state = env.state
                paid = copies.step(_as_actions(own))[1]
                earned[row[row >= 0]] = paid[row >= 0]
                state = agent.remember(state, observation, logged)
                observation, rewards, terminated, truncated, _ = env.step(_as_actions(logged))
                _require_same(log["reward"][row], rewards, row >= 0)
                begins = replay.advance(terminated | truncated)
    finally:
        env.close()
        copies.close()
    return earned[rows]


class _Replay:
    """Walks through the logged steps of people side by side, as they were played.

    Args:
      log: sessions of each slot, in order.
      rows: those of one run.
      num_envs: how many people there were side by side.
    """

    def __init__(self, log: PolicyLog, rows: np.ndarray, num_envs: int) -> None:
        slot = log["slot"][rows]
        self._queues = [rows[slot == each] for each in range(num_envs)]
        self._next = np.zeros(num_envs, np.int64)
        self._is_over = np.zeros(num_envs, bool)
        self._slates = log["slate"]

    @property
    def is_going(self) -> bool:
        """Whether steps are left."""
        return any(
            at < len(queue) for at, queue in zip(self._next.tolist(), self._queues, strict=True)
        )

    def now(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the slates shown now, and their rows; -1 where a session only begins, or none."""
        row = np.array(
            [
                queue[at] if at < len(queue) and not over else -1
                for queue, at, over in zip(
                    self._queues, self._next.tolist(), self._is_over, strict=True
                )
            ]
        )
        slates = self._slates[np.maximum(row, 0)].copy()
        slates[row < 0] = np.arange(slates.shape[1])
        return slates, row

    def advance(self, is_over: np.ndarray) -> np.ndarray:
        """Goes on by a step; returns where a session has just begun."""
        begins = self._is_over
        self._next += ~begins
        self._is_over = ~begins & is_over
        return begins


def _as_actions(slates: np.ndarray) -> np.ndarray:
    return slates[:, 0] if slates.shape[1] == 1 else slates


def _require_same(logged: np.ndarray, paid: np.ndarray, is_logged: np.ndarray) -> None:
    """Raises ValueError where people pay otherwise than the log says."""
    if not np.allclose(logged[is_logged], paid[is_logged], rtol=1e-5, atol=1e-6):
        raise ValueError(
            "the people of the log pay otherwise than it says; it is of another version or world, "
            "so that there is no true value (leave it out with --no-truth)"
        )
