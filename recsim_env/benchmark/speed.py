"""How fast people are simulated: the measurements that `recsim-env speed` prints."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import gymnasium
import numpy as np

from recsim_env.benchmark.names import make_scenario, scenario_id, scenario_ids
from recsim_env.benchmark.numpy_interest_evolution import NumpyInterestEvolution
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

_REPEATS = 5
_N_ACTIONS = 8
EVOLUTION = "recsim_env/InterestEvolution-v0"
SMALL_WORLD, HUGE_WORLD = (1_000, 1_000), (1_000_000_000, 1_000_000)

# A fresh process: how long until it steps, with and without what an earlier one compiled.
_START = """
import sys, time
import recsim_env
from recsim_env.benchmark.names import make_scenario
scenario = make_scenario(sys.argv[1])
start = time.perf_counter()
env = recsim_env.RecommendationVectorEnv(scenario, num_envs=1)
env.reset(seed=0)
env.step(env.action_space.sample())
print(time.perf_counter() - start)
"""

# A fresh process: interactions per second in a world of so many users and items, and peak memory.
_WORLD = """
import resource, sys
from recsim_env.benchmark.speed import batch_steps_per_second
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
n_users, n_items, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
scenario = RatedCatalogue(n_users=n_users, n_items=n_items)
rate = batch_steps_per_second(scenario, 4096, 1, seconds=seconds)
print(rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def rate_of(step: Callable[[int], object], steps_per_call: int, *, seconds: float) -> float:
    """Returns steps per second: the median of several measurements of about `seconds` in all.

    Args:
      step: called with 0, 1, 2, …
      steps_per_call: what one call counts for.
      seconds: how long to measure.
    """
    start, n_calls = time.perf_counter(), 0
    while time.perf_counter() - start < seconds / _REPEATS:
        step(n_calls)
        n_calls += 1
    rates = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        for call in range(n_calls):
            step(call)
        rates.append(n_calls * steps_per_call / (time.perf_counter() - start))
    return statistics.median(rates)


def _random_actions(scenario: Scenario, num_envs: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (num_envs, scenario.n_candidates)
    return [
        np.ascontiguousarray(rng.random(shape).argsort(axis=1)[:, : scenario.slate_size])
        for _ in range(_N_ACTIONS)
    ]


def batch_steps_per_second(
    scenario: Scenario, num_envs: int, threads: int, *, seconds: float
) -> float:
    """Returns interactions per second of a batch with uniform slates and the full observation."""
    env = RecommendationVectorEnv(scenario, num_envs=num_envs, threads=threads)
    actions = _random_actions(scenario, num_envs)
    env.reset(seed=0)
    env.step(actions[0])
    rate = rate_of(lambda k: env.step(actions[k % _N_ACTIONS]), num_envs, seconds=seconds)
    env.close()
    return rate


def single_steps_per_second(env_id: str, *, seconds: float) -> float:
    """Returns steps per second of `gymnasium.make`, dict observation, checks off."""
    scenario = make_scenario(env_id)
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


def ratio_to_numpy(num_envs: int, *, seconds: float) -> tuple[float, float]:
    """Returns interactions per second of the compiled and of the NumPy interest evolution.

    They are measured in turns, on one thread, so that a busy machine slows both.
    """
    scenario = InterestEvolution()
    actions = _random_actions(scenario, num_envs)
    env = RecommendationVectorEnv(scenario, num_envs=num_envs)
    env.reset(seed=0)
    env.step(actions[0])
    other = NumpyInterestEvolution(scenario, num_envs)
    pairs = []
    for _ in range(_REPEATS):
        share = seconds / _REPEATS
        ours = rate_of(lambda k: env.step(actions[k % _N_ACTIONS]), num_envs, seconds=share)
        theirs = rate_of(lambda k: other.step(actions[k % _N_ACTIONS]), num_envs, seconds=share)
        pairs.append((ours, theirs))
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def start_seconds(env_id: str) -> tuple[float, float]:
    """Returns seconds from import to the first step: compiling, and in the next process."""
    with tempfile.TemporaryDirectory() as cache:
        times = [float(_fresh_process(_START, env_id, NUMBA_CACHE_DIR=cache)[0]) for _ in range(2)]
    return times[0], times[1]


def world_speed(n_users: int, n_items: int, *, seconds: float) -> tuple[float, float]:
    """Returns interactions per second and the process's peak memory in GiB, measured alone."""
    rate, gibibytes = _fresh_process(_WORLD, str(n_users), str(n_items), str(seconds))
    return float(rate), float(gibibytes)


def _fresh_process(code: str, *arguments: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],  # -P: no modules of the current folder
        env=os.environ | environment,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        process_group=0,  # Ctrl-C is ours to answer
    )
    return done.stdout.split()


def print_speed(
    names: Sequence[str], batches: Sequence[int], threads: Sequence[int], *, seconds: float
) -> None:
    """Prints the tables of batches, starts and single environments, and the ratio to NumPy."""
    ids = [scenario_id(name) for name in names] or [
        env_id for env_id in scenario_ids() if env_id.startswith("recsim_env/")
    ]
    scenarios = {env_id: make_scenario(env_id) for env_id in ids}
    width = max(map(len, ids))
    print("million interactions per second, uniform slates, full observation")
    columns = [(batch, n) for batch in batches for n in threads]
    print(f"{'':{width}}" + "".join(f"{f'{batch} × {n}':>12}" for batch, n in columns))
    print(f"{'':{width}}" + f"{'batch × threads':>{12 * len(columns)}}")
    for env_id, scenario in scenarios.items():
        print(f"{env_id:{width}}", end="", flush=True)
        for batch, n in columns:
            rate = batch_steps_per_second(scenario, batch, n, seconds=seconds)
            print(f"{rate / 1e6:12.3f}", end="", flush=True)
        print()
    print(f"\n{'':{width}}{'compiling':>12}{'next start':>12}{'single env':>14}")
    for env_id in ids:
        cold, warm = start_seconds(env_id)
        single = single_steps_per_second(env_id, seconds=seconds)
        print(f"{env_id:{width}}{cold:10.2f} s{warm:10.2f} s{single:10,.0f} /s", flush=True)
    ours, theirs = ratio_to_numpy(4096, seconds=2 * seconds)
    print(
        f"\ninterest evolution, 4096 people, one thread: compiled {ours / 1e6:.2f} M/s, "
        f"NumPy {theirs / 1e6:.2f} M/s, ratio {ours / theirs:.1f}"
    )


def print_world_scale(*, seconds: float) -> None:
    """Prints how the size of a world matters: it should hardly."""
    rates = []
    for n_users, n_items in (SMALL_WORLD, HUGE_WORLD):
        rate, gibibytes = world_speed(n_users, n_items, seconds=seconds)
        rates.append(rate)
        print(
            f"a world of {n_users:,} users and {n_items:,} items: "
            f"{rate / 1e6:.2f} M interactions/s, peak memory {gibibytes:.2f} GiB"
        )
    print(f"the huge world steps at {rates[1] / rates[0]:.2f} of the speed of the small one")
