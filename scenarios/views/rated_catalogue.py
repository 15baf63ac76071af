"""How people and items of `recsim_env.scenarios.rated_catalogue` are worded and drawn."""

import numpy as np

from recsim_env.scenarios.fitted_world import load_world
from recsim_env.scenarios.rated_catalogue import RatedCatalogue


def describe_user(scenario: RatedCatalogue, user: np.ndarray, user_id: int | None) -> str:
    """Returns who the person is, and how far their session has come."""
    label = ""
    if scenario.world:
        label = f" of the log: {load_world(scenario.world).user_labels[user_id]}"
    return (
        f"user {user_id}{label} ({user['n_consumed']} consumed, {user['slates_left']} slates left)"
    )


def describe_item(scenario: RatedCatalogue, item: np.ndarray, item_id: int | None) -> str:
    """Returns the item's title in the log, or its number."""
    return str(load_world(scenario.world).item_labels[item_id]) if scenario.world else f"#{item_id}"
