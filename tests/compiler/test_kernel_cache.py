"""Compiled loops on disk: those of different processes keep apart; no fault of a disk matters."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import recsim_env

pytestmark = pytest.mark.processes

PACKAGE = Path(recsim_env.__file__).parent

# A scenario with `n` records more or less is another layout under the same names.
_PROGRAM = """
import sys
import time
from dataclasses import dataclass
import numpy as np
from recsim_env import RecommendationVectorEnv, Scenario
from recsim_env.core.fields import shown

@dataclass(frozen=True, kw_only=True)
class Counting(Scenario):
    n_counters: int = 1

    def user_layout(self):
        return {"counters": shown(float, 0, 1e9, self.n_counters), "visits": int}

    def item_layout(self):
        return {"kind": int}

    def response_layout(self):
        return {"clicked": bool}

    @staticmethod
    def begin_episode(config, user, items, rng):
        for index in range(config.n_counters):
            user.counters[index] = 10.0 * config.n_counters

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        for index in range(config.n_counters):
            user.counters[index] += index
        return 1.0, False

for n in map(int, sys.argv[1:]):
    env = RecommendationVectorEnv(Counting(n_counters=n, slate_size=n), num_envs=50)
    env.reset(seed=0)
    observation, *_ = env.step(np.tile(np.arange(n), (50, 1)))
    expected = 10.0 * n + np.arange(n)
    assert (observation["user"] == expected).all(), observation["user"]
    print(observation["user"].sum())
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "counting.py"
    path.write_text(_PROGRAM)
    return path


def test_layouts_compiled_by_different_processes_do_not_run_each_other_s_code(tmp_path, program):
    def run(*sizes):
        return subprocess.run(
            [sys.executable, program, *map(str, sizes)],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
        )

    for sizes in ((1,), (7,), (1, 7), (7, 1)):
        done = run(*sizes)
        assert done.returncode == 0, f"{sizes}: {done.stderr[-2000:]}"


_WARNING = "compiled code is not kept"


def run_with(locators="", before="", **environment):
    """Runs a batch in a fresh process; returns what it printed and what it warned of."""
    if locators:
        environment["NUMBA_CACHE_LOCATOR_CLASSES"] = locators
    done = subprocess.run(
        [sys.executable, "-c", before + _PROGRAM, "2"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_where_no_folder_is_writable_it_compiles_without_a_cache_and_says_so_once():
    # The one place that Numba is let to look at is that of notebooks, which this is none of.
    printed, warned = run_with("IPythonCacheLocator")
    assert warned.count(f"RuntimeWarning: {_WARNING}") == 1, warned
    assert "NUMBA_CACHE_DIR" in warned
    assert printed == run_with()[0]


@pytest.mark.parametrize(
    "module",
    ["agents.recommenders.bpr", "agents.recommenders.neighbours", "data.calibration.taste_chain"],
)
def test_all_that_is_compiled_does_without_a_cache(module):
    _, warned = run_with("IPythonCacheLocator", before=f"import recsim_env.{module}\n")
    assert warned.count(f"RuntimeWarning: {_WARNING}") == 1, warned


def test_nothing_is_compiled_that_needs_a_cache():
    files = [
        path
        for folder in (PACKAGE, PACKAGE / "agents", PACKAGE / "scenarios")
        for path in folder.resolve().rglob("*.py")
        if path.name != "kernel_cache.py"
    ]
    assert len(files) > 100
    assert [path for path in files if "cache=True" in path.read_text(encoding="utf-8")] == []


def test_a_disk_that_fills_up_costs_the_cache_and_nothing_else(tmp_path):
    full = """
import errno
from numba.core import caching
def refuse(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")
caching.IndexDataCacheFile.save = refuse
"""
    printed, warned = run_with(before=full, NUMBA_CACHE_DIR=str(tmp_path))
    assert warned.count(f"RuntimeWarning: {_WARNING}") == 1, warned
    assert "No space left on device" in warned
    assert printed == run_with()[0]


def test_damaged_files_of_the_cache_are_replaced(tmp_path):
    printed, _ = run_with(NUMBA_CACHE_DIR=str(tmp_path))
    for suffix in (".nbi", ".nbc"):  # Numba's index, and the code
        files = sorted(tmp_path.rglob(f"*{suffix}"))
        whole = [file.stat().st_size for file in files]
        for file in files:
            file.write_bytes(file.read_bytes()[:40])
        assert run_with(NUMBA_CACHE_DIR=str(tmp_path)) == (printed, "")
        assert [file.stat().st_size for file in files] == whole


CODE = """
import time
import recsim_env, gymnasium
start = time.perf_counter()
env = gymnasium.make("recsim_env/InterestEvolution-v0")
env.reset(seed=0)
env.step([0, 1, 2])
print(time.perf_counter() - start, env.unwrapped._simulator.kernel.is_compiled)
"""


def run_elsewhere(**environment):
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, is_compiled = done.stdout.split()
    return float(seconds), is_compiled == "True"


def test_the_second_process_loads_the_kernel_instead_of_compiling(tmp_path):
    cold, _ = run_elsewhere(NUMBA_CACHE_DIR=str(tmp_path))
    warm = min(run_elsewhere(NUMBA_CACHE_DIR=str(tmp_path))[0] for _ in range(3))
    assert warm < cold / 2


NOTEBOOK = """
import sys
import time
exec(open(sys.argv[1]).read(), {"__name__": "notebook"})
"""

SCENARIO = """
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

class Mine(LongTermSatisfaction):
    @staticmethod
    def sample_item(config, item, rng):
        item.clickbait = 0.25

env = RecommendationVectorEnv(Mine, num_envs=2)
assert (env.reset(seed=0)[0]["candidates"] == 0.25).all()
"""


def test_a_scenario_outside_any_module_loads_from_the_cache(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(SCENARIO)
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", NOTEBOOK, str(script)],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            check=True,
        )


def test_disable_jit_still_works():
    start = time.perf_counter()
    _, is_compiled = run_elsewhere(NUMBA_DISABLE_JIT="1")
    assert not is_compiled
    assert time.perf_counter() - start < 60
