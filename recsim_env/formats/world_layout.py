"""Which arrays a `recsim_env.formats.rated_world.RatedWorld` has, and what may stand in them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The shape of every array: I items, U users, K factors, F and G features; L levels of all
#: contexts, C contexts, V moments, E factors of contexts; S sessions; R times since an item was
#: consumed; P places; Q periods.
SHAPES = {
    "item_factors": ("I", "K"),
    "item_bias": ("I",),
    "item_features": ("I", "F"),
    "item_feature_names": ("F",),
    "item_exposure": ("I",),
    "item_labels": ("I",),
    "user_factors": ("U", "K"),
    "user_bias": ("U",),
    "user_features": ("U", "G"),
    "user_feature_names": ("G",),
    "user_visit_weight": ("U",),
    "user_session_mean": ("U",),
    "user_labels": ("U",),
    "context_labels": ("L",),
    "context_factors": ("L", "E"),
    "item_context_factors": ("I", "E"),
    "user_context_liking": ("U", "L"),
    "user_moments": ("U", "V", "C"),
    "user_visit_items": ("U", "S"),
    "user_visit_gap": ("U", "S"),
    "repeat_hours": ("R",),
    "repeat_appeal": ("R",),
    "place_appeal": ("P",),
    "item_period_appeal": ("I", "Q"),
    "period_days": ("Q",),
    "user_visit_day": ("U", "S"),
}

#: What worlds that know nothing of it leave out.
OPTIONAL = tuple(SHAPES)[-13:]
#: Numbers that they leave out.
NUMBERS = {"habit_rows"}
_DOUBLE = ("item_exposure", "user_visit_weight", "user_session_mean")
#: Arrays of text.
TEXT = ("item_feature_names", "item_labels", "user_feature_names", "user_labels", "context_labels")

#: No number of a world is larger, in the unit of the ratings or as a count: sums stay finite.
LARGEST = 1e6


def as_stored(name: str, values: Any) -> NDArray[Any]:
    """Returns an array of a world in the type in which it is kept.

    Raises:
      ValueError: numbers where text belongs, or the other way round.
    """
    given = np.asarray(values)
    if given.size and given.dtype.kind not in ("U" if name in TEXT else "biuf"):
        kind = "text" if name in TEXT else "numbers"
        raise ValueError(f"{name} has dtype {given.dtype}; use {kind}")
    wanted = np.str_ if name in TEXT else np.float64 if name in _DOUBLE else np.float32
    with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite, and is refused
        return np.ascontiguousarray(given, dtype=wanted)


def check_arrays(world: Any) -> None:
    """Raises ValueError for arrays that disagree in size or hold impossible numbers."""
    sizes: dict[str, int] = {}
    for name, axes in SHAPES.items():
        array = getattr(world, name)
        if array.ndim != len(axes):
            raise ValueError(f"{name} has {array.ndim} dimensions; give {len(axes)}")
        for axis, size in zip(axes, array.shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ValueError(
                    f"{name} has shape {array.shape}, which disagrees with an earlier array:"
                    f" expected {sizes[axis]} where it has {size}"
                )
        if name in TEXT:
            continue
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinite numbers")
        if np.abs(array).max(initial=0.0) > LARGEST:
            raise ValueError(f"{name} holds a number beyond {LARGEST:,.0f}")
    if not sizes["I"] or not sizes["U"]:
        raise ValueError(f"a world needs items and users, got {sizes['I']} and {sizes['U']}")
    for name in ("item_exposure", "user_visit_weight"):
        weights = getattr(world, name)
        if weights.min() < 0 or abs(weights.sum() - 1.0) > 1e-6:
            raise ValueError(f"{name} sums to {weights.sum()}; give probabilities")
    moments = world.user_moments
    if moments.size and not 0 <= moments.min() <= moments.max() < sizes["L"]:
        raise ValueError(
            f"user_moments reach from {moments.min():g} to {moments.max():g}; give places in"
            f" the {sizes['L']} context_labels"
        )
    if sizes["S"] and len(world.context_labels) and sizes["S"] != sizes["V"]:
        raise ValueError(f"there are {sizes['S']} sessions and {sizes['V']} moments a person")
    if (np.diff(world.repeat_hours) <= 0).any():
        raise ValueError(f"repeat_hours={world.repeat_hours.tolist()} must rise")
    if world.user_session_mean.min() <= 0:
        raise ValueError("user_session_mean must be positive for every user")


def check_scalars(world: Any) -> None:
    """Raises ValueError for scalars of another type or outside their ranges."""
    for entry in fields(world):
        value = getattr(world, entry.name)
        if entry.type == "float" or entry.name == "choice_slate_size":
            wanted = (int, np.integer) if entry.type == "int" else (int, float, np.number)
            is_number = isinstance(value, wanted) and not isinstance(value, bool)
            if not is_number or not abs(value) <= LARGEST:
                raise ValueError(
                    f"{entry.name}={value!r:.50} is not allowed; use a number up to {LARGEST:,.0f}"
                )
    for name, kind in (("name", str), ("report", dict)):
        if not isinstance(getattr(world, name), kind):
            raise ValueError(f"{name}={getattr(world, name)!r:.50} must be a {kind.__name__}")
    checks = {
        "rating_noise": world.rating_noise >= 0,
        "rating_max": world.rating_max >= world.rating_min,
        "rating_step": world.rating_step * LARGEST > max(1, world.rating_max - world.rating_min),
        "session_log_sd": world.session_log_sd >= 0,
        "choice_rate": 0 < world.choice_rate < 1,
        "choice_slate_size": world.choice_slate_size >= 1,
        "habit_rows": world.habit_rows > 0,
    }
    for name, is_valid in checks.items():
        if not is_valid:
            raise ValueError(f"{name}={getattr(world, name)} is outside its range")
