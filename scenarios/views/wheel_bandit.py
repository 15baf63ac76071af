"""How people and items of `recsim_env.scenarios.wheel_bandit` are worded and drawn."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.scenarios.views import Update
from recsim_env.scenarios.wheel_bandit import WheelBandit, quadrant_arm


def describe_user(scenario: WheelBandit, user: np.ndarray, user_id: int | None) -> str:
    """Returns where the point lies."""
    is_out = math.hypot(user["x"], user["y"]) > scenario.delta
    place = f"outside: arm {quadrant_arm(user['x'], user['y'])} is rich" if is_out else "inside"
    return f"a point at ({user['x']:.2f}, {user['y']:.2f}), {place}"


def describe_item(scenario: WheelBandit, item: np.ndarray, item_id: int | None) -> str:
    """Returns the arm."""
    return f"arm {item['arm']}"


def draw_state(scenario: WheelBandit, axes: Any, user: np.ndarray, items: np.ndarray) -> Update:
    """Draws the wheel: the circle, the arms of its quadrants, and the point."""
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    for radius in (scenario.delta, 1.0):
        axes.plot(radius * np.cos(angle), radius * np.sin(angle), color="black", linewidth=1)
    axes.axhline(0.0, color="0.8", zorder=0)
    axes.axvline(0.0, color="0.8", zorder=0)
    for x in (-1.0, 1.0):
        for y in (-1.0, 1.0):
            label = f"arm {quadrant_arm(x, y)}"
            axes.text(0.9 * x, 0.9 * y, label, ha="center", va="center", fontsize=8)
    (point,) = axes.plot([], [], "o", color="#d55e00", markersize=8)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xticks=[], yticks=[])
    title = axes.set_title(" ", fontsize=8)

    def update(user: np.ndarray, items: np.ndarray) -> Sequence[Any]:
        point.set_data([user["x"]], [user["y"]])
        title.set_text(f"the last decision lost {user['regret']:.1f}")
        return point, title

    return update
