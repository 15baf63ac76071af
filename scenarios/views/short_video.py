"""How people and items of `recsim_env.scenarios.short_video` are worded and drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.scenarios.short_video import ShortVideo
from recsim_env.scenarios.video_session import QUIT_REASONS
from recsim_env.scenarios.views import Update


def describe_user(scenario: ShortVideo, user: np.ndarray, user_id: int | None) -> str:
    """Returns where the person's episode and session stand."""
    name = "somebody" if user_id is None else f"user {user_id}"
    return (
        f"{name} (day {user['day']}, session {user['n_sessions']}, slate {user['turn'] + 1}, "
        f"patience {user['patience']:.1f}, most shown "
        f"{user['counts'].max()}x category {user['counts'].argmax()})"
    )


def describe_item(scenario: ShortVideo, item: np.ndarray, item_id: int | None) -> str:
    """Returns what kind of video it is."""
    name = "" if item_id is None else f"#{item_id} "
    return (
        f"{name}category {item['category']}, {item['seconds']:.0f} s, "
        f"quality {item['quality']:+.1f}, cover {item['cover']:+.1f}"
    )


def draw_state(scenario: ShortVideo, axes: Any, user: np.ndarray, items: np.ndarray) -> Update:
    """Draws tastes by category, and how much of each the session has shown of late."""
    categories, zeros = np.arange(scenario.n_categories), np.zeros(scenario.n_categories)
    tastes = axes.barh(categories - 0.2, zeros, height=0.4, color="#0072b2")
    shown = axes.barh(categories + 0.2, zeros, height=0.4, color="#e69f00")
    if scenario.exposure_limit:
        axes.axvline(scenario.exposure_limit, color="black", linestyle="--", linewidth=1)
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(categories)
    axes.set_ylim(scenario.n_categories - 0.4, -0.6)
    axes.tick_params(labelsize=8)
    axes.set_ylabel("category", fontsize=8)
    axes.set_xlabel("blue: taste; orange: shown of late (dashed: limit)", fontsize=8)
    title = axes.set_title(" ", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)

    def update(user: np.ndarray, items: np.ndarray) -> Sequence[Any]:
        for category in categories:
            tastes[category].set_width(user["taste"][category])
            shown[category].set_width(user["counts"][category])
        lowest, highest = user["taste"].min(), max(user["taste"].max(), user["counts"].max())
        highest = max(highest, scenario.exposure_limit or 0.0)
        axes.set_xlim(np.floor(lowest) - 0.2, 2.0 * np.ceil(0.55 * highest))
        reason = QUIT_REASONS[user["quit_reason"]].replace("_", "-")
        quit_phrase = f" (quit the last one: {reason})" if user["quit_reason"] else ""
        title.set_text(f"day {user['day']}, session {user['n_sessions']}{quit_phrase}")
        return *tastes, *shown, title

    return update
