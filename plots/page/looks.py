"""How agents look on the page: the colours and markers of all figures, as CSS and SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from recsim_env.plots import style

# Lengths of strokes and gaps, in pixels.
_DASHES = {"-": (), "--": (7, 4), ":": (2, 3), "-.": (7, 3, 2, 3)}

_DARK_PAGE, _LEAST_CONTRAST = "#15181c", 4.5

# SVG's letter of each of Matplotlib's commands.
_LETTERS = {
    np.uint8(Path.MOVETO): "M",
    np.uint8(Path.LINETO): "L",
    np.uint8(Path.CURVE3): "Q",
    np.uint8(Path.CURVE4): "C",
    np.uint8(Path.CLOSEPOLY): "Z",
}


@dataclass(frozen=True)
class Look:
    """How one agent is drawn.

    Attributes:
      name: of the agent.
      family: of the agent; empty of one that is not ours.
      color: on a light page and on paper.
      dark_color: on a dark page.
      dashes: lengths of strokes and gaps of its line; empty of a solid one.
      shape: SVG path of its marker, within -1 to 1.
    """

    name: str
    family: str
    color: str
    dark_color: str
    dashes: tuple[int, ...]
    shape: str


def look_of(agent: str) -> Look:
    """Returns how an agent is drawn."""
    found = style.agent_style(agent)
    return Look(
        name=agent,
        family=style.family_of(agent) or ("references" if style.is_known(agent) else "others"),
        color=found.color,
        dark_color=on_dark(found.color),
        dashes=_DASHES[found.linestyle],
        shape=_svg_path(found.marker, found.marker_scale),
    )


def in_order(agents: Iterable[str]) -> list[Look]:
    """Returns the looks of agents by family: references, ours as the registry has them, others."""
    order = ["references", *style.families(), "others"]
    known = {name: place for place, name in enumerate(style.known_agents())}
    looks = [look_of(agent) for agent in sorted(agents)]
    return sorted(
        looks, key=lambda look: (order.index(look.family), known.get(look.name, len(known)))
    )


def on_dark(color: str) -> str:
    """Returns a colour mixed with as much white as a dark page needs; a grey, turned around.

    The contrast of text is asked for, 4.5 to 1.

    >>> on_dark("#56b4e9"), on_dark("#0072b2"), on_dark("#000000")
    ('#56b4e9', '#2989be', '#ffffff')

    Source: Web Content Accessibility Guidelines 2.2, 1.4.3 (contrast ratio).
    """
    rgb = np.array(to_rgb(color))
    rgb = 1.0 - rgb if np.ptp(rgb) == 0.0 else rgb
    for white in np.linspace(0.0, 1.0, 101):
        mixed = rgb + white * (1.0 - rgb)
        if contrast(to_hex(mixed), _DARK_PAGE) >= _LEAST_CONTRAST:
            break
    return to_hex(mixed)


def contrast(one: str, other: str) -> float:
    """Returns the contrast ratio of two colours, from 1 to 21.

    >>> round(contrast("#ffffff", "#000000"), 3)
    21.0
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _svg_path(marker: str | tuple[int, int, int], scale: float) -> str:
    """Returns the outline of one of Matplotlib's markers, whose y-axis points up."""
    sign = MarkerStyle(marker)
    outline = sign.get_path().transformed(sign.get_transform())
    parts = []
    for points, code in outline.iter_segments(simplify=False):
        places = (scale * 2.0 * points).reshape(-1, 2) * (1.0, -1.0)
        numbers = "" if code == Path.CLOSEPOLY else _numbers(places)
        parts.append(f"{_LETTERS[code]}{numbers}")
    return "".join(parts)


def _numbers(places: np.ndarray) -> str:
    return " ".join(f"{round(float(value), 3) + 0.0:g}" for value in places.ravel())
