"""What one person lived through: reward, clicks and true state along their sessions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recsim_env.plots import style
from recsim_env.results.visit import Visit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_STATES = 4
_CLICKED, _SHOWN, _TOTAL = "#0072b2", "#c9c9c9", "#d55e00"


def draw_visit(visits: Sequence[Visit], figure: Figure | None = None) -> list[Axes]:
    """Draws sessions of one person, one after the other along the steps.

    The uppermost panel has the reward of each slate, and its sum; the second which places were
    clicked; each of the others a field of the person's true state, which only a simulator knows:
    numbers as lines, arrays as rows of colours, those that change most.

    Args:
      visits: at least one, under one agent.
      figure: where to draw; one of its own by default.

    Returns:
      The panels, from the top.
    """
    states = _telling_states(visits)
    with style.house_style():
        figure = figure or style.new_figure(8.0, 3.6 + 1.3 * len(states))
        heights = [1.6, 1.0, *([1.2] * len(states))]
        axes: list[Axes] = list(
            figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[
                :, 0
            ]
        )
        _draw_reward(axes[0], visits)
        _draw_clicks(axes[1], visits)
        for ax, (name, values) in zip(axes[2:], states.items(), strict=True):
            _draw_state(ax, visits, name, values)
        _finish(axes, visits)
    return axes


def _offsets(visits: Sequence[Visit]) -> list[int]:
    """Returns how many steps came before each session."""
    return [0, *np.cumsum([len(visit.steps) for visit in visits[:-1]]).tolist()]


def _draw_reward(ax: Axes, visits: Sequence[Visit]) -> None:
    rewards = np.array([step.reward for visit in visits for step in visit.steps])
    steps = np.arange(1, len(rewards) + 1)
    ax.bar(steps, rewards, width=0.8, color=_CLICKED, label="of the slate")
    ax.set_ylabel("reward")
    total = ax.twinx()
    total.plot(steps, np.cumsum(rewards), color=_TOTAL, linewidth=1.6)
    total.set_ylabel("sum", color=_TOTAL)
    total.tick_params(colors=_TOTAL, labelsize=9)
    total.spines["top"].set_visible(False)
    total.spines["right"].set_color(_TOTAL)


def _draw_clicks(ax: Axes, visits: Sequence[Visit]) -> None:
    """Draws a dot for each item shown, full where it was clicked."""
    steps = [step for visit in visits for step in visit.steps]
    for is_click, face, text in ((False, "none", "shown"), (True, _CLICKED, "clicked")):
        where = [
            (number, place + 1)
            for number, step in enumerate(steps, start=1)
            for place in np.flatnonzero(step.is_shown & (step.clicked == is_click))
        ]
        x, y = np.array(where).T if where else ([], [])
        edge = _CLICKED if is_click else _SHOWN
        ax.plot(x, y, "o", markersize=5, markerfacecolor=face, markeredgecolor=edge, label=text)
    n_places = len(steps[0].titles)
    ax.set_ylim(n_places + 0.7, 0.3)
    ax.set_yticks(range(1, n_places + 1) if n_places <= 6 else [1, n_places])
    ax.set_ylabel("place")
    ax.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8, frameon=False, borderpad=0
    )


def _telling_states(visits: Sequence[Visit]) -> dict[str, list[np.ndarray]]:
    """Returns the fields of the true state that change most for their size, a series a session.

    Those that measure come before those that count, and what only grows comes last.
    """
    series = {name: [visit.true_states()[name] for visit in visits] for name in visits[0].true_end}
    changes: dict[str, float] = {}
    for name, values in series.items():
        together = np.concatenate(values).astype(float)
        rises = np.concatenate([np.diff(each.astype(float), axis=0) for each in values])
        if together.ndim > 2 or not np.abs(rises).any():
            continue
        is_clock = together.ndim == 1 and (rises >= 0).all()  # what only counts tells little
        spread = float(np.ptp(together, axis=0).max() / (np.abs(together).max() or 1.0))
        is_whole = series[name][0].dtype.kind != "f"  # numbers of items and places, more often
        changes[name] = spread - 10.0 * is_clock - 5.0 * is_whole
    ranked = sorted(changes, key=lambda name: -changes[name])[:_MOST_STATES]
    return {name: series[name] for name in series if name in ranked}


def _draw_state(ax: Axes, visits: Sequence[Visit], name: str, series: list[np.ndarray]) -> None:
    label = name.replace("_", " ")
    if series[0].ndim == 1:
        for first, values in zip(_offsets(visits), series, strict=True):
            ax.plot(np.arange(len(values)) + first + 0.5, values.astype(float), color=style.INK)
        ax.set_ylabel(label)
        return
    # Between two slates the state stands still: a column of colours for the state at each slate.
    values = np.concatenate([each[:-1] for each in series]).astype(float).T
    edge = float(np.abs(values).max()) or 1.0
    has_signs = bool((values < 0).any())
    image: Any = ax.imshow(
        values,
        aspect="auto",
        interpolation="nearest",
        cmap="PuOr" if has_signs else "Blues",
        vmin=-edge if has_signs else 0.0,
        vmax=edge,
        extent=(0.5, values.shape[1] + 0.5, len(values) - 0.5, -0.5),
    )
    bar = ax.figure.colorbar(image, ax=ax, pad=0.015, fraction=0.04)
    bar.ax.tick_params(labelsize=8, colors=style.FAINT_INK)
    bar.outline.set_visible(False)
    ax.set_ylabel(label)
    ax.set_yticks([0, len(values) - 1])


def _finish(axes: list[Axes], visits: Sequence[Visit]) -> None:
    n_steps = sum(len(visit.steps) for visit in visits)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(colors=style.FAINT_INK, labelsize=9)
        for n_before in _offsets(visits)[1:]:
            ax.axvline(n_before + 0.5, color=style.FAINT_INK, linestyle=":", linewidth=1.0)
    axes[0].set_xlim(0.5, n_steps + 0.5)
    axes[-1].set_xlabel("slate")
    first = visits[0]
    axes[0].figure.suptitle(
        textwrap.fill(
            f"{style.short_name(first.scenario)} under {first.agent}: {first.arrival}", 95
        ),
        x=0.01,
        ha="left",
        fontsize=10.5,
        fontweight="bold",
    )
    axes[0].set_title(
        f"seed {first.seed}, {len(visits)} session{'s' * (len(visits) > 1)}; below the clicks, "
        "the person's true state, which no recommender sees",
        loc="left",
        fontsize=9,
        color=style.FAINT_INK,
    )
