"""How much a calibrated world behaves like the log it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from recsim_env.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARRAYS = (
    "rating_values",
    "rating_share_real",
    "rating_share_simulated",
    "popularity_rank",
    "popularity_share_real",
    "popularity_share_simulated",
    "activity_quantile",
    "activity_real",
    "activity_simulated",
)
"""The arrays that `draw_fidelity` takes; the three of each panel have one length."""

REAL = style.AgentStyle("#222222", "o", "-")
SIMULATED = style.AgentStyle("#d55e00", "D", "--")


def draw_fidelity(
    arrays: Mapping[str, ArrayLike], axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draws real beside simulated behaviour: ratings, popularity of items, length of sessions.

    Args:
      arrays: of the names in `ARRAYS`: shares of ratings per value; shares of consumption per rank
        of item, from the most popular, rank 1; consumed items per session at quantiles in [0, 1].
      axes: three Axes to draw on; a figure of their own by default.

    Raises:
      ValueError: an array is missing, or the arrays of one panel have different lengths.
    """
    data = _checked(arrays)
    with style.house_style():
        if axes is None:
            axes = style.new_panels(3)
        if len(axes) != 3:
            raise ValueError(f"axes holds {len(axes)} Axes; give three, one for each panel")
        _draw_ratings(axes[0], data)
        _draw_popularity(axes[1], data)
        _draw_activity(axes[2], data)
    return list(axes)


def _draw_ratings(ax: Axes, data: dict[str, np.ndarray]) -> None:
    values = data["rating_values"]
    width = 0.4 * (float(np.diff(values).min()) if len(values) > 1 else 1.0)
    for side, name, look in ((-0.5, "real", REAL), (0.5, "simulated", SIMULATED)):
        share = 100 * data[f"rating_share_{name}"]
        ax.bar(values + side * width, share, width, color=look.color, alpha=0.85, label=name)
    ax.set_xticks(values)
    style.dress(
        ax,
        title="Ratings",
        caption="how often each value is given",
        xlabel="rating",
        ylabel="share of ratings (%)",
    )
    ax.legend(frameon=False, fontsize=9, loc="upper left")


def _draw_popularity(ax: Axes, data: dict[str, np.ndarray]) -> None:
    for name, look in (("real", REAL), ("simulated", SIMULATED)):
        _draw_line(ax, data["popularity_rank"], 100 * data[f"popularity_share_{name}"], name, look)
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.dress(
        ax,
        title="Popularity",
        caption="from the most to the least consumed item",
        xlabel="rank of the item",
        ylabel="share of consumption (%)",
    )
    ax.legend(frameon=False, fontsize=9, loc="lower left")


def _draw_activity(ax: Axes, data: dict[str, np.ndarray]) -> None:
    for name, look in (("real", REAL), ("simulated", SIMULATED)):
        _draw_line(ax, 100 * data["activity_quantile"], data[f"activity_{name}"], name, look)
    lengths = np.concatenate([data["activity_real"], data["activity_simulated"]])
    if 0 < 20 * lengths.min() < lengths.max():
        ax.set_yscale("log")
        style.group_digits(ax)
    style.dress(
        ax,
        title="Sessions",
        caption="from the shortest to the longest",
        xlabel="quantile of sessions (%)",
        ylabel="consumed items per session",
    )
    ax.legend(frameon=False, fontsize=9, loc="upper left")


def _draw_line(ax: Axes, x: np.ndarray, y: np.ndarray, name: str, look: style.AgentStyle) -> None:
    ax.plot(x, y, color=look.color, linestyle=look.linestyle, label=name)


def _checked(arrays: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise ValueError(f"arrays lack {', '.join(missing)}; draw_fidelity needs {ARRAYS}")
    data = {name: np.asarray(arrays[name], dtype=np.float64) for name in ARRAYS}
    for first in range(0, len(ARRAYS), 3):
        shapes = {name: data[name].shape for name in ARRAYS[first : first + 3]}
        if len(set(shapes.values())) > 1 or len(next(iter(shapes.values()))) != 1:
            raise ValueError(f"arrays of one panel need one length each, not {shapes}")
    return data
