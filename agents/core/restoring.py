"""What is taken back from files: arrays of the right names, types, shapes and ranges, or nothing.

Whoever checks raises ValueError with what is wrong; `Agent.load` adds the name of the file. Numbers
index other arrays, in compiled code too, so that one out of its range is refused here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]

#: Nested dicts of arrays and numbers, as `Agent.state_dict` returns them.
State = Mapping[str, Any]

# What is of each kind of a layout; see `fits`.
_KINDS = {"f": "f", "scale": "f", "i": "iu", "U": "U"}

#: No number of steps, sessions or rows is larger.
MANY = 2**62

#: No number that was learned is larger: products of three of them are still finite.
LARGEST = 1e100


def flattened(state: State) -> dict[str, np.ndarray]:
    """Returns the arrays in nested dicts under one name each, joined by dots."""
    found: dict[str, np.ndarray] = {}
    for name, value in state.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": array for inner, array in flattened(value).items()}
        else:
            found[name] = np.asarray(value)
    return found


def nested(arrays: Arrays) -> dict[str, Any]:
    """Returns dicts in dicts of arrays whose names are joined by dots; see `flattened`.

    Raises:
      ValueError: a name is that of an array and of a dict.
    """
    found: dict[str, Any] = {}
    for name, array in arrays.items():
        *outer, last = name.split(".")
        inside = found
        for part in outer:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise ValueError(f"{name} lies within an array")
        if last in inside:
            raise ValueError(f"{name} is both an array and what holds others")
        inside[last] = array
    return found


def split(state: State, *names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns what stands under these names, and all the rest.

    Raises:
      ValueError: one is missing.
    """
    for name in names:
        if name not in state:
            raise ValueError(f"{name} is missing")
    rest = {name: value for name, value in state.items() if name not in names}
    return {name: state[name] for name in names}, rest


def part(state: State, name: str) -> dict[str, Any]:
    """Returns a dict within a state; an empty one, which files do not hold, where it is missing.

    Raises:
      ValueError: it is an array.
    """
    found = state.get(name, {})
    if not isinstance(found, Mapping):
        raise ValueError(f"{name} is an array, where several are due")
    return dict(found)


def taken(arrays: Arrays, name: str) -> np.ndarray:
    """Returns an array by name.

    Raises:
      ValueError: it is not there, or is of a machine that orders bytes otherwise.
    """
    if name not in arrays:
        raise ValueError(f"{name} is missing")
    if isinstance(arrays[name], Mapping):
        raise ValueError(f"{name} holds several arrays, where one is due")
    array = np.asarray(arrays[name])
    if not array.dtype.isnative:
        raise ValueError(
            f"{name} has dtype {array.dtype}, which this machine does not compute with"
        )
    return array


def like(arrays: Arrays, name: str, model: np.ndarray) -> np.ndarray:
    """Returns a copy of an array, of the dtype and shape of what it is taken back for.

    Raises:
      ValueError: it has another, or numbers that are not finite.
    """
    array = taken(arrays, name)
    if array.dtype != model.dtype or array.shape != model.shape:
        raise ValueError(
            f"{name} is {_kind(array.dtype)} of shape {array.shape}, not {_kind(model.dtype)} of "
            f"shape {model.shape}"
        )
    require_finite(name, array)
    return array.copy()


def rows_like(
    arrays: Arrays, names_and_models: Mapping[str, np.ndarray], n: int | None = None
) -> dict[str, np.ndarray]:
    """Returns arrays that have as many rows, each of the dtype and shape of the rows of a model.

    Args:
      arrays: where they are.
      names_and_models: what they are taken back for, (any number, ...) each.
      n: how many rows; None: as many as the first has.

    Raises:
      ValueError: as in `like`.
    """
    found = {}
    for name, model in names_and_models.items():
        array = taken(arrays, name)
        n = (len(array) if array.ndim else -1) if n is None else n
        shape = (max(n, 0), *model.shape[1:])
        if array.dtype != model.dtype or array.shape != shape:
            raise ValueError(
                f"{name} is {_kind(array.dtype)} of shape {array.shape}, not "
                f"{_kind(model.dtype)} of shape {shape}"
            )
        require_finite(name, array)
        found[name] = array
    return found


def whole(arrays: Arrays, name: str, *, low: int = 0, high: int = MANY) -> int:
    """Returns a single whole number of `low` to `high`.

    Raises:
      ValueError: it is anything else.
    """
    array = taken(arrays, name)
    if array.shape != () or array.dtype.kind not in "iu" or not low <= int(array) <= high:
        raise ValueError(f"{name} is no whole number of {low} to {high}")
    return int(array)


def require_finite(name: str, array: np.ndarray, *, but_for_infinity: bool = False) -> None:
    """Raises ValueError where an array holds NaN, infinite or absurd numbers, or no true bool.

    Args:
      name: of the array.
      array: of any dtype.
      but_for_infinity: whether infinite numbers are in order.
    """
    if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise ValueError(f"{name} holds what is neither true nor false")
    if array.dtype.kind not in "fc":
        return
    if np.isnan(array).any() or not (but_for_infinity or np.isfinite(array).all()):
        raise ValueError(f"{name} holds numbers that are not finite")
    is_wide = array.dtype.itemsize > 4  # narrower numbers are smaller
    if is_wide and (np.isfinite(array) & (np.abs(array) > LARGEST)).any():
        raise ValueError(f"{name} holds numbers beyond {LARGEST:g}")


def require_range(name: str, array: np.ndarray, *, low: float, high: float = np.inf) -> None:
    """Raises ValueError unless all numbers are `low` to `high`."""
    if array.size and not (array.min() >= low and array.max() <= high):
        raise ValueError(f"{name} holds a number outside {low:g} to {high:g}")


def require_symmetric(name: str, matrix: np.ndarray) -> None:
    """Raises ValueError unless matrices (..., n, n) are symmetric, but for rounding."""
    if not np.allclose(matrix, np.swapaxes(matrix, -1, -2), rtol=1e-5, atol=1e-10):
        raise ValueError(f"{name} is not symmetric")


def require_definite(name: str, matrix: np.ndarray) -> None:
    """Raises ValueError unless matrices (..., n, n) are symmetric and positive definite."""
    require_symmetric(name, matrix)
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise ValueError(f"{name} is not positive definite") from None


def fits(arrays: Arrays, layout: Mapping[str, str], sizes: Mapping[str, int]) -> None:
    """Raises ValueError unless arrays are laid out as they must be, and are finite.

    Args:
      arrays: the arrays; others beside them are left alone.
      layout: of each, its kind and its axes, such as ``"f U K+1"``: numbers, or names of sizes,
        where the same name is the same size. Kinds are f, i and U, as NumPy calls them; scale, of
        what others are divided by, which may be infinite; and csr, a sparse matrix in four arrays
        (see `user_vectors.stored`).
      sizes: those that are known.
    """
    known = dict(sizes)
    for name, text in layout.items():
        kind, *axes = text.split()
        if kind == "csr":
            _fits_sparse(arrays, name, axes, known)
            continue
        array = taken(arrays, name)
        is_kind = array.dtype.kind in _KINDS[kind]
        if not is_kind or array.ndim != len(axes):
            raise ValueError(
                f"{name} is {_kind(array.dtype)} of shape {array.shape}, where '{text}' is due"
            )
        _fit_shape(name, array.shape, axes, known)
        require_finite(name, array, but_for_infinity=kind == "scale")
        if kind == "scale" and not (array > 0).all():
            raise ValueError(f"{name} holds a number that is not above 0")


def _fit_shape(name: str, shape: tuple[int, ...], axes: list[str], known: dict[str, int]) -> None:
    """Raises ValueError unless a shape is as its axes say; adds the sizes that it tells."""
    for axis, size in zip(axes, shape, strict=True):
        base, _, more = axis.partition("+")
        wanted = int(base) if base.isdecimal() else known.setdefault(base, size - int(more or 0))
        if size != wanted + int(more or 0):
            raise ValueError(f"{name} has shape {shape}, which disagrees with {wanted} ({base})")


def _fits_sparse(arrays: Arrays, name: str, axes: list[str], known: dict[str, int]) -> None:
    """Raises ValueError unless arrays are a sparse matrix of these axes."""
    layout = {f"{name}_start": "i R+1", f"{name}_column": "i E", f"{name}_value": "f E"}
    fits(arrays, layout, {})
    start, column = arrays[f"{name}_start"], arrays[f"{name}_column"]
    n_rows, n_columns = len(start) - 1, whole(arrays, f"{name}_width")
    _fit_shape(name, (n_rows, n_columns), axes, known)
    require_range(f"{name}_column", column, low=0, high=n_columns - 1)
    if not len(start) or start[0] != 0 or start[-1] != len(column) or (np.diff(start) < 0).any():
        raise ValueError(f"{name} is no matrix of {n_rows} x {n_columns}")


def _kind(dtype: Any) -> str:
    return "records" if dtype.names else str(dtype)
