"""Hands runs to joblib's backend, whichever it is, and tells of each as it ends."""

import contextlib
import copy
import functools
import os
import platform
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky.backend import resource_tracker
from joblib.externals.loky.process_executor import BrokenProcessPool
from joblib.parallel import LokyBackend, get_active_backend

from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.runs.cluster import MOST_TRIES, ClusterBackend, ClusterFault
from recsim_env.benchmark.runs.kept import Playable
from recsim_env.results.layout import Row

AnyRun = TypeVar("AnyRun", bound=Playable)
Played = tuple[list[Row], str]
"""The rows of a run, and its traceback if it failed."""

_Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def play_all(
    runs: Sequence[AnyRun],
    play: Callable[[AnyRun], Played],
    *,
    jobs: int,
    ended: Callable[[AnyRun, list[Row], str], None],
    note: Callable[[str], None],
) -> None:
    """Plays runs where joblib's active backend carries calls out, by default in processes.

    A run whose process was killed is played again, a few times.

    Args:
      runs: to play, in this order.
      play: plays one, somewhere else.
      jobs: how many at once; -1 is one per core, of a cluster too.
      ended: called with each as it ends, its rows and, if it failed, its traceback; by one thread
        at a time, which may be another than this.
      note: called with a sentence for the user where a process was killed.

    Raises:
      RuntimeError: processes are killed again and again, or the cluster cannot play runs.
    """
    backend, _ = get_active_backend()
    where = {
        "main_id": os.getpid(),
        "ends_with_parent": isinstance(backend, LokyBackend),
        "expected": versions() if isinstance(backend, ClusterBackend) else None,
    }
    if isinstance(backend, ClusterBackend):
        backend.note = note
    left = dict(enumerate(runs))

    def end(found: tuple[int, list[Row], str]) -> None:
        index, rows, trace = found
        ended(left.pop(index), rows, trace)

    for n_tries in range(1, MOST_TRIES + 1):
        if not left:
            break
        calls = [delayed(_play_there)(index, play, run, where) for index, run in left.items()]
        try:
            _carry_out(calls, jobs, end, apart=n_tries > 1)
        except BrokenProcessPool as error:
            if n_tries == MOST_TRIES:
                raise RuntimeError(
                    f"processes of runs were killed {MOST_TRIES} times, often for want of memory; "
                    "the same command goes on with what is left, with fewer jobs in less memory"
                ) from error
            note("a process was killed, often for want of memory; its runs are played again")
        except ClusterFault as fault:
            raise RuntimeError(str(fault)) from fault


def _carry_out(calls: list[_Call], jobs: int, tell: Callable[[Any], None], *, apart: bool) -> None:
    """Tells what calls return, each as it ends.

    Args:
      calls: to be carried out.
      jobs: how many at once.
      tell: called with what each returns.
      apart: whether even a single one may not be carried out here: it may take its process along.
    """
    backend, _ = get_active_backend()
    apart = apart or isinstance(backend, ClusterBackend)
    if not apart and (len(calls) == 1 or effective_n_jobs(jobs) == 1):
        for function, arguments, named in calls:
            tell(function(*arguments, **named))
        return
    jobs = max(2, min(jobs, len(calls))) if jobs > 0 else jobs
    one_by_one: dict[str, Any] = {"batch_size": 1, "pre_dispatch": "n_jobs"}
    if not getattr(backend, "supports_return_generator", False):
        Parallel(jobs, backend=_telling(backend, tell), **one_by_one)(calls)
        return
    with _starting_apart():
        ended = Parallel(jobs, return_as="generator_unordered", **one_by_one)(calls)
    try:
        with warnings.catch_warnings():
            # A process that has grown, by what agents import and compile, is replaced by another.
            warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
            for each in ended:
                tell(each)
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it leaves others unfinished
            ended.close()


def _telling(backend: Any, tell: Callable[[Any], None]) -> Any:
    """Returns a copy of a backend that tells what each call returns where it takes that over.

    Of backends that hand over all results together (multiprocessing, the one that Ray brings),
    whoever is interrupted would lose every run that had ended.
    """
    telling = copy.copy(backend)
    has_callback = backend.supports_retrieve_callback
    name = "retrieve_result_callback" if has_callback else "retrieve_result"
    take_over = getattr(telling, name)

    def taken_over(*arguments: Any, **named: Any) -> Any:
        results = take_over(*arguments, **named)
        for each in results:
            tell(each)
        return results

    setattr(telling, name, taken_over)
    return telling


@contextlib.contextmanager
def _starting_apart() -> Iterator[None]:
    """Lets the processes that start meanwhile not hear Ctrl-C, and start in any folder.

    Ctrl-C is this process's to answer: it ends the others. And a file in the current folder that is
    called as a module of Python's own must not be taken for it.
    """
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


def _play_there(
    index: int, play: Callable[[AnyRun], Played], run: AnyRun, where: Mapping[str, Any]
) -> tuple[int, list[Row], str]:
    """Plays a run, in whatever process this is.

    Raises:
      ClusterFault: its packages are of other versions than the caller's.
    """
    if where["ends_with_parent"] and os.getpid() != where["main_id"]:
        _end_with_parent()
    if where["expected"] is not None:
        _require_versions(where["expected"])
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


def _require_versions(expected: Mapping[str, str]) -> None:
    """Raises ClusterFault where other versions than the caller's would give other numbers."""
    here = versions()
    of_machine = ("platform", "machine")
    differing = [
        f"{name} {here.get(name, 'is missing')} instead of {version}"
        for name, version in expected.items()
        if name not in of_machine and here.get(name) != version
    ]
    if differing:
        raise ClusterFault(
            f"a worker on {platform.node()} has {', '.join(differing)}; install there what is "
            "installed here, or results would not be comparable"
        )
