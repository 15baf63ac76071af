"""Runs in processes, threads and clusters: told as they end, and played again where one is lost."""

import itertools
import os
import signal
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import joblib
import pytest
from joblib.externals.loky import process_executor

from recsim_env.benchmark.runs import backends
from recsim_env.benchmark.runs.backends import play_all
from recsim_env.benchmark.runs.cluster import (
    MOST_TRIES,
    ClusterBackend,
    ClusterFault,
    LostWorker,
)
from recsim_env.benchmark.runs.places import working_on

pytestmark = pytest.mark.processes


@dataclass(frozen=True)
class Run:
    """A run that needs no simulation."""

    number: int
    folder: Path
    config_hash: str = "0"

    @property
    def key(self):
        return "world", "agent", self.number


def play(run):
    return [{"seed": run.number}], ""


def wait_until(is_so):
    """Returns once something is so; without end it would hold up all tests."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def play_one_late(run):
    """Plays the second run only once that is allowed."""
    if run.number == 1:
        wait_until((run.folder / "told").exists)
    return play(run)


def killed_once(run):
    """Kills the process of the first run, when it is first played."""
    if run.number == 0 and not (run.folder / "begun").exists():
        (run.folder / "begun").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return play(run)


def killed_always(run):
    if run.number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return play(run)


def told_of(runs, play, jobs=2, ended=None):
    """Returns the numbers of the runs in the order in which they were told, and what was noted."""
    numbers, notes = [], []

    def keep(run, rows, trace):
        assert (rows, trace) == play_here(run)
        numbers.append(run.number)
        if ended:
            ended(run)

    play_here = globals()["play"]
    play_all(runs, play, jobs=jobs, ended=keep, note=notes.append)
    return numbers, notes


@pytest.fixture
def runs(tmp_path):
    return [Run(number, tmp_path) for number in range(6)]


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_a_long_run_holds_up_no_other(backend, runs, tmp_path):
    def ended(run):
        if run.number == 5:
            (tmp_path / "told").touch()

    with joblib.parallel_config(backend=backend):
        numbers, _ = told_of(runs, play_one_late, ended=ended)
    assert numbers == [0, 2, 3, 4, 5, 1]


def test_runs_whose_process_was_killed_are_played_again_and_it_is_said(runs):
    numbers, notes = told_of(runs, killed_once)
    assert sorted(numbers) == [0, 1, 2, 3, 4, 5]
    assert len(notes) == 1
    assert "a process was killed" in notes[0]


def play_and_grow(run):
    """Plays a run in a process that counts as grown too large from its next run on."""
    process_executor._MEMORY_LEAK_CHECK_DELAY = 0.0
    process_executor._MAX_MEMORY_LEAK_SIZE = -1
    return play(run)


def test_a_process_that_has_grown_is_replaced_without_a_word(runs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told, notes = told_of(runs, play_and_grow)
    assert len(told) == len(runs)
    assert not notes


def test_a_run_that_kills_its_process_each_time_ends_in_an_error(runs, monkeypatch):
    monkeypatch.setattr(backends, "MOST_TRIES", 2)
    with pytest.raises(RuntimeError, match="killed 2 times.*goes on with what is left"):
        told_of(runs, killed_always)


class Threads(ClusterBackend):
    """A cluster of threads that loses the worker of the first run a few times."""

    title = "Threads"

    def __init__(self, n_losses=0):
        super().__init__("here")
        self.pool, self.n_losses = ThreadPoolExecutor(4), n_losses
        self.n_begun, self.cancelled = 0, []

    def n_workers(self):
        return 1

    def begin(self, call):
        self.n_begun += 1
        return self.pool.submit(call)

    def result(self, task):
        found = task.result()
        if found[0][0] == 0 and self.n_losses:
            self.n_losses -= 1
            raise LostWorker("it went")
        return found

    def cancel(self, task):
        self.cancelled.append(task)

    def close(self):
        self.pool.shutdown()


def test_a_run_whose_worker_was_lost_is_played_again_and_it_is_said(runs):
    with joblib.parallel_config(backend=Threads(n_losses=2)):
        numbers, notes = told_of(runs, play, jobs=-1)
    assert sorted(numbers) == [0, 1, 2, 3, 4, 5]
    assert notes == ["Threads lost a worker (it went); its run is played again"] * 2


def test_a_run_whose_workers_are_always_lost_ends_in_an_error(runs):
    with (
        joblib.parallel_config(backend=Threads(n_losses=MOST_TRIES)),
        pytest.raises(RuntimeError, match=f"lost {MOST_TRIES} workers over one run"),
    ):
        told_of(runs, play)


def test_a_cluster_plays_even_a_single_run(runs):
    cluster = Threads(n_losses=1)
    with joblib.parallel_config(backend=cluster):
        assert told_of(runs[:1], play, jobs=1)[0] == [0]
    assert cluster.n_losses == 0


def test_an_interrupt_ends_what_the_cluster_plays(runs, tmp_path):
    """Threads take turns, in any order: whichever run comes first ends, with others begun."""
    cluster, turn = Threads(), itertools.count()

    def play_first(run):
        is_first = next(turn) == 0
        wait_until(lambda: cluster.n_begun > 1 if is_first else (tmp_path / "told").exists())
        return play(run)

    def interrupt(run):
        raise KeyboardInterrupt

    with joblib.parallel_config(backend=cluster), pytest.raises(KeyboardInterrupt):
        told_of(runs, play_first, ended=interrupt)
    (tmp_path / "told").touch()
    assert cluster.cancelled


def test_workers_with_other_versions_are_refused(runs, monkeypatch):
    found = iter([{"python": "3.11", "numpy": "2.4"}])
    monkeypatch.setattr(
        backends, "versions", lambda: next(found, {"python": "3.11", "numpy": "2.3"})
    )
    with (
        joblib.parallel_config(backend=Threads()),
        pytest.raises(RuntimeError, match=r"has numpy 2\.3 instead of 2\.4; install there"),
    ):
        told_of(runs, play)


@pytest.mark.parametrize(
    ("backend", "address", "error", "message"),
    [
        ("mpi", None, ValueError, "backend='mpi' is unknown; known are loky, dask, ray"),
        (None, "head:6379", ValueError, r"\(--address\) .* name the backend of the cluster too"),
        ("loky", "head:6379", ValueError, "of no use to loky"),
        ("dask", "nowhere.json", ValueError, "there is no file nowhere.json; give the --address"),
    ],
)
def test_wrong_backends_are_told(backend, address, error, message):
    with pytest.raises(error, match=message), working_on(backend, address):
        pass


def in_time(backend, address):
    """Raises what working there raises, unless it takes long."""
    begun = time.monotonic()
    try:
        with warnings.catch_warnings(), working_on(backend, address):
            pass
    finally:
        assert time.monotonic() - begun < 15


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_cluster_that_is_not_there_is_told_within_seconds(backend):
    pytest.importorskip({"dask": "distributed"}.get(backend, backend), reason="docs/cluster.md")
    with pytest.raises(ClusterFault, match="nothing listens at 127.0.0.1:9"):
        in_time(backend, "127.0.0.1:9")


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_missing_library_says_what_to_install(backend, monkeypatch):
    monkeypatch.setitem(os.sys.modules, {"dask": "distributed"}.get(backend, backend), None)
    with pytest.raises(ImportError, match=f"--backend {backend} needs .* pip install"):
        in_time(backend, "127.0.0.1:9")
