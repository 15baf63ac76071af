"""Files that are replaced as a whole or not at all, even if their writer is killed meanwhile."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from recsim_env.formats.locks import has_locks, is_at, lock

# Locks of other machines are not seen on every network disk: their drafts must be this old too.
_FOREIGN_DRAFT_SECONDS = 86_400.0

_LONGEST_DRAFT_NAME = 200


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a file to write, in the same folder, which replaces `path` once it is complete.

    What was written is on the disk before it replaces anything. A file that is replaced keeps its
    permissions, and a link stays a link to it. Drafts that killed writers of this file left behind
    are removed.

    Args:
      path: the file; its folder must exist.

    Raises:
      OSError: it cannot be written (no such folder, read-only, disk full); the error names `path`.
      ValueError: it is neither a file nor absent, such as a device.
    """
    path = Path(path)
    with _named(path, None):
        check_writable(path)
        target = Path(os.path.realpath(path))
        _clear_drafts(target)
        draft, descriptor = _new_draft(target)
    try:
        with _named(path, draft):
            yield draft
            with draft.open("r+b") as written:
                os.fsync(written.fileno())
            _keep_access(target, draft)
            if not has_locks():  # Windows moves no file that is open
                os.close(descriptor)
                descriptor = -1
            draft.replace(target)
            _sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)
        if descriptor >= 0:
            os.close(descriptor)


def replace_file(path: Path, content: bytes | str) -> None:
    """Writes a file that is there in full or as it was before, and its folder if need be.

    Text is written as UTF-8; names of files that are no text here, with what they lack escaped.

    Raises:
      OSError: as in `replacing`.
      ValueError: as in `replacing`.
    """
    if isinstance(content, str):
        bare = content.encode("utf-8", "surrogateescape")
        content = bare.decode("utf-8", "backslashreplace").encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_bytes(content)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raises what `replacing` would, as far as can be known before the work is done.

    The folder may still be absent, if it can be made.

    Raises:
      OSError: a folder is in its place, or a file in place of its folder, or it is read-only.
      ValueError: it is neither a file nor absent, such as a device.
    """
    path = Path(path)
    if "\0" in str(path):
        raise ValueError(f"{str(path)!r} is no name of a file")
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; name a file in it", str(path))
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no ordinary file; name one that can be replaced")
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, "is a link to itself", str(path))
    folder = next(each for each in target.parents if each.exists())
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is no folder", str(path))
    for place in (folder, target):
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(
                errno.EACCES, f"{place} is read-only; name another place", str(path)
            )


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raises where no files could be written into a folder, as far as can be known before.

    It may still be absent, if it can be made.

    Raises:
      OSError: a file or a link to nothing is in its place, or in that of one above it, or it is
        read-only.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is a file; name a folder", str(path))
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(errno.ENOENT, "is a link to a folder that is gone", str(path))
    try:
        check_writable(path / "file")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def check_absent(
    path: str | os.PathLike[str], *, overwrite: bool, remedy: str = "--overwrite replaces it"
) -> None:
    """Raises where a file could not be written, or would replace one that nobody gave up.

    Args:
      path: what is to be written once the work is done.
      overwrite: whether a file that is there may be replaced.
      remedy: what to do about one that is there.

    Raises:
      ValueError: there is such a file and it may not be replaced, or as in `check_writable`.
      OSError: as in `check_writable`.
    """
    check_writable(path)
    if Path(path).exists() and not overwrite:
        raise ValueError(f"{os.fspath(path)} exists; {remedy}")


def _draft_prefix(target: Path) -> str:
    """Returns how the names of all drafts of a file begin; a long name counts by its digest."""
    name = target.name
    if len(os.fsencode(name)) > _LONGEST_DRAFT_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return f".{name}-"


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _new_draft(target: Path) -> tuple[Path, int]:
    """Returns a new draft, and the descriptor that holds it until it is closed."""
    while True:
        name = f"{_draft_prefix(target)}{_machine()}-{secrets.token_hex(6)}.draft"
        draft = target.with_name(name)
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        lock(descriptor)
        if is_at(draft, descriptor):  # else another writer took it for one left behind
            return draft, descriptor
        os.close(descriptor)


def _clear_drafts(target: Path) -> None:
    """Removes the drafts of a file that nobody holds: their writers were killed."""
    pattern = re.compile(
        re.escape(_draft_prefix(target)) + r"([0-9a-f]{8})-[0-9a-f]{12}\.draft", re.DOTALL
    )
    try:
        names = [path.name for path in target.parent.iterdir()]
    except PermissionError:  # a folder may be written and not listed
        return
    for found in filter(None, map(pattern.fullmatch, names)):
        draft = target.with_name(found[0])
        # Another writer may clear it first; one that cannot be removed must not stop this one.
        with contextlib.suppress(OSError):
            is_foreign = found[1] != _machine()
            if is_foreign and time.time() - draft.stat().st_mtime < _FOREIGN_DRAFT_SECONDS:
                continue
            with draft.open("r+b") as file:
                if lock(file.fileno(), wait=False):
                    draft.unlink()


def _keep_access(target: Path, draft: Path) -> None:
    """Gives a draft the permissions of what it replaces and, where allowed, the owner."""
    if target.exists():
        before = target.stat()
        with contextlib.suppress(PermissionError, AttributeError):  # POSIX has owners
            os.chown(draft, before.st_uid, before.st_gid)
        draft.chmod(stat.S_IMODE(before.st_mode))


def _sync_folder(folder: Path) -> None:
    """Brings new names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _named(path: Path, draft: Path | None) -> Iterator[None]:
    """Lets errors of the disk speak of a file and not of its draft, whatever reported them."""
    try:
        yield
    except OSError as error:
        names = (None, str(draft), draft)
        if (draft is not None and error.filename not in names) or error.filename == str(path):
            raise
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, reason, str(path)) from error
