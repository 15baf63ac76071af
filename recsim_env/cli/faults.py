"""Which message and exit status an exception becomes on the command line."""

import errno
import opcode
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

WRONG, FAILED, UNREAD = 2, 1, 141
"""Exit statuses: a wrong request, one that could not be done, and output that nobody reads."""

_LIBRARIES = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
_REQUESTS = (ValueError, TypeError, ImportError, FileNotFoundError)
_LONGEST = 4_000

# A request names these wrongly; all others (no space, input/output error) befall it.
_WRONG_PATHS = {
    *(errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL, errno.ENXIO, errno.ENODEV),
}


_REMEDIES = {
    errno.ENOENT: "name one that exists, or, to write it, a folder that can be made",
    errno.EEXIST: "choose another name",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EACCES: "name one that you may use, or change who may",
    errno.EPERM: "name one that you may use, or change who may",
    errno.EROFS: "name a place that can be written to",
    errno.ENOSPC: "make room, or name a place on another disk",
    errno.EDQUOT: "make room, or name a place on another disk",
}


class Fault(NamedTuple):
    """One line for the user, and the exit status."""

    message: str
    status: int


def fault_of(error: BaseException) -> Fault:
    """Returns what an exception means.

    What this project, or a scenario or an agent of somebody's own, raises by a `raise` is meant for
    the user: a ValueError for what was asked, a RuntimeError for what could not be done. Files and
    memory speak for themselves. All else is a mistake in a program, and is said to be one.
    """
    if isinstance(error, MemoryError):
        detail = f" ({_one_line(error)})" if str(error) else ""
        return Fault(f"there is not enough memory for this{detail}; ask for less", FAILED)
    if isinstance(error, OSError) and error.errno is not None:
        return Fault(_of_file(error), WRONG if error.errno in _WRONG_PATHS else FAILED)
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        name = error.object.encode("utf-8", "backslashreplace").decode()[:200]
        said = f"{name!r} holds bytes that are no text here; use other names, or a UTF-8 locale"
        return Fault(said, WRONG)
    if _is_meant(error):
        return Fault(_one_line(error), WRONG if isinstance(error, _REQUESTS) else FAILED)
    return Fault(_mistake(error), FAILED)


def _of_file(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    what = " -> ".join(names) if names else "standard output, or a file in use"
    said = error.strerror or "it failed"
    # What the system says names no remedy, and what is said here does.
    is_plain = error.errno is not None and said == os.strerror(error.errno)
    remedy = _REMEDIES.get(error.errno or 0, "") if is_plain else ""
    return f"{what}: {said}{'; ' if remedy else ''}{remedy}"


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or f"{type(error).__name__}, without a word"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _is_meant(error: BaseException) -> bool:
    """Returns whether a `raise` outside of libraries made it, and of a kind that is for users."""
    if not isinstance(error, (*_REQUESTS, RuntimeError, OSError)):
        return False
    if isinstance(error, RecursionError | UnicodeError):
        return False
    places = list(_places(error))
    if not places or _is_library(places[-1][0]):
        return False
    frame, instruction, _ = places[-1]
    return frame.f_code.co_code[instruction] == opcode.opmap["RAISE_VARARGS"]


def _mistake(error: BaseException) -> str:
    """Returns what went wrong in a program, and whose it is."""
    said = f"{type(error).__name__}: {_one_line(error)}"
    places = [(frame, line) for frame, _, line in _places(error) if not _is_library(frame)]
    if not places:
        return f"{said}; --traceback shows where it comes from"
    frame, line = places[-1]
    where = f"{Path(frame.f_code.co_filename).name}, line {line}"
    if _is_ours(frame):
        unless = "unless a class of your own is in play"
        return f"{said} ({where}); a fault of recsim-env, {unless}: report what --traceback shows"
    return f"{said} ({where}); --traceback shows how it came to that"


def _places(error: BaseException) -> Iterator[tuple[FrameType, int, int]]:
    """Yields frame, instruction and line of every call, the innermost last."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lasti, trace.tb_lineno
        trace = trace.tb_next


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == __name__.partition(".")[0]


def _is_library(frame: FrameType) -> bool:
    """Returns whether a frame is neither ours nor of a file that a person wrote."""
    if _is_ours(frame):
        return False
    file = Path(frame.f_code.co_filename)
    if {"site-packages", "dist-packages"} & set(file.parts):
        return True
    return file.suffix != ".py" or any(map(file.resolve().is_relative_to, _LIBRARIES))
