"""Locks of files and folders, which end with the process that holds them."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where writers are not kept apart either
    fcntl = None  # type: ignore[assignment]  # a module elsewhere

# File systems without locks, or without those of folders, answer one of these; there, writers are
# not kept apart.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF)

_PATIENCE_SECONDS = 3.0


@contextlib.contextmanager
def locked(path: Path) -> Iterator[io.FileIO]:
    """Yields a file, made empty if need be, that no other process or thread holds by this.

    Waits until it is free. A writer that is killed frees it. The file may be replaced meanwhile.

    Raises:
      OSError: it cannot be read and written.
    """
    while True:
        # Not "a": on some systems that would write at the end whatever the position.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with io.FileIO(descriptor, "r+") as file:
            lock(file.fileno())
            if is_at(path, file.fileno()):
                yield file
                return


@contextlib.contextmanager
def held_folder(folder: Path) -> Iterator[bool]:
    """Yields whether a folder is free, and until the end holds it against others who ask this.

    One whose holder was killed is free, though it may take a second until processes that he left
    behind have ended. Where there are no locks, every folder is free.
    """
    if fcntl is None:
        yield True
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (found := lock(descriptor, wait=False)) is False and time.monotonic() < deadline:
            time.sleep(0.05)
        yield found is not False
    finally:
        os.close(descriptor)


def has_locks() -> bool:
    """Returns whether the system has locks at all."""
    return fcntl is not None


def lock(descriptor: int, *, wait: bool = True) -> bool | None:
    """Returns whether an open file is now held by this process alone; None where none can tell."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True


def is_at(path: Path, descriptor: int) -> bool:
    """Returns whether an open file is still the one of this name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
