"""Names beside the right ends of lines, moved apart where they overlap."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from recsim_env.plots.style import AXES, CROWD, FAINT_INK, Axes, agent_style

# Height of a name, in points.
_LABEL_POINTS = 14.0


def height_for_labels(n_labels: int) -> float:
    """Returns how high a figure is, in inches, beside whose Axes so many names find room."""
    return max(4.6, n_labels * _LABEL_POINTS / 72 / AXES[3])


def label_at_right(ax: Axes, levels: dict[str, float], faint: Collection[str] = ()) -> None:
    """Writes each agent's name beside the right end of its line, moved apart where they overlap.

    Args:
      ax: Axes whose limits are final.
      levels: agent to the height of its line's end, in data units.
      faint: agents whose names are small and grey.
    """
    if not levels:
        return
    agents = sorted(levels, key=lambda agent: levels[agent])
    right = ax.get_xlim()[1]
    points = np.array([[right, levels[agent]] for agent in agents])  # 0 has no place on a log axis
    pixels_per_point = ax.figure.dpi / 72
    wanted = ax.transData.transform(points)[:, 1] / pixels_per_point
    low, high = ax.bbox.y0 / pixels_per_point, ax.bbox.y1 / pixels_per_point
    placed = spread_apart(wanted, _LABEL_POINTS, low, high)
    for agent, moved in zip(agents, placed - wanted, strict=True):
        is_faint = agent in faint
        color = FAINT_INK if is_faint else agent_style(agent).color
        ax.annotate(
            agent,
            (right, levels[agent]),
            xytext=(16, moved),
            textcoords="offset points",
            fontsize=8.5 if is_faint else 9.5,
            color=color,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": CROWD if is_faint else color,
                "linewidth": 0.5 if is_faint else 0.8,
                # Ends before the name, and is not cut off there: to find where takes too long.
                "relpos": (-0.6 / len(agent), 0.5),
                "patchA": None,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def spread_apart(
    wanted: Sequence[float] | np.ndarray,
    gap: float,
    low: float = -math.inf,
    high: float = math.inf,
) -> np.ndarray:
    """Returns increasing places at least `gap` apart, with the least squared moves.

    Args:
      wanted: (n,), increasing places.
      gap: least distance of neighbours, in the same unit.
      low, high: between which all places lie, if they find room there.

    Source: Barlow et al. 1972, "Statistical inference under order restrictions": pooling
      neighbours that violate the order.
    """
    offsets = gap * np.arange(len(wanted))
    pools: list[list[float]] = []
    for place in np.asarray(wanted, dtype=np.float64) - offsets:
        pools.append([float(place)])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    means = np.array([float(np.mean(pool)) for pool in pools for _ in pool], dtype=np.float64)
    room = high - low - gap * (len(means) - 1)
    return (np.clip(means, low, low + room) if 0 <= room < math.inf else means) + offsets
