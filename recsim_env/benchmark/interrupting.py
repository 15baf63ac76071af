"""Ctrl-C and SIGTERM, held back until what is being made can be gone on with."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """Raised to leave work at a point from which it can be resumed."""


class Held:
    """A signal that came, if any."""

    def __init__(self) -> None:
        self._number: int | None = None

    def hold(self, number: int, frame: FrameType | None) -> None:
        """Keeps a signal; the second one is not held back."""
        if self._number is not None:
            raise KeyboardInterrupt
        self._number = number

    def check(self) -> None:
        """Raises `Stopped` if a signal came; call it where work can be resumed."""
        if self._number is not None:
            raise Stopped

    def pass_on(self) -> None:
        """Lets the signal, if one came, do what it would have done."""
        number, self._number = self._number, None
        if number is not None:
            signal.raise_signal(number)


@contextlib.contextmanager
def holding_signals() -> Iterator[Held]:
    """Holds back SIGINT and SIGTERM for the time, where they would end the program.

    Signals reach the main thread alone; elsewhere nothing is held back.
    """
    held, before = Held(), dict[int, Any]()
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):
                before[number] = handler
                signal.signal(number, held.hold)
    try:
        yield held
    finally:
        for held_back, handler in before.items():
            signal.signal(held_back, handler)
