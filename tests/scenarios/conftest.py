"""One way to play a scenario under a policy, and one to say that something is clearly more."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.core.online import top_slates
from recsim_env.agents.core.transition import Observation
from recsim_env.envs import RecommendationVectorEnv

#: Scores the candidates, (n, n_candidates), by all of an environment and what is seen of it.
Policy = Callable[[RecommendationVectorEnv, Observation, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Played:
    """One episode of each of `n` people: row i has common random numbers for every policy.

    Attributes:
      returns: (n,), sum of rewards.
      lengths: (n,), slates shown.
      has_left: (n,), whether the person ended it, and not the horizon.
      infos: what the environment told at each one's last step.
      watched: (steps, ...), what was watched before each step.
    """

    returns: np.ndarray
    lengths: np.ndarray
    has_left: np.ndarray
    infos: Mapping[str, np.ndarray]
    watched: np.ndarray


@functools.cache
def play_once(
    env_id: str,
    policy: str | Policy,
    *,
    n: int = 1024,
    watch: Callable[[RecommendationVectorEnv], Any] | None = None,
    ablate: str = "",
    **settings: Any,
) -> Played:
    env: Any = gymnasium.make_vec(f"recsim_env/{env_id}", num_envs=n, threads=2, **settings)
    score = policy if callable(policy) else scores_of(policy, env, ablate)
    observation, infos = env.reset(seed=0)
    rng, watched = np.random.default_rng(0), []
    returns, lengths = np.zeros(n), np.zeros(n)
    has_left, is_running = np.zeros(n, bool), np.ones(n, bool)
    last = {name: value.copy() for name, value in infos.items() if not name.startswith("_")}
    while is_running.any():
        if watch is not None:
            watched.append(watch(env))
        slates = top_slates(score(env, observation, rng), env.scenario.slate_size, rng)
        observation, rewards, terminated, truncated, infos = env.step(slates)
        returns += rewards * is_running
        lengths += is_running
        has_left |= terminated & is_running
        for name, value in last.items():
            value[is_running] = infos[name][is_running]
        is_running &= ~(terminated | truncated)
    env.close()
    return Played(returns, lengths, has_left, last, np.array(watched))


def scores_of(name: str, env: RecommendationVectorEnv, ablate: str) -> Policy:
    settings: dict[str, Any] = {"ablate": ablate} if ablate else {}
    agent: Any = make_agent(name, env, **settings)
    return lambda env, observation, rng: agent.scores(observation, None, deterministic=True)


@pytest.fixture(scope="session")
def play() -> Callable[..., Played]:
    """Returns a function that plays one episode of everybody, once for the same arguments.

    Args:
      env_id: without the namespace.
      policy: the name of an agent that needs not learn ("uniform", "oracle", "far_sighted"), or a
        function of environment, observation and generator that scores the candidates.
      n: how many people.
      watch: called with the environment before each step.
      ablate: what an oracle does not know; see `Oracle`.
      **settings: of the scenario.
    """
    return play_once


@pytest.fixture(scope="session")
def assert_more() -> Callable[..., None]:
    """Returns a function: better > factor * worse on average, with 99.9 % confidence (paired)."""

    def check(better: np.ndarray, worse: Any = 0.0, factor: float = 1.0) -> None:
        margin = better - factor * worse
        error = margin.std(ddof=1) / np.sqrt(len(margin))
        assert margin.mean() > 3.3 * error, (better.mean(), np.mean(worse), error)

    return check
