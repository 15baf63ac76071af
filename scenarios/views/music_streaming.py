"""How people and items of `recsim_env.scenarios.music_streaming` are worded and drawn."""

from typing import Any

import numpy as np

from recsim_env.scenarios.music_streaming import MusicStreaming
from recsim_env.scenarios.music_world import (
    ARCHETYPES,
    DEVICES,
    MINUTES_PER_DAY,
    PLACES,
)

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


def draw_state(scenario: MusicStreaming, axes: Any, user: np.ndarray, items: np.ndarray) -> None:
    """Draws how much they like each genre, and what satiation takes from that."""
    genres = np.arange(scenario.n_genres)
    scale = scenario.derived()["taste_scale"]
    liking = scale * scenario.drawn_world()["genre_centre"] @ user["taste"]
    tired = scenario.satiation_strength * user["satiation"]
    axes.bar(genres, liking, color="#56b4e9", width=0.8, label="liking")
    axes.bar(genres, -tired, bottom=liking, color="#d55e00", width=0.4, label="satiation")
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel("genre", fontsize=8)
    axes.set_ylabel("log-odds of a completion", fontsize=8)
    axes.tick_params(labelsize=8)
    limit = 1.3 * max(1.5, np.abs(liking).max(), np.abs(liking - tired).max())
    axes.set_ylim(-limit, limit)
    axes.legend(fontsize=8, loc="lower right", ncols=2)
    axes.set_title(
        f"{moment(user)}\nsession {user['n_sessions']}, {user['session_minutes']:.0f} min in, "
        f"satisfaction {user['satisfaction']:.2f}",
        fontsize=8,
        loc="left",
    )
    axes.spines[["top", "right"]].set_visible(False)


def moment(user: np.ndarray) -> str:
    """Returns weekday, hour, place and device as a phrase."""
    day, minutes = divmod(float(user["clock"]), MINUTES_PER_DAY)
    hour, minute = divmod(int(minutes), 60)
    return (
        f"{_WEEKDAYS[int(day) % 7]} {hour}:{minute:02}, {PLACES[user['place']]}, "
        f"{DEVICES[user['played_on']]}"
    )
