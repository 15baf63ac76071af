"""A world that was fitted to a log, as the catalogue of `recsim_env.scenarios.rated_catalogue`."""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recsim_env.core.settings import quoted
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.scenarios.periods import has_periods
from recsim_env.scenarios.repeated_items import has_repetition
from recsim_env.scenarios.visit_contexts import has_contexts
from recsim_env.scenarios.visits import has_visits


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


def numbers_of(world: RatedWorld) -> dict[str, float]:
    """Returns the numbers of the config that the world decides."""
    names = ("global_mean", "rating_noise", "choice_rate", "choice_slope", "no_choice_score")
    numbers = {name: float(getattr(world, name)) for name in names}
    return numbers | {"session_sd": float(world.session_log_sd)}


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
