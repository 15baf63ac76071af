"""How agents fare with a setting: score against the values of a sweep, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recsim_env.plots import line_names, style
from recsim_env.plots.captions import interactions, seeds_and_intervals
from recsim_env.results.intervals import Estimate
from recsim_env.results.standings import ALWAYS_RUN, BASELINE, REFERENCE
from recsim_env.results.sweeps import Sweep, SweepPoint, shown_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: More panels than these are no figure.
_MOST_PANELS = 12

#: How far apart agents stand at a value that is a word, as a share of the distance of values.
_DODGE = 0.5


def draw_sweep(sweep: Sweep, setting: str, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draws the score of agents, or else their return, against the values of a setting.

    Each agent is a line with its interval; there is a panel for each combination of the scenario's
    other settings. Against a setting of an agent, its variants are lines and the other agents
    levels. The axis is logarithmic where the values are nearer to geometric than to even steps.

    Args:
      sweep: one of `recsim_env.results.sweeps.sweeps(table)`.
      setting: one of `sweep.values`.
      axes: where to draw, an Axes for each panel; a figure of their own by default.

    Raises:
      ValueError: it is no setting of the sweep, or there are other panels than Axes.
    """
    if setting not in sweep.values:
        known = ", ".join(sweep.values)
        raise ValueError(f"setting={setting!r} is not swept; known are {known}")
    panels = _panels(sweep, setting)
    if axes is None and len(panels) > _MOST_PANELS:
        raise ValueError(
            f"the other settings have {len(panels)} combinations, which are panels; give Axes to "
            f"draw on, or sweep fewer (at most {_MOST_PANELS})"
        )
    if axes is not None and len(axes) != len(panels):
        raise ValueError(f"axes holds {len(axes)} Axes; give {len(panels)}, one for each panel")
    name = style.short_name(sweep.scenario)
    with style.house_style():
        drawn = _new_axes(panels) if axes is None else list(axes)
        limits = _limits(sweep)
        for ax, (title, points) in zip(drawn, panels.items(), strict=True):
            ax.set_ylim(limits)
            ends = _draw_panel(ax, sweep, setting, points)
            is_first = ax is drawn[0]
            style.dress(
                ax,
                title=f"{name}: {title}" if title and is_first else title or f"{name} by {setting}",
                caption=_caption(sweep, points) if is_first else "",
                xlabel=setting,
                ylabel=_ylabel(sweep) if is_first else "",
            )
            line_names.label_at_right(ax, ends)
    return drawn


def _panels(sweep: Sweep, setting: str) -> dict[str, list[SweepPoint]]:
    """Returns what each panel is called and its points."""
    others = [name for name in sweep.of_scenario if name != setting]
    panels: dict[str, list[SweepPoint]] = {}
    for point in sweep.points:
        said = ", ".join(f"{name}={shown_value(point.settings[name])}" for name in others)
        panels.setdefault(said, []).append(point)
    place = {
        title: [sweep.values[n].index(p[0].settings[n]) for n in others]
        for title, p in panels.items()
    }
    return {title: panels[title] for title in sorted(panels, key=place.__getitem__)}


def _new_axes(panels: dict[str, list[SweepPoint]]) -> list[Axes]:
    n_labels = max(len({point.agent for point in points}) for points in panels.values())
    height = line_names.height_for_labels(n_labels)
    if len(panels) == 1:
        return [style.new_axes(height=height)]
    return style.new_panels(len(panels), height=height, wspace=0.6)


def _found(sweep: Sweep, point: SweepPoint) -> Estimate:
    return point.score if sweep.is_scored and point.score else point.episode_return


def _limits(sweep: Sweep) -> tuple[float, float]:
    marks = [0.0, 1.0] if sweep.is_scored else []
    return style.limits([_found(sweep, point) for point in sweep.points], marks)


def _ylabel(sweep: Sweep) -> str:
    if sweep.is_scored:
        return f"score ({BASELINE} = 0, {REFERENCE} = 1)"
    return "return (reward per episode)"


def spent_by(points: Iterable[SweepPoint]) -> list[int]:
    """Returns the interactions that agents learned from; those of references do not count."""
    points = list(points)
    learners = [point for point in points if point.agent not in ALWAYS_RUN]
    return [point.n_interactions for point in learners or points]


def _caption(sweep: Sweep, points: list[SweepPoint]) -> str:
    spent = interactions(spent_by(points))
    ends = (BASELINE, REFERENCE) if sweep.is_scored else ()  # which are 0 and 1
    shown = [_found(sweep, point) for point in points if point.agent not in ends]
    return f"after {spent}, {seeds_and_intervals(shown, 'bands')}"


def _draw_panel(ax: Axes, sweep: Sweep, setting: str, points: list[SweepPoint]) -> dict[str, float]:
    """Draws lines and levels, and returns the height of the right end of each."""
    values = sweep.values[setting]
    lines: dict[str, dict[Any, Estimate]] = {}
    levels: dict[str, Estimate] = {}
    for point in points:
        if setting in point.settings:
            line = lines.setdefault(_line_of(point, setting), {})
            line[point.settings[setting]] = _found(sweep, point)
        else:
            levels[point.agent] = _found(sweep, point)
    is_number = _set_axis(ax, values)
    for agent, level in levels.items():
        style.draw_level(ax, agent, level)
    for place, (agent, line) in enumerate(lines.items()):
        if is_number:
            _draw_line(ax, agent, line)
        else:
            aside = _DODGE * ((place + 0.5) / len(lines) - 0.5)
            _draw_whiskers(ax, agent, {values.index(v) + aside: e for v, e in line.items()})
    ends = {agent: level.mean for agent, level in levels.items()}
    return ends | {agent: list(line.values())[-1].mean for agent, line in lines.items()}


def _line_of(point: SweepPoint, setting: str) -> str:
    """Returns what a line is called: an agent, without the setting that it is drawn against."""
    if setting not in point.settings or "." not in setting:
        return point.agent
    prefix = f"{point.of_agent}."
    rest = {k: v for k, v in point.settings.items() if k.startswith(prefix) and k != setting}
    said = ", ".join(f"{k.removeprefix(prefix)}={shown_value(v)}" for k, v in rest.items())
    return f"{point.of_agent} {said}".strip()


def _set_axis(ax: Axes, values: Sequence[Any]) -> bool:
    """Puts ticks at the values, and returns whether they are numbers."""
    is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    shown = [shown_value(value) for value in values]
    if not is_number:
        ax.set_xlim(-0.5, len(values) - 0.5)
        ax.set_xticks(range(len(values)), shown)
        return False
    low, high = min(values), max(values)
    if is_geometric(values):
        ax.set_xscale("log")
        margin = (high / low) ** 0.04
        ax.set_xlim(low / margin, high * margin)
    else:
        margin = 0.04 * (high - low or 1.0)
        ax.set_xlim(low - margin, high + margin)
    ax.set_xticks(values, shown)
    ax.minorticks_off()
    return True


def is_geometric(values: Sequence[float]) -> bool:
    """Returns whether numbers in order are nearer to equal ratios than to equal steps.

    Two of them are where one is ten times the other, or more.

    >>> [is_geometric(each) for each in ([10, 50, 100, 500], [10, 20, 30], [0, 1, 10], [1, 10])]
    [True, False, False, True]
    """
    if len(values) < 2 or min(values) <= 0:
        return False
    if len(values) == 2:
        return bool(values[1] >= 10 * values[0])
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(ratios.std() / ratios.mean() < steps.std() / steps.mean())


def _draw_line(ax: Axes, agent: str, line: dict[Any, Estimate]) -> None:
    look = style.agent_style(agent)
    low, mean, high = (
        np.array([getattr(each, end) for each in line.values()]) for end in ("low", "mean", "high")
    )
    if not np.isnan(low).all() and (low < high).any():
        bottom, top = ax.get_ylim()
        ends = low.clip(bottom, top), high.clip(bottom, top)
        ax.fill_between(list(line), *ends, color=look.color, alpha=style.BAND_OPACITY, linewidth=0)
    ax.plot(
        list(line),
        mean,
        color=look.color,
        linestyle=look.linestyle,
        marker="" if agent in ALWAYS_RUN else look.marker,
        markersize=style.MARKER_SIZE * look.marker_scale,
        markeredgecolor="white",
        markeredgewidth=0.7,
        label=agent,
        zorder=2.5 if agent in ALWAYS_RUN else 3,
    )


def _draw_whiskers(ax: Axes, agent: str, line: dict[float, Estimate]) -> None:
    look = style.agent_style(agent)
    for x, each in line.items():
        if each.has_interval:
            ax.plot([x, x], [each.low, each.high], color=look.color, linewidth=2.2, zorder=2)
    ax.plot(
        list(line),
        [each.mean for each in line.values()],
        color=look.color,
        linestyle="",
        marker=look.marker,
        markersize=1.4 * style.MARKER_SIZE * look.marker_scale,
        markeredgecolor=look.color if look.marker == "x" else "white",
        markeredgewidth=2.0 if look.marker == "x" else 0.7,
        label=agent,
        zorder=3,
    )
