"""The threads that run a loop over slots, each its own part of them."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

#: A thread gets at least this many slots; smaller batches are stepped by fewer threads.
MIN_SLOTS_PER_THREAD = 512


class Threads:
    """At most `n` threads, the caller's included; none is started before it is needed."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._executor: ThreadPoolExecutor | None = None
        self._owner = 0

    def run(self, loop: Callable[..., Any], arguments: tuple, num_slots: int) -> None:
        """Calls ``loop(*arguments, start_index, stop_index)`` for all slots, in equal parts."""
        n_parts = min(self.n, num_slots // MIN_SLOTS_PER_THREAD)
        if n_parts <= 1:
            loop(*arguments, 0, num_slots)
            return
        edges = [num_slots * part // n_parts for part in range(n_parts + 1)]
        waiting = [
            self._started().submit(loop, *arguments, edges[part], edges[part + 1])
            for part in range(1, n_parts)
        ]
        loop(*arguments, edges[0], edges[1])
        for part in waiting:
            part.result()

    def _started(self) -> Any:
        """Returns the pool, made anew in a forked child, which inherits no threads."""
        if self._executor is None or self._owner != os.getpid():
            self._executor = ThreadPoolExecutor(self.n - 1, "recsim-env")
            self._owner = os.getpid()
        return self._executor

    def close(self) -> None:
        """Ends the threads."""
        if self._executor is not None and self._owner == os.getpid():
            self._executor.shutdown()
        self._executor = None
