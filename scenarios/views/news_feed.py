"""How people and items of `recsim_env.scenarios.news_feed` are worded and drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.scenarios.news_feed import NewsFeed
from recsim_env.scenarios.views import Update

_HOURS_PER_DAY = 24


def describe_user(scenario: NewsFeed, user: np.ndarray, user_id: int | None) -> str:
    """Returns who reads when, what they like most, and what surges most."""
    names = scenario.topic_names
    day, hour = divmod(float(user["clock"]), _HOURS_PER_DAY)
    surge = scenario.calendar.surge[user["hour"]]
    surging = f"{names[int(surge.argmax())]} surges" if surge.max() > 0.3 else "nothing surges"
    name = "somebody" if user_id is None else f"user {user_id}"
    return (
        f"{name} (day {day:.0f} {int(hour):02d}:{int(hour % 1 * 60):02d}, likes "
        f"{names[int(np.argmax(user['interest']))]}, {surging})"
    )


def describe_item(scenario: NewsFeed, item: np.ndarray, item_id: int | None) -> str:
    """Returns number, topic, quality and time of an article."""
    day, hour = divmod(float(item["published"]), _HOURS_PER_DAY)
    return (
        f"#{item_id} {scenario.topic_names[item['topic']]} (day {day:.0f} {int(hour):02d} h, "
        f"quality {item['quality']:+.1f})"
    )


def draw_state(scenario: NewsFeed, axes: Any, user: np.ndarray, items: np.ndarray) -> Update:
    """Draws interests by topic, and what surges and the hour add now."""
    places, zeros = np.arange(scenario.n_topics), np.zeros(scenario.n_topics)
    own = axes.barh(places - 0.2, zeros, 0.38, color="#0072b2", label="own interest")
    now = axes.barh(places + 0.2, zeros, 0.38, color="#e69f00", label="surge and hour")
    axes.axvline(0.0, color="#444444", linewidth=0.8)
    axes.set_yticks(places, scenario.topic_names, fontsize=8)
    axes.invert_yaxis()
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel("adds to the log-odds of a click", fontsize=8)
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)

    def update(user: np.ndarray, items: np.ndarray) -> Sequence[Any]:
        interest, pull = user["interest"], scenario.calendar.pull[user["hour"]]
        for topic in places:
            own[topic].set_width(interest[topic])
            now[topic].set_width(pull[topic])
        axes.set_xlim(
            np.floor(min(interest.min(), pull.min())), np.ceil(max(interest.max(), pull.max()))
        )
        return *own, *now

    return update
