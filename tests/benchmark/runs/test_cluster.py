"""Real clusters on this machine, where `pip install "recsim-env[cluster]"` was done (not in CI)."""

import os
import signal
from dataclasses import replace

import pytest

from recsim_env.benchmark import run_benchmark
from recsim_env.benchmark.runs.backends import play_all
from recsim_env.benchmark.runs.places import working_on
from tests.benchmark.experiment.test_runner import TINY, numbers
from tests.benchmark.runs.test_backends import Run, killed_once, play

pytestmark = [pytest.mark.processes, pytest.mark.filterwarnings("default")]  # theirs are not ours

REASON = 'needs pip install "recsim-env[cluster]"'


def dask_address():
    distributed = pytest.importorskip("distributed", reason=REASON)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def ray_address():
    ray = pytest.importorskip("ray", reason=REASON)
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield None
    ray.shutdown()


@pytest.fixture(scope="module", params=["dask", "ray"])
def cluster(request):
    """Yields the name and the address of a cluster of two workers."""
    addresses = {"dask": dask_address, "ray": ray_address}[request.param]()
    yield request.param, next(addresses)
    next(addresses, None)


def test_a_cluster_gives_the_results_of_this_machine(cluster, tmp_path):
    run_benchmark(TINY, tmp_path / "here")
    with working_on(*cluster):
        outcome = run_benchmark(replace(TINY, jobs=-1), tmp_path / "there")
    assert (outcome.n_runs, outcome.failed) == (8, ())
    assert numbers(tmp_path / "there") == numbers(tmp_path / "here")


def test_a_worker_that_is_killed_loses_no_run(cluster, tmp_path):
    runs, numbers_told, notes = [Run(n, tmp_path) for n in range(6)], [], []
    with working_on(*cluster):
        play_all(
            runs,
            killed_once,
            jobs=2,
            ended=lambda run, rows, trace: numbers_told.append((run.number, rows)),
            note=notes.append,
        )
    assert sorted(numbers_told) == [(run.number, play(run)[0]) for run in runs]
    assert len(notes) == 1
    assert "worker" in notes[0]


def test_an_interrupt_ends_the_runs_of_workers(cluster, tmp_path):
    def interrupt(run, rows, trace):
        os.kill(os.getpid(), signal.SIGINT)

    runs = [Run(n, tmp_path) for n in range(2)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with working_on(*cluster), pytest.raises(KeyboardInterrupt):
            play_all(runs, endless, jobs=2, ended=interrupt, note=print)
        (pid,) = (int(file.name) for file in (tmp_path / "playing").iterdir())
        assert has_ended_there(tmp_path, pid)
    finally:
        signal.signal(signal.SIGINT, before)


def endless(run):
    """Plays the second run for ever, and leaves a file that grows while it does."""
    import time

    folder = run.folder / "playing"
    if run.number == 0:
        while not folder.exists():
            time.sleep(0.05)
        return play(run)
    folder.mkdir()
    file = folder / str(os.getpid())
    while True:
        with file.open("a") as content:
            content.write(".")
        time.sleep(0.05)


def has_ended_there(folder, pid):
    """Returns whether the file stops growing within ten seconds."""
    import time

    file = folder / "playing" / str(pid)
    for _ in range(10):
        size = file.stat().st_size
        time.sleep(1.0)
        if file.stat().st_size == size:
            return True
    return False
