"""How people and items of `recsim_env.scenarios.creator_economy` are worded and drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.scenarios.creator_economy import CreatorEconomy
from recsim_env.scenarios.views import Update

_GROUP_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")


def describe_user(scenario: CreatorEconomy, user: np.ndarray, user_id: int | None) -> str:
    """Returns who visits, when, and how the platform stands."""
    week = float(user["time"]) / scenario.weekly_visits
    loyalty = " ".join(f"{share:.2f}" for share in user["loyalty"])
    return (
        f"week {week:.1f}, a visitor of group {user['group']} "
        f"({user['n_active']} of {scenario.n_creators} creators, loyalties {loyalty})"
    )


def describe_item(scenario: CreatorEconomy, item: np.ndarray, item_id: int | None) -> str:
    """Returns the item's number, creator and quality."""
    creator = int(item["creator"])
    return (
        f"#{item_id} by creator {creator} of group {creator % scenario.n_groups} "
        f"(quality {item['quality']:.2f})"
    )


def draw_state(scenario: CreatorEconomy, axes: Any, user: np.ndarray, items: np.ndarray) -> Update:
    """Draws the attention of creators, in the colours of their groups."""
    places = np.arange(scenario.n_creators)
    bars = axes.bar(places, np.zeros(len(places)))
    (crosses,) = axes.plot([], [], "kx", markersize=4)
    for group in range(scenario.n_groups):
        axes.bar(0, 0, color=_GROUP_COLOURS[group % 6], label=f"group {group}")
    axes.legend(fontsize=8, frameon=False, loc="upper right")
    axes.set_xticks([])
    axes.set_xlabel("creators by attention (x: left)", fontsize=8)
    axes.set_ylabel("attention", fontsize=8)
    title = axes.set_title(" ", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)

    def update(user: np.ndarray, items: np.ndarray) -> Sequence[Any]:
        order = np.argsort(-user["attention"], kind="stable")
        for bar, creator in zip(bars, order, strict=True):
            bar.set(
                height=user["attention"][creator],
                color=_GROUP_COLOURS[creator % scenario.n_groups % 6],
            )
        step = 10.0 ** np.floor(np.log10(max(user["attention"].max(), 1e-9)))
        axes.set_ylim(0.0, step * np.ceil(1.05 * user["attention"].max() / step))
        gone = np.flatnonzero(user["production"][order] == 0)
        crosses.set_data(gone, np.full(len(gone), 0.02 * axes.get_ylim()[1]))
        title.set_text(f"{user['n_active']} of {scenario.n_creators} creators active")
        return *bars, crosses, title

    return update
