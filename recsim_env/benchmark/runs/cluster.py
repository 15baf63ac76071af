"""Clusters as backends of joblib: Dask's and Ray's workers play runs, this process waits and keeps.

Both libraries come with a backend of joblib of their own. Ray's hands calls to workers in turn,
however busy or dead they are, and neither ends a run that nobody waits for any more. Here each call
is a task of the cluster's own scheduler, and a thread of this process waits for it; so runs are
told as they end, a lost worker loses no other's, and what was given up stops.
"""

import contextlib
import ctypes
import functools
import importlib
import logging
import os
import socket
import threading
import time
import urllib.parse
import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import joblib
from joblib.parallel import ThreadingBackend

#: How often a run is begun that workers are lost with, before it is given up.
MOST_TRIES = 4

#: How long a cluster may take to answer.
PATIENCE_SECONDS = 10.0

_POLL_SECONDS = 1.0

_PACKAGE = __name__.partition(".")[0]


class ClusterFault(RuntimeError):
    """A cluster cannot play runs; the message says why, and what helps."""


class ClusterBackend(ThreadingBackend):
    """A backend of joblib whose calls are carried out by a cluster's workers.

    Args:
      address: of the cluster's scheduler; None is where its library looks by itself.

    Attributes:
      note: called with a sentence for the user where a worker was lost.
    """

    #: What the library is called.
    title: ClassVar[str]

    def __init__(self, address: str | None = None) -> None:
        super().__init__(nesting_level=0)
        self.address = address
        self.note: Callable[[str], None] = logging.getLogger(__name__).warning
        self._tasks: set[Any] = set()
        self._is_closing = False

    @abstractmethod
    def n_workers(self) -> int:
        """Returns how many calls the cluster can carry out side by side now."""

    @abstractmethod
    def begin(self, call: Callable[[], Any]) -> Any:
        """Hands a call to the scheduler, and returns its task."""

    @abstractmethod
    def result(self, task: Any) -> Any:
        """Waits for a task; raises `LostWorker` where its worker was lost."""

    @abstractmethod
    def cancel(self, task: Any) -> None:
        """Ends a task, also where it runs."""

    @abstractmethod
    def close(self) -> None:
        """Leaves the cluster."""

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Returns how many calls are given at once: joblib itself carries out one at a time."""
        return max(2, self.n_workers() if n_jobs in (-1, None) else int(n_jobs or 0))

    def configure(self, n_jobs: int = 1, parallel: Any = None, **settings: Any) -> int:
        """Takes a call of `joblib.Parallel`; none is carried out in this process."""
        self.parallel = parallel
        self._n_jobs = self.effective_n_jobs(n_jobs)
        self._is_closing = False
        return self._n_jobs

    def submit(self, func: Callable[[], Any], callback: Any = None) -> Any:
        """Lets a thread wait for what a worker returns."""
        return super().submit(functools.partial(self._carried_out, func), callback)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Ends what runs on the cluster."""
        self._is_closing = True
        for task in list(self._tasks):
            with contextlib.suppress(Exception):  # it may have ended, or the cluster be gone
                self.cancel(task)
        super().abort_everything(ensure_ready)

    def _carried_out(self, call: Callable[[], Any]) -> Any:
        for n_tries in range(1, MOST_TRIES + 1):
            if self._is_closing:
                break
            task = self.begin(call)
            self._tasks.add(task)
            try:
                return self.result(task)
            except LostWorker as lost:
                if n_tries == MOST_TRIES:
                    raise _lost_too_often(self.title) from lost
                if not self._is_closing:
                    self.note(f"{self.title} lost a worker ({lost}); its run is played again")
            finally:
                self._tasks.discard(task)
        raise ClusterFault(f"the calls of {self.title} were given up")


class LostWorker(Exception):
    """The worker of a task is gone: killed, or with its machine."""


class DaskBackend(ClusterBackend):
    """Dask's workers; those with several threads play one run at a time all the same.

    The address is that of a scheduler (``tcp://host:8786``), or the JSON file that it writes.
    """

    title = "Dask"

    def __init__(self, address: str | None = None) -> None:
        super().__init__(address)
        distributed = _imported("distributed", self)
        import dask

        address = address or dask.config.get("scheduler-address", None)
        if address is None:
            raise ValueError(
                "--backend dask needs the --address of a scheduler, as `dask scheduler` prints it: "
                "tcp://host:8786"
            )
        where = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
        if "address" in where:
            _require_listener(address, 8786, self.title)
        try:
            self._client = distributed.Client(
                **where, timeout=PATIENCE_SECONDS, set_as_default=False
            )
        except (OSError, ValueError, TypeError) as error:
            raise ClusterFault(f"no Dask scheduler answers at {address}: {error}") from error
        self._lost = distributed.KilledWorker
        self._known: set[str] = set()
        self._is_alone = False

    def n_workers(self) -> int:
        """Returns how many threads the workers have; with none, those to come are waited for."""
        return sum(self._client.ncores().values())

    def configure(self, n_jobs: int = 1, parallel: Any = None, **settings: Any) -> int:
        """Takes a call of `joblib.Parallel`, and notes which workers there are.

        Raises:
          ClusterFault: somebody lacks this package: it would be lost over the first run.
        """
        where = {"the scheduler": self._client.run_on_scheduler(find_spec, _PACKAGE)}
        where |= self._client.run(find_spec, _PACKAGE)
        if lacking := [place for place, found in where.items() if found is None]:
            raise ClusterFault(
                f"{', '.join(lacking)} of Dask cannot import {_PACKAGE}; install there what is "
                "installed here, in the same versions"
            )
        self._known = set(self._client.ncores())
        self._require_somebody()
        return super().configure(n_jobs, parallel, **settings)

    def _require_somebody(self) -> None:
        """Says, once, that there are no workers: tasks wait for some to come."""
        was_alone, self._is_alone = self._is_alone, not self._client.ncores()
        if self._is_alone and not was_alone:
            self.note(f"the Dask scheduler at {self.address} has no workers; waiting for some")

    def terminate(self) -> None:
        """Ends a call of `joblib.Parallel`, and tells of workers that left."""
        if not self._is_closing:
            for worker in sorted(self._known - set(self._client.ncores())):
                self.note(f"Dask's worker {worker} left; others played what it had begun")
        self._known = set()
        super().terminate()

    def begin(self, call: Callable[[], Any]) -> Any:
        """Submits a task."""
        key = f"recsim-env-{uuid.uuid4().hex}"
        return self._client.submit(_unless_cancelled, call, key=key, pure=False)

    def result(self, task: Any) -> Any:
        """Waits for a task; the scheduler itself gives those of lost workers to others."""
        from concurrent.futures import CancelledError

        try:
            while True:
                try:
                    return task.result(timeout=PATIENCE_SECONDS)
                except TimeoutError:
                    if task.done():
                        raise
                    self._require_somebody()
        except self._lost as error:
            raise _lost_too_often(self.title) from error
        except CancelledError as error:
            raise ClusterFault("the Dask scheduler is gone, or gave up a run") from error
        except Exception as error:
            raise _fault(self.title, error) from error

    def cancel(self, task: Any) -> None:
        """Cancels a task; where it runs, `_unless_cancelled` notices."""
        task.cancel(force=True)

    def close(self) -> None:
        """Closes the client."""
        self._client.close(timeout=2)


class _Cancelled(BaseException):
    """Nobody wants the result of this task any more."""


def _unless_cancelled(call: Callable[[], Any]) -> Any:
    """Returns what a call does, on a Dask worker, and ends it where its task is cancelled.

    Dask cannot end what runs in a thread, and would go on with a run of hours whose caller is gone.
    """
    from distributed import get_worker

    worker = get_worker()
    key, thread = worker.get_current_task(), threading.get_ident()
    has_ended = threading.Event()

    def watch() -> None:
        while not has_ended.wait(_POLL_SECONDS):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                raised = ctypes.py_object(_Cancelled)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
                return

    watcher = threading.Thread(target=watch, name="recsim-env-watch", daemon=True)
    watcher.start()
    try:
        try:
            return call()
        finally:
            has_ended.set()
            watcher.join()
    except _Cancelled:
        return None


class RayBackend(ClusterBackend):
    """Ray's workers; each run is a task that takes one CPU.

    The address is that of the head (``host:6379``), ``ray://host:10001`` for its client server, or
    ``auto`` for the cluster of this machine, which is the default.
    """

    title = "Ray"

    def __init__(self, address: str | None = None) -> None:
        super().__init__(address)
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of itself
        self._ray = _imported("ray", self)
        self._is_own = not self._ray.is_initialized()
        address = address or os.environ.get("RAY_ADDRESS") or "auto"
        if self._is_own:
            if address != "auto":
                _require_listener(address, 6379, self.title)
            try:
                self._ray.init(
                    address=address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    configure_logging=True,
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                said = " ".join(str(error).split())
                raise ClusterFault(
                    f"no Ray cluster answers at {address}: {said}; `ray start --head` begins one"
                ) from error
        task = self._ray.remote(_called)
        self._task = task.options(num_cpus=1, max_retries=0, name="recsim-env run")

    def n_workers(self) -> int:
        """Returns how many CPUs the cluster has."""
        return int(self._ray.cluster_resources().get("CPU", 0))

    def begin(self, call: Callable[[], Any]) -> Any:
        """Submits a task."""
        return self._task.remote(call)

    def result(self, task: Any) -> Any:
        """Waits for a task."""
        errors = self._ray.exceptions
        lost = (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        )
        try:
            return self._ray.get(task)
        except lost as error:
            raise LostWorker(type(error).__name__) from error
        except Exception as error:
            raise _fault(self.title, error) from error

    def cancel(self, task: Any) -> None:
        """Ends the worker of a task."""
        self._ray.cancel(task, force=True)

    def close(self) -> None:
        """Disconnects, unless somebody else had connected; what still runs ends with it."""
        if self._is_own:
            self._ray.shutdown()


def _called(call: Callable[[], Any]) -> Any:
    return call()


def _lost_too_often(title: str) -> ClusterFault:
    return ClusterFault(
        f"{title} lost {MOST_TRIES} workers over one run, often for want of memory; the same "
        "command goes on with what is left"
    )


def _fault(title: str, error: Exception) -> ClusterFault:
    """Returns the fault of a call that raised: a run that fails is a row and raises nothing."""
    if isinstance(error, ClusterFault):
        return error
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    said = " ".join(str(cause).split())[:300]
    return ClusterFault(
        f"{title} cannot play runs ({type(cause).__name__}: {said}); install on its scheduler and "
        "workers what is installed here, in the same versions"
    )


def _imported(name: str, backend: ClusterBackend) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"--backend {backend.title.lower()} needs {name}, which is not installed: "
            'pip install "recsim-env[cluster]", here and on the workers'
        ) from error


def _require_listener(address: str, port: int, title: str) -> None:
    """Raises where nothing listens: the libraries themselves try for minutes.

    Raises:
      ClusterFault: likewise, or there is no such host.
    """
    parts = urllib.parse.urlsplit(address if "://" in address else f"//{address}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        where = parts.hostname or "", parts.port or port
        with socket.create_connection(where, timeout=deadline - time.monotonic()):
            pass
    except (OSError, ValueError) as error:
        raise ClusterFault(
            f"nothing listens at {address} ({error}); give the --address of a {title} cluster "
            "that runs"
        ) from error


#: The backends by name; None is joblib's own processes on this machine.
BACKENDS: dict[str, type[ClusterBackend] | None] = {
    "loky": None,
    "dask": DaskBackend,
    "ray": RayBackend,
}


@contextlib.contextmanager
def working_on(backend: str | None, address: str | None = None) -> Iterator[None]:
    """Lets comparisons within a `with` be played by processes here, or by a cluster's workers.

    Args:
      backend: ``"loky"``, ``"dask"`` or ``"ray"``; None leaves joblib's as it is.
      address: of the cluster; see `DaskBackend` and `RayBackend`.

    Raises:
      ValueError: an unknown backend, or an address that it does not take.
      ImportError: its library is missing.
      ClusterFault: no cluster answers there.
    """
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} is unknown; known are {', '.join(BACKENDS)}")
    kind = BACKENDS[backend] if backend else None
    if kind is None:
        if address is not None:
            raise ValueError(
                f"address={address!r} is of no use to {backend or 'processes of this machine'}; "
                "name the backend of the cluster too: dask or ray"
            )
        with joblib.parallel_config(backend=backend) if backend else contextlib.nullcontext():
            yield
        return
    cluster = kind(address)
    try:
        with joblib.parallel_config(backend=cluster):
            yield
    finally:
        cluster.close()
