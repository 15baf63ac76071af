"""Plays runs in parallel processes, on one thread each, and keeps each run as it finishes."""

import contextlib
import functools
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from recsim_env.benchmark.runs.kept import Playable
from recsim_env.results.layout import Row, RunKey
from recsim_env.results.table import ResultTable

AnyRun = TypeVar("AnyRun", bound=Playable)
Played = tuple[list[Row], str]
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


def rows_or_error(play: Callable[[], list[Row]]) -> tuple[list[Row], str]:
    """Returns the rows of a run, timed and on one thread; of a failed one a row and traceback."""
    start = time.perf_counter()
    try:
        with one_thread():
            rows = play()
        trace = ""
    except Exception as error:
        rows = [{"phase": "failed", "error": f"{type(error).__name__}: {error}"}]
        trace = traceback.format_exc()
    rows[-1]["wall_seconds"] = time.perf_counter() - start
    return rows, trace


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Lets numerical libraries use one thread: sums, and so results, depend on their number.

    One that is loaded only in the meantime reads the environment variable.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    torch = sys.modules.get("torch")
    n_torch_threads = torch.get_num_threads() if torch else 1
    with contextlib.ExitStack() as stack:
        if torch:
            torch.set_num_threads(1)
            stack.callback(torch.set_num_threads, n_torch_threads)
        stack.enter_context(threadpool_limits(1))
        try:
            yield
        finally:
            os.environ.pop("OMP_NUM_THREADS")
            if before is not None:
                os.environ["OMP_NUM_THREADS"] = before
