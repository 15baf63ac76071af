"""How people and items of `recsim_env.scenarios.music_streaming` are worded and drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.scenarios.music_streaming import MusicStreaming
from recsim_env.scenarios.music_world import (
    ARCHETYPES,
    DEVICES,
    MINUTES_PER_DAY,
    PLACES,
)
from recsim_env.scenarios.views import Update

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def describe_user(scenario: MusicStreaming, user: np.ndarray, user_id: int | None) -> str:
    """Returns who listens, when, where and in what mood."""
    return (
        f"user {user_id}, {ARCHETYPES[user['archetype']]} ({moment(user)}, "
        f"satisfaction {user['satisfaction']:.2f})"
    )


def describe_item(scenario: MusicStreaming, item: np.ndarray, item_id: int | None) -> str:
    """Returns the track's number, genre, artist, length and energy."""
    return (
        f"#{item_id} genre {item['genre']}, artist {item['artist']}, "
        f"{item['length']:.1f} min, energy {item['energy']:+.1f}"
    )


def draw_state(scenario: MusicStreaming, axes: Any, user: np.ndarray, items: np.ndarray) -> Update:
    """Draws how much they like each genre, and what satiation takes from that."""
    genres, zeros = np.arange(scenario.n_genres), np.zeros(scenario.n_genres)
    likings = axes.bar(genres, zeros, color="#56b4e9", width=0.8, label="liking")
    losses = axes.bar(genres, zeros, color="#d55e00", width=0.4, label="satiation")
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel("genre", fontsize=8)
    axes.set_ylabel("log-odds of a completion", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, loc="lower right", ncols=2)
    title = axes.set_title("\n", fontsize=8, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    centres = scenario.derived()["taste_scale"] * scenario.drawn_world()["genre_centre"]

    def update(user: np.ndarray, items: np.ndarray) -> Sequence[Any]:
        liking = centres @ user["taste"]
        tired = scenario.satiation_strength * user["satiation"]
        for genre in genres:
            likings[genre].set_height(liking[genre])
            losses[genre].set(y=liking[genre], height=-tired[genre])
        highest = max(np.abs(liking).max(), np.abs(liking - tired).max())
        limit = 2.0 * np.ceil(0.65 * highest)  # of few values, as another is another background
        axes.set_ylim(-limit, limit)
        title.set_text(
            f"{moment(user)}\nsession {user['n_sessions']}, {user['session_minutes']:.0f} min in, "
            f"satisfaction {user['satisfaction']:.2f}"
        )
        return *likings, *losses, title

    return update


def moment(user: np.ndarray) -> str:
    """Returns weekday, hour, place and device as a phrase."""
    day, minutes = divmod(float(user["clock"]), MINUTES_PER_DAY)
    hour, minute = divmod(int(minutes), 60)
    return (
        f"{_WEEKDAYS[int(day) % 7]} {hour}:{minute:02}, {PLACES[user['place']]}, "
        f"{DEVICES[user['played_on']]}"
    )
