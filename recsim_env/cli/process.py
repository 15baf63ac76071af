"""What the command needs of its process: streams that take any text, and Ctrl-C as one line."""

import _thread
import codecs
import contextlib
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

# Signs in what is printed, for terminals whose encoding lacks them.
_PLAIN = {"−": "-", "–": "-", "×": "x", "±": "+-", "·": "*", "²": "^2", "³": "^3", "ᵀ": "^T"}
_PLAIN |= {"…": "...", "≤": "<=", "≥": ">=", "≈": "~", "∞": "inf", "✓": "yes"}
_ERRORS = "recsim-env"


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
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


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


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """Makes the first Ctrl-C a KeyboardInterrupt, also where one is ignored; the next ends at once.

    Python prints and forgets an exception that a callback or a destructor raises, and an interrupt
    may come there as anywhere else.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    print_unraisable = sys.unraisablehook

    def interrupt_again(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            threading.Timer(0.01, _thread.interrupt_main).start()
        else:
            print_unraisable(unraisable)

    sys.unraisablehook = interrupt_again
    try:
        yield
    finally:
        sys.unraisablehook = print_unraisable
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def was_interrupted(error: BaseException) -> bool:
    """Returns whether an exception is what a library made of Ctrl-C."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, KeyboardInterrupt):
        seen = seen.__cause__ or seen.__context__
    return seen is not None
