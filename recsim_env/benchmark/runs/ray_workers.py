"""Ray's workers as a backend of joblib."""

import logging
import os
from collections.abc import Callable
from typing import Any

from recsim_env.benchmark.runs.cluster import (
    ClusterBackend,
    ClusterFault,
    LostWorker,
    imported,
    require_listener,
    worker_fault,
)


class RayBackend(ClusterBackend):
    """Ray's workers; each run is a task that takes one CPU.

    The address is that of the head (``host:6379``), ``ray://host:10001`` for its client server, or
    ``auto`` for the cluster of this machine, which is the default.
    """

    title = "Ray"

    def __init__(self, address: str | None = None) -> None:
        super().__init__(address)
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of itself
        self._ray = imported("ray", self)
        self._is_own = not self._ray.is_initialized()
        address = address or os.environ.get("RAY_ADDRESS") or "auto"
        if self._is_own:
            if address != "auto":
                require_listener(address, 6379, self.title)
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
            raise worker_fault(self.title, error) from error

    def cancel(self, task: Any) -> None:
        """Ends the worker of a task."""
        self._ray.cancel(task, force=True)

    def close(self) -> None:
        """Disconnects, unless somebody else had connected; what still runs ends with it."""
        if self._is_own:
            self._ray.shutdown()


def _called(call: Callable[[], Any]) -> Any:
    return call()
