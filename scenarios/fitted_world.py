"""A world that was fitted to a log, as the catalogue of `recsim_env.scenarios.rated_catalogue`."""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recsim_env.core.fields import Layout, within
from recsim_env.core.settings import quoted
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.scenarios.periods import (
    has_periods,
    item_period_layout,
    period_numbers,
    user_period_layout,
)
from recsim_env.scenarios.places import has_places, place_numbers
from recsim_env.scenarios.repeated_items import has_repetition, repetition_numbers
from recsim_env.scenarios.visit_contexts import (
    context_numbers,
    has_contexts,
    item_context_layout,
    user_context_layout,
)
from recsim_env.scenarios.visits import has_visits, user_visit_layout, visit_numbers

# What a world may have beside tastes: the flag of the scenario, and how to tell.
_PARTS = {
    "HAS_CONTEXTS": has_contexts,
    "HAS_REPETITION": has_repetition,
    "HAS_VISITS": has_visits,
    "HAS_PERIODS": has_periods,
    "HAS_PLACES": has_places,
}


@functools.lru_cache(maxsize=4)
def _load_world(path: Path, modified_ns: int) -> RatedWorld:
    return RatedWorld.load(path)


def load_world(path: str) -> RatedWorld:
    """Returns the world in a file, read once for as long as the file stays as it is."""
    file = Path(path)
    try:
        is_there = file.exists()
    except (OSError, ValueError):  # a text that can be no path
        is_there = False
    if not is_there:
        raise ValueError(
            f"world={quoted(path)} does not exist; make it with `recsim-env calibrate LOG "
            "--out FOLDER`"
        )
    return _load_world(file, file.stat().st_mtime_ns)


def sizes_of(world: RatedWorld) -> dict[str, int]:
    """Returns the settings of the scenario that the world decides."""
    return {
        "n_users": world.n_users,
        "n_items": world.n_items,
        "n_factors": world.n_factors,
        "n_user_features": world.user_features.shape[1],
        "n_item_features": world.item_features.shape[1],
    }


def flags_of(world: RatedWorld | None) -> dict[str, bool]:
    """Returns which parts the world has; one that was made up has none."""
    return {flag: world is not None and is_there(world) for flag, is_there in _PARTS.items()}


def groups_of(world: RatedWorld) -> dict[str, tuple[str, ...]]:
    """Returns the state groups of what the world has beside tastes."""
    groups = {
        "context": ("context", "context_taste", "mood") if has_contexts(world) else (),
        "repetition": ("consumed", "seen", "consumed_hour") if has_repetition(world) else (),
        "period": ("period",) if has_periods(world) else (),
    }
    return {name: fields for name, fields in groups.items() if fields}


def user_fields_of(world: RatedWorld) -> Layout:
    """Returns the fields of people that the world alone decides."""
    layouts = {
        user_context_layout: has_contexts,
        user_visit_layout: has_visits,
        user_period_layout: has_periods,
    }
    return {k: v for of, has in layouts.items() if has(world) for k, v in of(world).items()}


def item_fields_of(world: RatedWorld) -> Layout:
    """Returns the fields of items that the world alone decides."""
    fields = dict(item_context_layout(world)) if has_contexts(world) else {}
    fields |= item_period_layout(world) if has_periods(world) else {}
    fields |= {"number": within(np.int64, 0, world.n_items - 1)} if has_repetition(world) else {}
    return fields


def numbers_of(world: RatedWorld) -> dict[str, object]:
    """Returns the numbers of the config that the world decides."""
    names = ("global_mean", "rating_noise", "choice_rate", "choice_slope", "no_choice_score")
    numbers: dict[str, object] = {name: float(getattr(world, name)) for name in names}
    numbers |= {"session_sd": float(world.session_log_sd)} | context_numbers(world)
    numbers |= period_numbers(world) | repetition_numbers(world)
    return numbers | visit_numbers(world) | place_numbers(world)


def tables_of(world: RatedWorld, dtypes: Mapping[str, np.dtype]) -> dict[str, np.ndarray]:
    """Returns the records of all items and people."""
    items = np.zeros(world.n_items, dtypes["item"])
    items["factors"], items["bias"] = world.item_factors, world.item_bias
    items["features"][:, : world.item_features.shape[1]] = world.item_features
    items["exposure_threshold"], items["exposure_alias"] = alias_table(world.item_exposure)
    users = np.zeros(world.n_users, dtypes["user"])
    users["factors"], users["bias"] = world.user_factors, world.user_bias
    users["features"][:, : world.user_features.shape[1]] = world.user_features
    users["session_mean"] = world.user_session_mean
    users["visit_threshold"], users["visit_alias"] = alias_table(world.user_visit_weight)
    if has_contexts(world):
        items["context_factors"][:, : world.item_context_factors.shape[1]] = (
            world.item_context_factors
        )
        users["context_liking"] = world.user_context_liking
        users["moments"] = world.user_moments.reshape(world.n_users, -1)
    if has_visits(world):
        users["visit_items"], users["visit_gap"] = world.user_visit_items, world.user_visit_gap
    if has_periods(world):
        items["period_appeal"] = world.item_period_appeal
        users["visit_day"] = world.user_visit_day
    if has_repetition(world):
        items["number"] = np.arange(world.n_items)
    return {"items": items, "users": users}


def alias_table(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns thresholds and aliases with which one draw from any discrete law takes two uniforms.

    Source: Walker 1977, "An efficient method for generating discrete random variables with general
    distributions"; built in linear time after Vose 1991.
    """
    n = len(probabilities)
    threshold = np.asarray(probabilities, float) * n / np.sum(probabilities)
    alias = np.arange(n)
    small = [index for index in range(n) if threshold[index] < 1]
    large = [index for index in range(n) if threshold[index] >= 1]
    while small and large:
        less, more = small.pop(), large[-1]
        alias[less] = more
        threshold[more] -= 1 - threshold[less]
        if threshold[more] < 1:
            small.append(large.pop())
    threshold[small + large] = 1
    return threshold, alias
