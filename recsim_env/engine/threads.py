"""The threads that run a loop over slots, each its own part of them, where that is worth it."""

import contextlib
import os
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import Any

#: A thread gets at least this many slots; smaller batches are stepped by fewer threads.
MIN_SLOTS_PER_THREAD = 512

# Whichever of one thread and all is slower is tried again at every so many calls.
_CALLS_BETWEEN_TRIALS = 32

# The share of the last call in what calls are known to take.
_SHARE_OF_LAST = 0.25

_Task = tuple[Callable[..., Any], tuple, int, int, "SimpleQueue[BaseException | None]"]
_Tasks = SimpleQueue[_Task | None]


class _Times:
    """What calls of a loop took, by the caller alone and by all threads, per slot."""

    def __init__(self) -> None:
        self.n_calls = 0
        self.seconds: dict[bool, float] = {}

    def next_is_split(self) -> bool:
        """Returns whether the next call is by all threads: the faster way, but for trials."""
        self.n_calls += 1
        if len(self.seconds) < 2:
            return False in self.seconds
        is_faster = self.seconds[True] < self.seconds[False]
        return is_faster != (self.n_calls % _CALLS_BETWEEN_TRIALS == 0)

    def note(self, is_split: bool, seconds: float) -> None:
        """Keeps what a call took, but for the first, which may have compiled."""
        if self.n_calls > 1:
            known = self.seconds.get(is_split, seconds)
            self.seconds[is_split] = known + _SHARE_OF_LAST * (seconds - known)


class Threads:
    """At most `n` threads, the caller's included; none is started before it is needed.

    To wake threads takes some tens of microseconds, and more on a busy machine. So each loop is run
    by the caller alone or by all, whichever proves faster. What it computes is the same either way.
    """

    always_split = False

    def __init__(self, n: int) -> None:
        self.n = n
        self._queues: list[_Tasks] = []
        self._owner = 0
        self._times: defaultdict[Callable[..., Any], _Times] = defaultdict(_Times)

    def __reduce__(self) -> tuple[type["Threads"], tuple[int]]:
        """Returns how a copy is made, in this process or another: with threads of its own."""
        return type(self), (self.n,)

    def run(
        self,
        loop: Callable[..., Any],
        arguments: tuple,
        num_slots: int,
        *,
        least: int = MIN_SLOTS_PER_THREAD,
    ) -> None:
        """Calls ``loop(*arguments, start_index, stop_index)`` for all slots, in equal parts.

        Each thread gets at least so many.
        """
        n_parts = min(self.n, num_slots // least)
        if n_parts <= 1:
            loop(*arguments, 0, num_slots)
            return
        times = self._times[loop]
        is_split = times.next_is_split() or self.always_split
        begun = time.perf_counter()
        if is_split:
            self._split(loop, arguments, num_slots, n_parts)
        else:
            loop(*arguments, 0, num_slots)
        times.note(is_split, (time.perf_counter() - begun) / num_slots)

    def _split(
        self, loop: Callable[..., Any], arguments: tuple, num_slots: int, n_parts: int
    ) -> None:
        """Lets threads run all parts but the first, and waits for them."""
        edges = [num_slots * part // n_parts for part in range(n_parts + 1)]
        ended: SimpleQueue[BaseException | None] = SimpleQueue()
        parts = zip(self._started(n_parts - 1), edges[1:-1], edges[2:], strict=True)
        for queue, start, stop in parts:
            queue.put((loop, arguments, start, stop, ended))
        try:
            loop(*arguments, 0, edges[1])
        finally:  # the others write to the arguments
            faults = [ended.get() for _ in range(n_parts - 1)]
        for fault in filter(None, faults):
            raise fault

    def _started(self, n: int) -> list[_Tasks]:
        """Returns queues of `n` threads, made anew in a forked child, which inherits none."""
        if self._owner != os.getpid():
            self._queues, self._owner = [], os.getpid()
        while len(self._queues) < n:
            queue: _Tasks = SimpleQueue()
            Thread(target=_serve, args=(queue,), name="recsim-env", daemon=True).start()
            weakref.finalize(self, queue.put, None)
            self._queues.append(queue)
        return self._queues[:n]

    def close(self) -> None:
        """Ends the threads."""
        for queue in self._queues:
            queue.put(None)
        self._queues = []


@contextlib.contextmanager
def splitting_always() -> Iterator[None]:
    """Lets threads share even what one would do faster, in checks of what they compute."""
    Threads.always_split = True
    try:
        yield
    finally:
        Threads.always_split = False


def _serve(queue: _Tasks) -> None:
    """Runs the parts that come, until None does."""
    while (task := queue.get()) is not None:
        loop, arguments, start, stop, ended = task
        try:
            loop(*arguments, start, stop)
        except BaseException as fault:
            ended.put(fault)
        else:
            ended.put(None)
        del task, loop, arguments  # or the arrays of a step would live until the next
