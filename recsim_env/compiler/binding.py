"""Rebuilding functions with other globals, compiled or not, under names that say what they are.

Numba caches a compiled function on disk by its name. The names given here hold a hash of all
bytecode and constants involved, so that the cache is hit by the next process and missed after any
edit, wherever it was made. By the same hash, what loops call is compiled once in a process,
whichever loops they are.
"""

import dis
import enum
import functools
import hashlib
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

_Function = TypeVar("_Function", bound=Callable)


def noinline(function: _Function) -> _Function:
    """Keeps a compiled function out of the code of its callers: for a path that is rarely taken.

    All others are inlined where they are called, which is worth a third of the time of a step. A
    long function that hardly ever runs only makes its callers larger, and compiling slower.
    """
    function.__dict__["is_noinline"] = True
    return function


class Binder:
    """Rebuilds a function and all plain functions that it calls with other globals.

    Args:
      functions: which function stands in the place of another, wherever that is called.
      flags: values of the global constants of these names, whichever module has them. What stands
        in ``if FLAG:`` is compiled where the flag is true only, so it may use fields that the
        records do not have otherwise.
      compiled: whether to compile each function with Numba.
      layout: what the records look like. Every root is named by a hash of this and of all that it
        consists of: Numba itself numbers functions and record types anew in each process, so two
        that came from the caches of different processes could have one name, and one would run the
        other's code.

    Attributes:
      digest: of all roots that were bound.
    """

    def __init__(
        self,
        functions: Mapping[Callable, Any],
        flags: Mapping[str, bool],
        *,
        compiled: bool,
        layout: str = "",
    ) -> None:
        self.functions = dict(functions)
        self.flags = {name: bool(flag) for name, flag in flags.items()}
        self.is_compiled = compiled
        self.bound: dict[int, tuple[Callable, bytes]] = {}
        self.pending: set[int] = set()
        self.kind = _own_source() + layout.encode()
        self.digest = hashlib.sha256(self.kind)

    def bind_root(self, root: Callable, functions: Mapping[Callable, Any] | None = None) -> Any:
        """Returns the function bound, and cached on disk under the hash of all it consists of.

        Args:
          root: the function that is to be called from outside.
          functions: more of those of the binder, for what this root calls itself.
        """
        self.functions.update(functions or {})
        function, digest = self._rebuild(root)
        self.digest.update(digest)
        if not self.is_compiled:
            return function
        from recsim_env.compiler.kernel_cache import keep_on_disk
        from recsim_env.compiler.parts import compiled_loop

        compiled = compiled_loop(_named(function, self.kind + digest))
        keep_on_disk(compiled)
        return compiled

    def _rebuild(self, function: Any) -> tuple[types.FunctionType, bytes]:
        """Returns the function with every global that it uses resolved, and a hash of it."""
        code = function.__code__
        digest = hashlib.sha256()
        names = [name for name in _global_names(code) if name in function.__globals__]
        _refuse_super(function)
        replaced = dict(function.__globals__)
        _hash_code(code, digest)
        digest.update(repr(_is_noinline(function)).encode())
        for name in names:
            value = self.flags.get(name, function.__globals__[name])
            replaced[name] = self._resolve(name, value, digest, of=function)
        closure = tuple(
            types.CellType(self._resolve(name, cell.cell_contents, digest, of=function))
            for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
        )
        defaults = (function.__defaults__, function.__kwdefaults__)
        digest.update(repr(defaults).encode())
        rebuilt = types.FunctionType(
            code, replaced, function.__name__, function.__defaults__, closure
        )
        rebuilt.__kwdefaults__ = function.__kwdefaults__
        rebuilt.__dict__.update(function.__dict__)
        # Loading from Numba's cache imports this module; the function's own may be a notebook.
        rebuilt.__module__ = __name__
        return rebuilt, digest.digest()

    def _resolve(self, name: str, value: Any, digest: Any, *, of: Callable) -> Any:
        """Returns what a global name stands for in the rebuilt function, and hashes it."""
        digest.update(name.encode())
        if isinstance(value, types.FunctionType):
            value = self.functions.get(value, value)
        if isinstance(value, types.FunctionType):
            function, its_digest = self._bound(value)
            digest.update(its_digest)
            return function
        members = _read_of(name, of.__code__) if isinstance(value, type) else ()
        if members and not issubclass(value, enum.Enum):  # Numba knows those
            return self._members(value, members, digest, of=of)
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith("recsim_env"):
                raise TypeError(
                    f"{of.__qualname__} uses {name}.…; import the function itself "
                    f"(from {value.__name__} import …), so that it can be compiled"
                )
            _hash_module(value, digest, of=of)
        elif isinstance(value, np.ndarray):
            digest.update(repr((value.dtype, value.shape)).encode() + value.tobytes())
        else:
            digest.update(repr(value).encode())
        return value

    def _bound(self, function: types.FunctionType) -> tuple[Callable, bytes]:
        """Returns a function as others call it, rebuilt once for all of them, and its hash."""
        if id(function) in self.pending:
            raise TypeError(
                f"{function.__qualname__} calls itself, in the end; write a loop instead, since "
                "functions of a scenario are inlined where they are called"
            )
        if id(function) not in self.bound:
            self.pending.add(id(function))
            rebuilt, digest = self._rebuild(function)
            self.bound[id(function)] = (self._as_part(rebuilt, digest), digest)
            self.pending.remove(id(function))
        return self.bound[id(function)]

    def _as_part(self, function: types.FunctionType, digest: bytes) -> Callable:
        """Returns a function as other compiled code calls it, the same one for the same hash."""
        if not self.is_compiled:
            return function
        from recsim_env.compiler.parts import compiled_part

        if digest not in _PARTS:
            is_inlined = not _is_noinline(function)
            _PARTS[digest] = compiled_part(_named(function, digest), is_inlined=is_inlined)
        return _PARTS[digest]

    def _members(
        self, kind: type, names: tuple[str, ...], digest: Any, *, of: Callable
    ) -> types.ModuleType:
        """Returns what stands for a class of which a function reads members: Numba knows modules.

        Raises:
          TypeError: a member is neither a static method nor a constant.
        """
        members = types.ModuleType(kind.__name__)
        for name in names:
            value = inspect.getattr_static(kind, name, None)
            if isinstance(value, staticmethod):
                value = value.__func__
            elif not isinstance(value, bool | int | float | tuple | np.ndarray):
                raise TypeError(
                    f"{of.__qualname__} uses {kind.__name__}.{name}, which is no static method, "
                    f"number, tuple or array; static methods of {kind.__name__} are "
                    f"{', '.join(_static_methods(kind)) or 'none'}"
                )
            setattr(members, name, self._resolve(name, value, digest, of=of))
        return members


# What loops of this process call, by the hash of what it consists of.
_PARTS: dict[bytes, Callable] = {}


def _named(function: types.FunctionType, digest: bytes) -> types.FunctionType:
    """Returns a function under a name that says what it is."""
    function.__qualname__ = f"{function.__name__}_{hashlib.sha256(digest).hexdigest()[:24]}"
    return function


def _hash_module(module: types.ModuleType, digest: Any, *, of: Any) -> None:
    """Hashes the numbers that a function may read through a module."""
    digest.update(module.__name__.encode())
    for name in of.__code__.co_names:
        value = getattr(module, name, None)
        if isinstance(value, bool | int | float | tuple | np.ndarray):
            digest.update(repr((name, value)).encode())


def _hash_code(code: types.CodeType, digest: Any) -> None:
    digest.update(code.co_code)
    digest.update(repr((code.co_names, code.co_varnames)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _hash_code(constant, digest)
        else:
            digest.update(repr(constant).encode())


def _refuse_super(function: types.FunctionType) -> None:
    """Raises TypeError where a function asks for its parent's in a way that knows no object."""
    if "super" not in _global_names(function.__code__) or "super" in function.__globals__:
        return
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    own = next((cell.cell_contents for name, cell in cells if name == "__class__"), object)
    parent = own.__mro__[1].__name__ if own is not object else "Parent"
    raise TypeError(
        f"{function.__qualname__} uses super(), which needs an object, and a static method has "
        f"none; name the parent, {parent}.{function.__name__}(...)"
    )


def called_by(function: types.FunctionType) -> Iterator[Any]:
    """Yields what the names in a function stand for, those of static methods of classes too."""
    code = function.__code__
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    found = {name: function.__globals__.get(name) for name in code.co_names}
    found |= {name: cell.cell_contents for name, cell in cells}
    for name, value in found.items():
        yield value
        if isinstance(value, type):
            for member in _read_of(name, code):
                yield getattr(value, member, None)


def _static_methods(kind: type) -> list[str]:
    return [n for n in dir(kind) if isinstance(inspect.getattr_static(kind, n), staticmethod)]


@functools.lru_cache(maxsize=4096)
def _read_of(name: str, code: types.CodeType) -> tuple[str, ...]:
    """Returns which members code reads of what a name stands for, as `name.member`."""
    found, before = [], None
    for each in dis.get_instructions(code):
        reads_member = each.opname in ("LOAD_ATTR", "LOAD_METHOD")
        if reads_member and before is not None and before.argval == name:
            found.append(each.argval)
        if each.opname != "EXTENDED_ARG":
            before = each if each.opname in ("LOAD_GLOBAL", "LOAD_DEREF") else None
    nested = (each for each in code.co_consts if isinstance(each, types.CodeType))
    found += [member for each in nested for member in _read_of(name, each)]
    return tuple(dict.fromkeys(found))


@functools.cache
def _own_source() -> bytes:
    """Returns the text of what compiles functions: how that is done is part of what they are."""
    return b"".join(Path(__file__).with_name(f).read_bytes() for f in ("binding.py", "parts.py"))


def _is_noinline(function: Callable) -> bool:
    return bool(function.__dict__.get("is_noinline", False))


@functools.lru_cache(maxsize=4096)
def _global_names(code: types.CodeType) -> tuple[str, ...]:
    """Returns the names a code object reads as globals, nested code included."""
    loads = (each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL")
    nested = (each for each in code.co_consts if isinstance(each, types.CodeType))
    names = [*loads, *(name for each in nested for name in _global_names(each))]
    return tuple(dict.fromkeys(names))
