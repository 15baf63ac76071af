"""A digest of somebody's own code, by which another process knows whether it was edited."""

import dataclasses
import enum
import hashlib
import inspect
import marshal
import sys
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

# Modules that hold what is defined while one types, or beside what is done with it.
_MAIN = ("__main__", "__mp_main__")
_INSTALLED = ("site-packages", "dist-packages")
_PLAIN = (types.NoneType, int, float, complex, str, bytes, range, enum.Enum, np.generic)


def is_ours(code: Any) -> bool:
    """Returns whether a class or function is a part of this package."""
    return _top(code.__module__) == "recsim_env"


def code_digest(code: Any, *, whole_files: bool = True) -> str:
    """Returns 16 digits that change with a class or function and with what it uses.

    That is the text of all classes and functions that it names, wherever they stand, what they are
    closed over, their defaults, and the numbers, texts, arrays and collections of them that they
    read. Installed packages and this one are left out. Places do not matter: code that was moved
    keeps its digest.

    Args:
      code: the class or function.
      whole_files: whether the files count that these stand in, and those of the modules they name,
        but for the script that runs; they may hold what cannot be followed.
    """
    return _Digest(code, whole_files=whole_files).hexdigest()


class _Digest:
    """Follows code from its root, each thing once, in the order in which it is named."""

    def __init__(self, root: Any, *, whole_files: bool) -> None:
        self.top = _top(root.__module__)
        self.whole_files = whole_files
        self.hash = hashlib.sha256()
        self.seen: dict[int, Any] = {}  # holds what it has seen, so that no id is used twice
        self.files: set[str] = set()
        self._add(root)

    def hexdigest(self) -> str:
        return self.hash.hexdigest()[:16]

    def _add(self, value: Any) -> None:
        """Adds what a name stands for; what is neither code nor a plain value adds its type."""
        wrapped = inspect.getattr_static(value, "__wrapped__", None)
        if isinstance(value, type | types.FunctionType | types.ModuleType):
            self._add_code(value)
        elif isinstance(value, staticmethod | classmethod):
            self._add(value.__func__)
        elif isinstance(wrapped, types.FunctionType):  # cached or compiled, say
            self._add(wrapped)
        elif isinstance(value, property):
            self._add_all((value.fget, value.fset))
        else:
            self._add_value(value)

    def _add_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self._add(value)

    def _add_code(self, code: Any) -> None:
        if id(code) in self.seen:
            return
        self.seen[id(code)] = code
        module = code if isinstance(code, types.ModuleType) else sys.modules.get(code.__module__)
        if module is not None and not self._is_followed(module):
            name = code.__name__ if code is module else f"{code.__module__}:{code.__qualname__}"
            self.hash.update(f"{name};".encode())
            return
        if self.whole_files and module is not None:
            self._add_file(module)
        if isinstance(code, types.FunctionType):
            self.hash.update(_text(code))
            self._add_all((code.__defaults__, code.__kwdefaults__))
            self._add_all(_used_by(code))
        elif isinstance(code, type):
            self._add_class(code)

    def _add_file(self, module: types.ModuleType) -> None:
        file = _file(module)
        if module.__name__ not in _MAIN and file not in self.files and Path(file).is_file():
            self.files.add(file)
            self.hash.update(Path(file).read_bytes())

    def _add_class(self, kind: type) -> None:
        self.hash.update(_text(kind))
        self._add_all(kind.__bases__)
        for name, member in vars(kind).items():
            is_generated = name.startswith("__") and not _is_written(member)
            if not is_generated or name == "__annotations__":
                self._add(member)

    def _add_value(self, value: Any) -> None:
        if id(value) in self.seen:
            return
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            self.hash.update(repr((value.dtype, value.shape)).encode() + value.tobytes())
        elif isinstance(value, _PLAIN):
            self.hash.update(f"{value!r};".encode())
        elif isinstance(value, set | frozenset):
            self.hash.update(repr(sorted(map(repr, value))).encode())
        else:
            self.seen[id(value)] = value
            self.hash.update(f"{type(value).__qualname__}(".encode())
            if isinstance(value, tuple | list):
                self._add_all(value)
            elif isinstance(value, dict):
                self._add_all(each for pair in value.items() for each in pair)
            elif dataclasses.is_dataclass(value):
                self._add_all(vars(value).values() if hasattr(value, "__dict__") else ())
            self.hash.update(b")")

    def _is_followed(self, module: types.ModuleType) -> bool:
        """Returns whether a module is somebody's own, or of the package that the root is in."""
        top = _top(module.__name__)
        is_installed = any(part in _INSTALLED for part in Path(_file(module)).parts)
        is_known = top == "recsim_env" or top in sys.stdlib_module_names or is_installed
        return top == self.top or not is_known


def _used_by(function: types.FunctionType) -> Iterator[Any]:
    """Yields what the names in a function stand for, and what it reads through modules."""
    names = _names(function.__code__)
    for cell in function.__closure__ or ():
        if cell != types.CellType():
            yield cell.cell_contents
    for name in names:
        value = function.__globals__.get(name)
        yield value
        if isinstance(value, types.ModuleType):
            yield from (vars(value).get(member) for member in names)


def _names(code: types.CodeType) -> tuple[str, ...]:
    """Returns the names of globals and attributes in a function, nested code included."""
    nested = (each for each in code.co_consts if isinstance(each, types.CodeType))
    names = [*code.co_names, *(name for each in nested for name in _names(each))]
    return tuple(dict.fromkeys(names))


def _text(code: Any) -> bytes:
    """Returns the text of a class or function; of a function that has none, what runs."""
    try:
        return inspect.getsource(code).encode()
    except (OSError, TypeError):  # made by exec, or a class in a notebook
        return b"" if isinstance(code, type) else marshal.dumps(code.__code__)


def _is_written(member: Any) -> bool:
    """Returns whether a member of a class is a function that somebody wrote."""
    function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
    return isinstance(function, types.FunctionType) and function.__code__.co_filename != "<string>"


def _file(module: types.ModuleType) -> str:
    return getattr(module, "__file__", None) or ""


def _top(module: str | None) -> str:
    return (module or "").partition(".")[0]
