"""How people and items of `recsim_env.scenarios.boredom` are worded and drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.scenarios.boredom import Boredom
from recsim_env.scenarios.views import Update


def describe_user(scenario: Boredom, user: np.ndarray, user_id: int | None) -> str:
    """Returns what interests the person most, and what bores them."""
    name = "somebody" if user_id is None else f"user {user_id}"
    bored = np.flatnonzero(user["is_bored"])
    boredom = f"; bored of {_join(bored)}" if len(bored) else ""
    return f"{name} (likes {_describe(user['interest'])}{boredom})"


def describe_item(scenario: Boredom, item: np.ndarray, item_id: int | None) -> str:
    """Returns what the item is about."""
    return f"#{item_id} on {_describe(item['embedding'])}"


def draw_state(scenario: Boredom, axes: Any, user: np.ndarray, items: np.ndarray) -> Update:
    """Draws interests, hatched where boredom silences them, and recent clicks as dots."""
    topics = np.arange(scenario.n_topics)
    bars = axes.barh(topics, np.zeros(len(topics)), height=0.7)
    (clicks,) = axes.plot([], [], "o", color="#0072b2", markersize=4)
    phrases = [axes.text(0.02, topic, "", fontsize=8, va="center") for topic in topics]
    axes.axvline(1, color="#999999", linewidth=0.8)
    if scenario.boredom_threshold:
        limit = 1.05 + 0.07 * (scenario.boredom_threshold - 1.5)
        axes.axvline(limit, color="#d55e00", linestyle=":", linewidth=1)
    axes.set_yticks(topics, [f"topic {topic}" for topic in topics], fontsize=8)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=8)
    axes.set(xlim=(0, 1.8), ylim=(scenario.n_topics - 0.4, -0.6))
    axes.set_xlabel("interest (hatched: silent); recent clicks", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)

    def update(user: np.ndarray, items: np.ndarray) -> Sequence[Any]:
        for topic in topics:
            is_silent = user["attention"][topic] == 0
            bars[topic].set(
                width=user["interest"][topic],
                facecolor="#eeeeee" if is_silent else "#56b4e9",
                edgecolor="#999999" if is_silent else "none",
                hatch="///" if is_silent else None,
            )
            left = user["bored_steps_left"][topic]
            phrases[topic].set_text(f"bored for {left}" if user["is_bored"][topic] else "")
        of = np.repeat(topics, user["n_clicks"])
        earlier = np.arange(len(of)) - np.searchsorted(of, of)
        clicks.set_data(1.05 + 0.07 * earlier, of)
        return *bars, clicks, *phrases

    return update


def _describe(weights: np.ndarray) -> str:
    """Returns the three heaviest topics."""
    heaviest = [topic for topic in np.argsort(-weights, kind="stable")[:3] if weights[topic] > 0]
    return ", ".join(f"topic {topic} {weights[topic]:.2f}" for topic in heaviest)


def _join(topics: np.ndarray) -> str:
    return ", ".join(f"topic {topic}" for topic in topics)
