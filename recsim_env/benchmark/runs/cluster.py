"""Clusters as backends of joblib: Dask's and Ray's workers play runs, this process waits and keeps.

Both libraries come with a backend of joblib of their own. Ray's hands calls to workers in turn,
however busy or dead they are, and neither ends a run that nobody waits for any more. Here each call
is a task of the cluster's own scheduler, and a thread of this process waits for it; so runs are
told as they end, a lost worker loses no other's, and what was given up stops.
"""

import contextlib
import functools
import importlib
import logging
import socket
import time
import urllib.parse
from abc import abstractmethod
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from joblib.parallel import ThreadingBackend

#: How often a run is begun that workers are lost with, before it is given up.
MOST_TRIES = 4

#: How long a cluster may take to answer.
PATIENCE_SECONDS = 10.0


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
        super().abort_everything(ensure_ready=False)  # the next call makes threads of its own

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
                    raise lost_too_often(self.title) from lost
                if not self._is_closing:
                    self.note(f"{self.title} lost a worker ({lost}); its run is played again")
            finally:
                self._tasks.discard(task)
        raise ClusterFault(f"the calls of {self.title} were given up")


class LostWorker(Exception):
    """The worker of a task is gone: killed, or with its machine."""


def lost_too_often(title: str) -> ClusterFault:
    """Returns the fault of a run that no worker survives."""
    return ClusterFault(
        f"{title} lost {MOST_TRIES} workers over one run, often for want of memory; the same "
        "command goes on with what is left"
    )


def worker_fault(title: str, error: Exception) -> ClusterFault:
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


def imported(name: str, backend: ClusterBackend) -> ModuleType:
    """Returns the library of a backend.

    Raises:
      ImportError: it is not installed; the message says how to.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"--backend {backend.title.lower()} needs {name}, which is not installed: "
            'pip install "recsim-env[cluster]", here and on the workers'
        ) from error


def require_listener(address: str, port: int, title: str) -> None:
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
