"""Compiled loops on disk: kept where that is possible, and compiled anew where it is not.

Numba keeps compiled code beside the source, else in the user's cache folder, or in the folder that
NUMBA_CACHE_DIR names. The files are pickles: whoever can write to that folder can run code in every
process that reads it, so a folder shared with others must be trusted as the program itself is.
"""

import contextlib
import functools
import hashlib
import sys
import warnings
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache


class KernelCache(FunctionCache):
    """Numba's cache of one function, where no fault of the disk ends the program.

    A file that cannot be read is as good as none, and what cannot be written is not kept.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Returns the compiled code for a signature, or None where there is none to be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged pickle may raise anything; the next save replaces it
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Writes compiled code, or warns that it is not kept."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn_once(f"{self.cache_path}: {error.strerror or error}")


class LoopCache(KernelCache):
    """A `KernelCache` of a loop that may call loops of other modules: it goes with their text."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """Returns by what compiled code is found again."""
        return (*super()._index_key(sig, codegen), _digest_of_others(self._py_func))


def _digest_of_others(function: Any) -> str:
    """Returns a digest of the files of compiled loops that a function calls from elsewhere."""
    files: set[Path] = set()
    waiting, seen = [function], set()
    while waiting:
        caller = waiting.pop()
        for name in caller.__code__.co_names:
            called = getattr(caller.__globals__.get(name), "py_func", None)
            if called is not None and called not in seen:
                seen.add(called)
                waiting.append(called)
                files.add(Path(sys.modules[called.__module__].__file__ or ""))
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def compiled(function: Any) -> Any:
    """Returns a function compiled at its first call, free of Python's lock, and kept on disk.

    It is `numba.njit(cache=True, nogil=True)` for which no folder need be writable.
    """
    return _kept(njit(function, nogil=True))


def compiled_freely(function: Any) -> Any:
    """Returns a function compiled likewise, whose sums are added up in any order: several at once.

    What it returns differs in the last bits from one kind of processor to another.
    """
    return _kept(njit(function, nogil=True, fastmath={"reassoc", "contract", "nsz"}))


def _kept(dispatcher: Any) -> Any:
    if hasattr(dispatcher, "py_func"):  # else NUMBA_DISABLE_JIT=1 left the function as it is
        keep_on_disk(dispatcher, LoopCache)
    return dispatcher


def keep_on_disk(dispatcher: Any, kind: type[KernelCache] = KernelCache) -> None:
    """Lets a compiled function keep its code on disk, if there is a folder where it may write."""
    try:
        dispatcher._cache = kind(dispatcher.py_func)  # as its enable_caching() does
    except RuntimeError:  # Numba found no folder
        _warn_once("no folder is writable")


@functools.cache
def _warn_once(reason: str) -> None:
    warnings.warn(
        f"compiled code is not kept ({reason}): every process compiles anew, for some seconds; set "
        "NUMBA_CACHE_DIR to a folder that you, and only who you trust, can write to",
        RuntimeWarning,
        stacklevel=2,
    )
