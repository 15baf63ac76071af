"""Dask's workers as a backend of joblib."""

import ctypes
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from recsim_env.benchmark.runs.cluster import (
    PATIENCE_SECONDS,
    ClusterBackend,
    ClusterFault,
    imported,
    lost_too_often,
    require_listener,
    worker_fault,
)

_POLL_SECONDS = 1.0

_PACKAGE = __name__.partition(".")[0]


class DaskBackend(ClusterBackend):
    """Dask's workers; those with several threads play one run at a time all the same.

    The address is that of a scheduler (``tcp://host:8786``), or the JSON file that it writes.
    """

    title = "Dask"

    def __init__(self, address: str | None = None) -> None:
        super().__init__(address)
        if address and address.endswith(".json") and not Path(address).is_file():
            raise ValueError(
                f"there is no file {address}; give the --address of a scheduler, or the file that "
                "`dask scheduler --scheduler-file` writes"
            )
        distributed = imported("distributed", self)
        import dask

        address = address or dask.config.get("scheduler-address", None)
        if address is None:
            raise ValueError(
                "--backend dask needs the --address of a scheduler, as `dask scheduler` prints it: "
                "tcp://host:8786"
            )
        where = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
        if "address" in where:
            require_listener(address, 8786, self.title)
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
        if not self._is_closing and self._client.status == "running":
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
        try:
            while True:
                try:
                    return task.result(timeout=PATIENCE_SECONDS)
                except TimeoutError:
                    if task.done():
                        raise
                    self._require_somebody()
        except self._lost as error:
            raise lost_too_often(self.title) from error
        except CancelledError as error:
            raise ClusterFault(
                "the Dask scheduler is gone; the same command goes on with what is left"
            ) from error
        except Exception as error:
            raise worker_fault(self.title, error) from error

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
