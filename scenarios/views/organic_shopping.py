"""How people and items of `recsim_env.scenarios.organic_shopping` are worded and drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.scenarios.organic_shopping import OrganicShopping
from recsim_env.scenarios.views import Update


def describe_user(scenario: OrganicShopping, user: np.ndarray, user_id: int | None) -> str:
    """Returns what the person viewed, and what they would click."""
    chances = click_probabilities(scenario, user, scenario.tables()["items"])
    name = "somebody" if user_id is None else f"user {user_id}"
    best = int(chances.argmax())
    return (
        f"{name} ({user['n_views']} views, {user['n_new_views']} new, last of "
        f"#{user['last_views'][0]}; would click #{best} {chances[best]:.1%})"
    )


def describe_item(scenario: OrganicShopping, item: np.ndarray, item_id: int | None) -> str:
    """Returns the product's number and what it is worth to the average person."""
    biases = f"views {item['organic_bias']:.2g}, clicks {item['bandit_bias']:.2g}"
    return f"#{item_id} (bias of {biases})"


def draw_state(scenario: OrganicShopping, axes: Any, user: np.ndarray, items: np.ndarray) -> Update:
    """Draws what the person would click (bars) and what share of their views it got (dots)."""
    products = np.arange(len(items))
    bars = axes.bar(products, np.zeros(len(items)), color="#56b4e9")
    axes.set_title("click probability (bars, left), share of views (dots, right)", fontsize=8)
    axes.set_xlabel("product", fontsize=8)
    axes.set_xticks(products[:: max(1, len(items) // 10)])
    axes.tick_params(labelsize=8)
    shares = axes.twinx()
    (dots,) = shares.plot(products, np.zeros(len(items)), "o", color="#d55e00", markersize=5)
    shares.set_ylim(-0.02, 1.02)
    shares.tick_params(labelsize=8)

    def update(user: np.ndarray, items: np.ndarray) -> Sequence[Any]:
        chances = click_probabilities(scenario, user, items)
        for bar, chance in zip(bars, chances, strict=True):
            bar.set_height(chance)
        axes.set_ylim(0.0, 0.01 * np.ceil(105.0 * chances.max()))
        dots.set_ydata(user["views"] / max(1, user["n_views"]))
        return *bars, dots

    return update


def click_probabilities(
    scenario: OrganicShopping, user: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """Returns the true click probability of each of `items`."""
    x = items["bandit_factors"] @ user["taste"] + items["bandit_bias"]
    inner = 2.0 / (1.0 + np.exp(-np.clip(scenario.click_slope * x, -60, 60))) - 2.0
    lift = scenario.click_range / (1.0 + np.exp(-inner))
    return np.asarray(1.0 / (1.0 + np.exp(scenario.click_threshold - lift)))
