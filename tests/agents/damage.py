"""Files of arrays in which numbers, types, shapes, names or values are not what they were."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.formats.array_file import read_arrays, write_arrays

EXTREMES = {
    "f": (np.nan, np.inf, -np.inf, 1e300, -1e300, 0.0, -1.0, 1e9),
    "i": (-1, -2, 10**12, -(10**12), 2**62, -(2**63), 0, 1, 10**6, 59, 60, 61),
    "u": (0, 1, 255, 2**31, 2**63),
}


def other_number(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the array with one number, or all of a row, replaced by an extreme one."""
    array = array.copy()
    if array.dtype.names:
        name = array.dtype.names[rng.integers(len(array.dtype.names))]
        array[name] = other_number(array[name], rng)
        return array
    if not array.size or array.dtype.kind not in (*EXTREMES, "b", "U"):
        return array  # of another type already
    flat = array.reshape(-1)
    places = slice(None) if rng.random() < 0.2 else int(rng.integers(len(flat)))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if array.dtype.kind == "b":
            flat[places] = ~flat[places]
        elif array.dtype.kind == "U":
            flat[places] = "~"
        else:
            extremes = EXTREMES[array.dtype.kind]
            value = extremes[rng.integers(len(extremes))]
            flat[places] = np.array(value).astype(array.dtype)
    return array


def other_type(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the array as numbers of another kind, or as text."""
    kinds = ("<f8", ">f8", "<i8", "<i2", "<u1", "?", "<c16", "<U3", "M8[s]", "V8")
    kind = kinds[rng.integers(len(kinds))]
    if array.dtype.names or kind == "V8":
        return np.zeros(array.shape, kind)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return array.astype(kind)
        except (ValueError, TypeError):
            return np.zeros(array.shape, kind)


def other_shape(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the array shorter, longer, flat, turned or with another axis."""
    kind = rng.integers(6)
    if array.ndim == 0:
        return array[None] if kind < 3 else np.repeat(array[None], 3)
    if kind == 0:
        return array[: len(array) // 2]
    if kind == 1:
        return np.concatenate([array, array[-1:], array[:1]])
    if kind == 2:
        return array.reshape(-1)[:1].reshape(()) if array.size else array[None]
    if kind == 3:
        return array[None]
    if kind == 4:
        return np.ascontiguousarray(array.T)
    return array[..., :-1] if array.shape[-1] else array[..., None]


def damaged(arrays: Mapping[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Returns arrays of which one or two are not what they were."""
    found = dict(arrays)
    for _ in range(1 + (rng.random() < 0.2)):
        name = list(found)[rng.integers(len(found))]
        kind = rng.random()
        if kind < 0.6:
            found[name] = other_number(found[name], rng)
        elif kind < 0.7:
            found[name] = other_type(found[name], rng)
        elif kind < 0.87:
            found[name] = other_shape(found[name], rng)
        elif kind < 0.92:
            found[name] = found[list(found)[rng.integers(len(found))]]
        elif kind < 0.96:
            del found[name]
        else:
            found[f"{name}x"] = found[name]
    return found


def other_values(values: Any, rng: np.random.Generator) -> Any:
    """Returns JSON values of which one is another."""
    if isinstance(values, dict | list) and values and rng.random() < 0.85:
        found = dict(values) if isinstance(values, dict) else list(values)
        keys = list(found) if isinstance(found, dict) else list(range(len(found)))
        key = keys[rng.integers(len(keys))]
        found[key] = other_values(found[key], rng)
        return found
    others: Any = (
        None,
        -1,
        0,
        2,
        1e300,
        -1e300,
        float("nan"),
        "x",
        "",
        [],
        {},
        True,
        10**30,
        [[1]],
    )
    return others[rng.integers(len(others))]


def count(
    path: Path, kind: str, attempt: Callable[[Path], Any], n: int, *, seed: int = 0
) -> dict[str, int]:
    """Damages a file of arrays n times, with the right seal; returns what became of it.

    Args:
      path: the file; at the end it is as it was.
      kind: what it is.
      attempt: reads it and does something with what it read.
      n: how often.
      seed: of the damages.

    Returns:
      Counts of `refused` in a sentence that names the file, `ran`, and `faults`, which are printed.
    """
    content = path.read_bytes()
    arrays, about = read_arrays(path, kind=kind, version=1)
    rng = np.random.default_rng(seed)
    counts = {"tries": n, "refused": 0, "ran": 0, "faults": 0}
    for _ in range(n):
        changed, values = arrays, about
        if rng.random() < 0.15:
            values = other_values(about, rng)
            values = values if isinstance(values, dict) else {}
        else:
            changed = damaged(arrays, rng)
        write_arrays(path, changed, values, kind=kind, version=1)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                attempt(path)
            counts["ran"] += 1
        except Exception as error:
            is_told = (
                isinstance(error, ValueError) and path.name in str(error) and "\n" not in str(error)
            )
            counts["refused" if is_told else "faults"] += 1
            if not is_told:
                what = _changes(arrays, changed) or f"values: {_change(about, values)}"
                print(f"fault: {error!r:.200}; {what}")
    path.write_bytes(content)
    return counts


def _change(before: Any, after: Any) -> str:
    """Returns where values differ first."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            if repr(before.get(key)) != repr(after.get(key)):
                return f"{key}.{_change(before.get(key), after.get(key))}"
    return f"{before!r:.60} -> {after!r:.60}"


def _changes(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> str:
    """Returns which arrays are others, and how."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            found.append(f"{name} {'added' if one is None else 'lost'}")
        elif one.dtype != other.dtype or one.shape != other.shape:
            found.append(f"{name} {one.dtype}{one.shape} -> {other.dtype}{other.shape}")
        elif not one.dtype.names and one.tobytes() != other.tobytes():
            place = np.flatnonzero(one.reshape(-1) != other.reshape(-1))[:1]
            found.append(f"{name}{place}: {one.reshape(-1)[place]} -> {other.reshape(-1)[place]}")
        elif one.dtype.names and repr(one.tolist()) != repr(other.tolist()):
            found.append(f"{name}")
    return "; ".join(found)[:300]
