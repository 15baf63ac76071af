"""How people and items of `recsim_env.scenarios.bernoulli_bandit` are worded and drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.scenarios.views import Update


def describe_user(scenario: BernoulliBandit, user: np.ndarray, user_id: int | None) -> str:
    """Returns what the last slate lost."""
    return f"somebody ({user['n_slates']} slates, the last lost {user['regret']:.2f} clicks)"


def describe_item(scenario: BernoulliBandit, item: np.ndarray, item_id: int | None) -> str:
    """Returns the item's number and its chance of a click at first."""
    return f"#{item_id} ({scenario.chances()[item['number']]:.0%})"


def draw_state(scenario: BernoulliBandit, axes: Any, user: np.ndarray, items: np.ndarray) -> Update:
    """Draws the chance of a click on each item."""
    bars = axes.bar(items["number"], scenario.chances(), color="#56b4e9")
    axes.set_title("chance of a click", fontsize=8)
    axes.set_xlabel("item", fontsize=8)
    axes.set_ylim(0, 1)
    axes.tick_params(labelsize=8)

    def update(user: np.ndarray, items: np.ndarray) -> Sequence[Any]:
        n_changes = user["n_slates"] // scenario.change_every if scenario.change_every else 0
        for bar, chance in zip(bars, np.roll(scenario.chances(), -n_changes), strict=True):
            bar.set_height(chance)
        return tuple(bars)

    return update
