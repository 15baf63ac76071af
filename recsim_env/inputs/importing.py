"""Other people's code, named as ``"module:Class"``, ``"file.py:Class"`` or with a function."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from recsim_env.inputs.spelling import did_you_mean


class NamedClass(str):
    """The name of a class, ``"module:Class"``, that knows the class without importing it.

    Args:
      kind: the class.

    Attributes:
      kind: likewise.
    """

    kind: type

    def __new__(cls, kind: type) -> "NamedClass":
        """Returns the name."""
        name = super().__new__(cls, f"{kind.__module__}:{kind.__qualname__}")
        name.kind = kind
        return name

    def __reduce__(self) -> Any:
        return NamedClass, (self.kind,)


def imported_class(name: str, kind: type, *, what: str, or_function: bool = False) -> Any:
    """Returns the class that a name stands for, which must be usable as `kind`.

    Modules are looked for where Python does, and then in the current folder; the folder of a file
    is added to where Python looks, so that the file finds its neighbours, and other processes it.

    Args:
      name: ``"module:Class"``, ``"path/to/file.py:Class"``, or with the name of an inner class.
      kind: what it must be a subclass of.
      what: what the class is called in messages.
      or_function: whether a function will do, which is then returned.

    Raises:
      ValueError: there is no such module or class, importing it fails, or it is of another kind.
    """

    def is_usable(value: Any) -> bool:
        return _is_usable(value, kind) or (or_function and inspect.isfunction(value))

    found, attribute = _imported(name, is_usable, what=what, kind="Class")
    if or_function and callable(found) and not isinstance(found, type):
        return found
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(
            f"{what} {name!r}: {attribute} is no subclass of {kind.__module__}.{kind.__name__}"
            f"{', and no function' if or_function else ''}"
        )
    if inspect.isabstract(found):
        lacking = ", ".join(sorted(getattr(found, "__abstractmethods__", ())))
        raise ValueError(f"{what} {name!r}: {attribute} does not define {lacking}")
    return found


def imported_function(name: str, *, what: str) -> Callable[..., Any]:
    """Returns the function that ``"module:function"`` or ``"file.py:function"`` stands for.

    It is looked for as in `imported_class`.

    Raises:
      ValueError: there is no such module or function, or importing it fails.
    """
    found, attribute = _imported(
        name, lambda value: isinstance(value, FunctionType), what=what, kind="function"
    )
    if not isinstance(found, FunctionType):
        raise ValueError(f"{what} {name!r}: {attribute} is no function, but {found!r:.80}")
    return found


def code_named(name: str) -> Any:
    """Returns the class or function that a name stands for as above; None where it is no such name.

    Args:
      name: any text; only one that looks like ``"module:name"`` is looked for.
    """
    place, _, attribute = name.rpartition(":")
    dotted = (*Path(place).stem.split("."), *attribute.split("."))
    if isinstance(name, NamedClass):
        return name.kind
    if not all(part.isidentifier() for part in dotted):
        return None
    try:
        found, _ = _imported(name, callable, what="code", kind="name")
    except ValueError:
        return None
    return found if isinstance(found, type | FunctionType) else None


def importable_name(found: Any) -> str | None:
    """Returns ``"module:name"`` where importing it gives this class or function; else None."""
    module = sys.modules.get(found.__module__)
    if module is None or found.__module__ in ("__main__", "__mp_main__"):
        return None
    try:
        other: Any = reduce(getattr, found.__qualname__.split("."), module)
    except AttributeError:
        return None  # it is local to a function
    return f"{found.__module__}:{found.__qualname__}" if other is found else None


def _imported(
    name: str, is_usable: Callable[[Any], bool], *, what: str, kind: str
) -> tuple[Any, str]:
    """Returns what a name stands for, whatever it is, and what the module calls it.

    Args:
      name: as in `imported_class`.
      is_usable: says which of the module's values to list where it has none of that name.
      what: what it is called in messages.
      kind: the word for what stands after the colon.
    """
    place, colon, attribute = name.rpartition(":")
    if not colon or not place or not attribute:
        raise ValueError(f"{what} {name!r} is neither module:{kind} nor file.py:{kind}")
    is_file = place.endswith(".py")
    module = _module_in_file(Path(place), name) if is_file else imported_module(place, name)
    try:
        return reduce(getattr, attribute.split("."), module), attribute
    except AttributeError:
        usable = [
            each
            for each, value in vars(module).items()
            if is_usable(value) and value.__module__ == module.__name__
        ]
        listed = f"; it has {', '.join(usable)}" if usable else ""
        raise ValueError(
            f"{what} {name!r}: {_origin(module)} has no {attribute}{listed}"
            f"{did_you_mean(attribute, usable)}"
        ) from None


def _is_usable(value: Any, kind: type) -> bool:
    is_one = isinstance(value, type) and issubclass(value, kind)
    return is_one and value is not kind and not inspect.isabstract(value)


def _origin(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or f"Python's module {module.__name__}"


def _module_in_file(path: Path, name: str) -> ModuleType:
    """Returns the module in a file, by its name alone, as whoever unpickles its classes needs it.

    Raises:
      ValueError: there is no such file, it fails, or another module has its name.
    """
    if not path.is_file():
        raise ValueError(f"{name!r}: there is no file {path}")
    if not path.stem.isidentifier():
        raise ValueError(f"{name!r}: {path.stem} cannot be imported; rename the file to a name")
    _look_in(path.resolve().parent)
    module = _import(path.stem, name)
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).exists() or not path.samefile(file):
        raise ValueError(
            f"{name!r}: another module is called {path.stem} ({_origin(module)}); rename the file"
        )
    return module


def imported_module(dotted: str, name: str) -> ModuleType:
    """Returns a module by its dotted name; `name` is the whole in which it was given.

    Raises:
      ValueError: there is none, or it fails.
    """
    if not all(part.isidentifier() for part in dotted.split(".")):
        raise ValueError(f"{name!r}: {dotted!r} is no module; a file is named with its .py")
    top = dotted.partition(".")[0]
    if top not in sys.modules and importlib.util.find_spec(top) is None:
        _look_in(Path.cwd())
    return _import(dotted, name)


def _look_in(folder: Path) -> None:
    """Adds a folder to where modules are looked for, last: it hides nothing."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()


def _import(dotted: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{dotted}.".startswith(f"{error.name}."):
            raise ValueError(
                f"{name!r}: there is no module {error.name} where Python looks, nor in the "
                "current folder"
            ) from None
        raise ValueError(f"{name!r} needs {error.name}, which is not installed") from error
    except (Exception, SystemExit) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{name!r}: importing {dotted} failed with {said}") from error
