"""What the command needs of its process: streams that take any text, and Ctrl-C as one line."""

import _thread
import atexit
import codecs
import contextlib
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, NoReturn

from recsim_env.interrupts import INTERRUPTED

# Signs in what is printed, for terminals whose encoding lacks them.
_PLAIN = {"−": "-", "–": "-", "×": "x", "±": "+-", "·": "*", "²": "^2", "³": "^3", "ᵀ": "^T"}
_PLAIN |= {"…": "...", "≤": "<=", "≥": ">=", "≈": "~", "∞": "inf", "✓": "yes"}
_ERRORS = "recsim-env"

# Where Ctrl-C comes while a semaphore is made, Python's keeper of them clears it, and says so.
_QUIET = "ignore:resource_tracker:UserWarning"


def take_any_text() -> None:
    """Lets the output of this process take what its encoding lacks, in other words or escaped.

    Raises:
      ValueError: there is no standard output.
    """
    codecs.register_error(_ERRORS, _plain)
    if sys.stdout is None or sys.stderr is None or sys.stdin is None:
        _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and stream.errors in ("strict", "surrogateescape"):
            reconfigure(errors=_ERRORS)
    if sys.stdout is None:
        raise ValueError("standard output is closed; if it is not wanted, send it to /dev/null")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    texts = [
        _PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode("ascii")
        for sign in lacking
    ]
    return "".join(texts), error.end


def _open_what_is_closed() -> None:
    """Lets no file get the number of a standard stream, where others would write into it."""
    descriptor = -1
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)
    if sys.stderr is None:
        opened = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # stderr, open until the process ends
        sys.stderr = opened


def as_typed(arguments: Sequence[str]) -> str:
    """Returns a command as text, also where its bytes are none in the encoding of this place."""
    words = [os.fsencode(each).decode("utf-8", "backslashreplace") for each in arguments]
    return shlex.join(words)


def flush_output() -> None:
    """Writes what standard output still holds.

    Raises:
      OSError: it cannot be written; the error names standard output.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = error.filename or "standard output"
        raise


def give_up_output() -> None:
    """Sends what cannot be written to nowhere, so that leaving does not try again."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _CtrlC:
    """Answers SIGINT with a KeyboardInterrupt, and to those that come with it no more."""

    SECONDS = 1.0  # a terminal and whoever watches over a process may both send one

    def __init__(self) -> None:
        self.came: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raises KeyboardInterrupt in the main thread."""
        now = time.monotonic()
        if self.came is None or now - self.came > self.SECONDS:
            self.came = now
            raise KeyboardInterrupt

    def again(self, unraisable: Any) -> None:
        """Raises it again where Python would print and forget it: in callbacks and destructors."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            self.came = None
            threading.Timer(0.01, _thread.interrupt_main).start()
        else:
            sys.__unraisablehook__(unraisable)


_ctrl_c = _CtrlC()


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """Makes Ctrl-C a KeyboardInterrupt, wherever it comes, once the imports are done.

    A process that was started not to be interrupted, as in the background of a script, is not.
    """
    sys.warnoptions.append(_QUIET)  # which helpers of processes that are started take over
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _ctrl_c)
        sys.unraisablehook = _ctrl_c.again
    try:
        yield
    finally:
        if _ctrl_c.came is None and signal.getsignal(signal.SIGINT) is _ctrl_c:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # there is nothing left to say


def leave_interrupted() -> NoReturn:
    """Ends this process with the status of Ctrl-C, whatever comes meanwhile.

    Python itself would end by a signal where the interrupt came in code that it made of a string.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    give_up_output()
    os._exit(INTERRUPTED)


def was_interrupted(error: BaseException) -> bool:
    """Returns whether an exception is what a library made of Ctrl-C."""
    if _ctrl_c.came is not None:
        return True
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, KeyboardInterrupt):
        seen = seen.__cause__ or seen.__context__
    return seen is not None
