"""How fast people are simulated: interactions per second, and seconds until the first."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, Protocol

import gymnasium
import numpy as np

from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.resolving import resolve_scenario

_REPEATS = 5
_N_ACTIONS = 8

# A fresh process: how long until it steps, with and without what an earlier one compiled.
_START = """
import sys, time
import recsim_env
from recsim_env.envs.resolving import resolve_scenario
scenario = resolve_scenario(sys.argv[1])
start = time.perf_counter()
env = recsim_env.RecommendationVectorEnv(scenario, num_envs=1)
env.reset(seed=0)
env.step(env.action_space.sample())
print(time.perf_counter() - start)
"""

# A fresh process: interactions per second in a world of so many users and items, and peak memory.
_WORLD = """
import resource, sys
from recsim_env.benchmark.speed import batch_speed
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
n_users, n_items, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
scenario = RatedCatalogue(n_users=n_users, n_items=n_items)
rate = batch_speed(scenario, 4096, 1, seconds=seconds)
print(rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def rate_of(
    step: Callable[[int], object],
    steps_per_call: int,
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Returns interactions per second, the median of several measurements of `seconds` in all.

    Args:
      step: called with 0, 1, 2, …
      steps_per_call: what one call counts for.
      seconds: how long to measure.
      clock: tells the time, or that of the processor.
    """
    start, n_calls = clock(), 0
    while clock() - start < seconds / _REPEATS:
        step(n_calls)
        n_calls += 1
    rates = []
    for _ in range(_REPEATS):
        start = clock()
        for call in range(n_calls):
            step(call)
        rates.append(n_calls * steps_per_call / (clock() - start))
    return statistics.median(rates)


def _random_actions(scenario: Scenario, num_envs: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (num_envs, scenario.n_candidates)
    return [
        np.ascontiguousarray(rng.random(shape).argsort(axis=1)[:, : scenario.slate_size])
        for _ in range(_N_ACTIONS)
    ]


def batch_speed(scenario: Scenario, num_envs: int, threads: int, *, seconds: float) -> float:
    """Returns interactions per second of a batch with uniform slates and the full observation."""
    env = RecommendationVectorEnv(scenario, num_envs=num_envs, threads=threads)
    actions = _random_actions(scenario, num_envs)
    env.reset(seed=0)
    env.step(actions[0])
    rate = rate_of(lambda k: env.step(actions[k % _N_ACTIONS]), num_envs, seconds=seconds)
    env.close()
    return rate


def single_speed(env_id: str, *, seconds: float) -> float:
    """Returns interactions per second of `gymnasium.make`, dict observation, checks off."""
    scenario = resolve_scenario(env_id)
    if ":" in env_id:  # a class of somebody's own, without an id
        env: gymnasium.Env = RecommendationEnv(scenario)
    else:
        env = gymnasium.make(env_id, disable_env_checker=True)
    slates = [slates[0] for slates in _random_actions(scenario, 1)]
    env.reset(seed=0)

    def step(call: int) -> None:
        slate = slates[call % _N_ACTIONS]
        _, _, terminated, truncated, _ = env.step(slate if len(slate) > 1 else slate[0])
        if terminated or truncated:
            env.reset()

    return rate_of(step, 1, seconds=seconds)


def frame_seconds(scenario: Scenario, n_frames: int = 40) -> tuple[float, float]:
    """Returns what a picture of a single environment takes.

    Args:
      scenario: whose people are drawn.
      n_frames: how many steps are drawn.

    Returns:
      seconds of processor time of the first picture, and the median of the others.
    """
    env = RecommendationEnv(scenario, render_mode="rgb_array")
    slates = [slates[0] for slates in _random_actions(scenario, 1)]
    env.reset(seed=0)
    took = []
    for call in range(n_frames):
        slate = slates[call % _N_ACTIONS]
        _, _, terminated, truncated, _ = env.step(slate if len(slate) > 1 else slate[0])
        started = time.process_time()
        env.render()
        took.append(time.process_time() - started)
        if terminated or truncated:
            env.reset()
    return took[0], statistics.median(took[1:])


class Reference(Protocol):
    """A simulator of the same people by other means; made with a scenario and how many they are."""

    def step(self, slates: np.ndarray) -> object:
        """Shows everybody a slate, (num_envs, slate_size); an episode that ends is followed."""


def rates_against(
    reference: Callable[[Scenario, int], Reference],
    scenario: Scenario,
    num_envs: int,
    *,
    seconds: float,
) -> tuple[float, float]:
    """Returns interactions per second of the compiled kernel and of another simulator.

    They are measured in turns, on one thread, by the time of the processor, which a busy machine
    changes less than that of the clock.
    """
    actions = _random_actions(scenario, num_envs)
    env = RecommendationVectorEnv(scenario, num_envs=num_envs, threads=1)
    env.reset(seed=0)
    env.step(actions[0])
    other = reference(scenario, num_envs)

    def rate(people: Any) -> float:
        share = seconds / _REPEATS
        show = people.step
        return rate_of(
            lambda k: show(actions[k % _N_ACTIONS]), num_envs, seconds=share, clock=time.thread_time
        )

    pairs = []
    for _ in range(_REPEATS):
        pairs.append((rate(env), rate(other)))
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def start_seconds(env_id: str) -> tuple[float, float]:
    """Returns seconds from import to the first step: compiling, and in the next process."""
    with tempfile.TemporaryDirectory() as cache:
        times = [float(fresh_process(_START, env_id, NUMBA_CACHE_DIR=cache)[0]) for _ in range(2)]
    return times[0], times[1]


def world_speed(n_users: int, n_items: int, *, seconds: float) -> tuple[float, float]:
    """Returns interactions per second and the process's peak memory in GiB, measured alone."""
    rate, gibibytes = fresh_process(_WORLD, str(n_users), str(n_items), str(seconds))
    return float(rate), float(gibibytes)


def fresh_process(code: str, *arguments: str, **environment: str) -> list[str]:
    """Returns the words that code prints in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],  # -P: no modules of the current folder
        env=os.environ | environment,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        process_group=0,  # Ctrl-C is ours to answer
    )
    return done.stdout.split()
