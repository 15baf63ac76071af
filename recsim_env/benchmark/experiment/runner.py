"""Plays all runs of a benchmark in parallel processes, and keeps each as it finishes."""

import contextlib
import functools
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from recsim_env.agents import make_agent
from recsim_env.benchmark.experiment.kept import Playable, check_joinable, joinable, noted, plain
from recsim_env.benchmark.experiment.plan import LeftOut, make_plan
from recsim_env.benchmark.experiment.run import Run, play
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.benchmark.provenance import versions
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.results.layout import RunKey
from recsim_env.results.table import ResultTable


@dataclass(frozen=True)
class BenchmarkOutcome:
    """What a call of `run_benchmark` did.

    Attributes:
      folder: where table, settings and versions are.
      n_runs: runs that the settings ask for.
      n_kept: of them, finished before, with these settings.
      failed: (scenario, agent, seed) of the runs that failed; the table has their errors.
      left_out: agents that do not suit a scenario.
      foreign: (scenario, agent, seed) of runs in the folder that these settings do not ask for.
      damage: what was wrong with the folder's table, where it was overwritten.
    """

    folder: Path
    n_runs: int
    n_kept: int
    failed: tuple[tuple[str, str, int], ...]
    left_out: tuple[LeftOut, ...]
    foreign: tuple[tuple[str, str, int], ...]
    damage: tuple[str, ...] = ()


def run_benchmark(
    settings: BenchmarkSettings,
    folder: str | Path,
    *,
    command: str = "",
    progress_bar: bool = False,
    overwrite: bool = False,
) -> BenchmarkOutcome:
    """Plays what is not yet in the folder's table, and returns what happened.

    Every finished run is on disk before the next is awaited: whoever is interrupted and calls again
    with the same settings loses the runs that were in progress. A run that raises becomes a
    `failed` row, its traceback a file in `errors/`, and is tried again by the next call. Scenarios,
    agents and seeds may be added to a folder by later calls.

    Args:
      settings: what to compare.
      folder: where results are kept; made if need be.
      command: what a person would type to repeat this; kept with the settings.
      progress_bar: whether to show a line with rate and time left, on a terminal.
      overwrite: whether finished runs of other settings are replaced, and damaged ones.

    Raises:
      ValueError: settings that a scenario or an agent does not have, or a folder that holds
        something else, runs of other settings among it.
      OSError: the folder cannot be written.
      RuntimeError: a process of a run was killed, or another one adds runs to the folder.
    """
    plan = make_plan(settings)
    before, _ = check_joinable(folder, plan.runs, plan.configs, overwrite=overwrite)
    check_agent_settings(missing(before, plan.runs))
    with joinable(folder, plan.runs, plan.configs, overwrite=overwrite) as table:
        asked = settings.as_dict() | {"command": command}
        asked |= noted(table, plan.runs, plan.configs, plan.left_out, command)
        table.write_settings(plain(asked), versions())
        waiting = missing(table, plan.runs)
        warm_up({id(run.scenario): run.scenario for run in waiting}.values())
        failed = keep(table, plan.runs, play, jobs=settings.jobs, progress_bar=progress_bar)
    return BenchmarkOutcome(
        folder=table.folder,
        n_runs=len(plan.runs),
        n_kept=len(plan.runs) - len(waiting),
        failed=failed,
        left_out=plan.left_out,
        foreign=foreign(table, plan.runs),
        damage=table.damage,
    )


AnyRun = TypeVar("AnyRun", bound=Playable)
Played = tuple[list[dict[str, Any]], str]
"""The rows of a run, and its traceback if it failed."""


def missing(table: ResultTable, runs: Sequence[AnyRun]) -> list[AnyRun]:
    """Returns the runs that the table lacks, or holds with other settings, or as failed."""
    return [run for run in runs if run.key not in table.finished_runs(run.config_hash)]


def keep(
    table: ResultTable,
    runs: Sequence[AnyRun],
    play: Callable[[AnyRun], Played],
    *,
    jobs: int,
    progress_bar: bool,
) -> tuple[RunKey, ...]:
    """Plays the runs that a table lacks, adds each as it ends, and returns those that failed.

    Args:
      table: where rows go; tracebacks go to `errors/` beside it.
      runs: all that are asked for.
      play: plays one; it may run in another process.
      jobs: processes; -1 is one per core.
      progress_bar: whether to show a line, on a terminal.

    Raises:
      RuntimeError: a process was killed.
    """
    waiting, failed = missing(table, runs), []
    n_kept = len(runs) - len(waiting)
    with tqdm(total=len(runs), initial=n_kept, unit="run", disable=_quiet(progress_bar)) as shown:
        for run, rows, trace in _played(waiting, play, jobs):
            table.append_run(rows)
            _keep_trace(table.folder, run.key, trace)
            failed += [run.key] if trace else []
            shown.update()
    return tuple(sorted(failed))


def _quiet(progress_bar: bool) -> bool | None:
    return None if progress_bar else True  # None: shown on a terminal only


def _played(
    runs: list[AnyRun], play: Callable[[AnyRun], Played], jobs: int
) -> Iterator[tuple[AnyRun, list[dict[str, Any]], str]]:
    """Yields each run as it ends, with its rows and, if it failed, its traceback."""
    from joblib import delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    main_id = os.getpid()
    calls = [delayed(_play_indexed)(index, play, run, main_id) for index, run in enumerate(runs)]
    ended = _as_they_end(calls, 1 if len(runs) == 1 else jobs)
    try:
        for index, rows, trace in ended:
            yield runs[index], rows, trace
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a process of a run was killed, often for want of memory; the same command goes on "
            "with what is left, with fewer jobs in less memory"
        ) from error
    finally:
        ended.close()


def _as_they_end(calls: list[Any], jobs: int) -> Generator[tuple[int, list[dict[str, Any]], str]]:
    """Yields what calls return, as soon as joblib's backend tells.

    Some backends (multiprocessing, Ray) tell only of all calls that they were given. They are given
    as many as they make at once, so that no more are lost when somebody interrupts.
    """
    from joblib import Parallel, effective_n_jobs
    from joblib.parallel import get_active_backend

    jobs = max(1, min(jobs, len(calls))) if jobs > 0 else jobs
    backend, _ = get_active_backend()
    if getattr(backend, "supports_return_generator", False):
        parallel = Parallel(
            jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs"
        )
        with _starting_apart():
            ended = parallel(calls)
        try:
            yield from ended
        finally:
            ended.close()
        return
    at_once = effective_n_jobs(jobs)
    with Parallel(jobs, batch_size=1) as parallel:
        for first in range(0, len(calls), at_once):
            yield from parallel(calls[first : first + at_once])


@contextlib.contextmanager
def _starting_apart() -> Iterator[None]:
    """Lets the processes that start meanwhile not hear Ctrl-C, and start in any folder.

    Ctrl-C is this process's to answer: it ends the others. And a file in the current folder that is
    called as a module of Python's own must not be taken for it.
    """
    from joblib.externals.loky.backend import resource_tracker

    safe_path = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    resource_tracker.ensure_running()  # it would let Ctrl-C through again once it has started
    is_main = threading.current_thread() is threading.main_thread()
    mask = getattr(signal, "pthread_sigmask", lambda how, signals: signals)  # not on Windows
    before = mask(getattr(signal, "SIG_BLOCK", 0), {signal.SIGINT})
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        yield
    finally:
        if safe_path is None:
            del os.environ["PYTHONSAFEPATH"]
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        mask(getattr(signal, "SIG_SETMASK", 0), before)


_taking_turns = threading.RLock()


def _play_indexed(
    index: int, play: Callable[[AnyRun], Played], run: AnyRun, main_id: int
) -> tuple[int, list[dict[str, Any]], str]:
    if os.getpid() != main_id:
        _end_with_parent()
    # Torch's generator, and how many threads compute, belong to the process: runs in threads of
    # one would draw each other's numbers.
    with _taking_turns:
        return index, *play(run)


@functools.cache
def _end_with_parent() -> None:
    """Lets this process end when its parent does: a killed benchmark leaves nothing running."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, name="recsim-env-watch", daemon=True).start()


def check_agent_settings(runs: Iterable[Run]) -> None:
    """Makes every agent once whose settings are given, so that wrong ones are told before the work.

    Raises:
      ValueError: a setting out of range.
    """
    checked: list[Any] = []
    for run in runs:
        one = (run.scenario_label, run.agent_label)
        if run.agent_settings and one not in checked:
            checked.append(one)
            env = RecommendationVectorEnv(run.scenario, num_envs=1)
            try:
                make_agent(run.agent, env, **run.agent_settings)
            except ValueError as error:
                raise ValueError(f"agent {run.agent_label}: {error}") from error
            finally:
                env.close()


def warm_up(scenarios: Iterable[Scenario]) -> None:
    """Compiles the loops of scenarios once, so that other processes find them on disk."""
    for scenario in scenarios:
        env = RecommendationVectorEnv(scenario, num_envs=1)
        env.reset(seed=0)
        env.step(env.action_space.sample())
        if scenario.expected_reward is not Scenario.expected_reward:
            env.expected_reward()
        if scenario.long_term_value is not None:
            env.long_term_value()
        env.close()


def _keep_trace(folder: Path, key: RunKey, trace: str) -> None:
    """Writes the traceback of a failed run, or removes that of an earlier failure."""
    name = "-".join(re.sub(r"[^A-Za-z0-9._]+", "-", str(part)) for part in key)
    file = folder / "errors" / f"{name}.log"
    if trace:
        file.parent.mkdir(exist_ok=True)
        file.write_text(trace, encoding="utf-8")
    elif file.exists():
        file.unlink()


def foreign(table: ResultTable, runs: Iterable[Playable]) -> tuple[RunKey, ...]:
    """Returns the runs in the table that are not among those asked for."""
    asked = {run.key for run in runs}
    found = {table.layout.key(row) for row in table.rows()}
    return tuple(sorted(found - asked))
