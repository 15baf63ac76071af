"""What returns cost: score against diversity of consumption, and against evenness of exposure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from recsim_env.agent_registry import is_reference
from recsim_env.plots import line_names, style
from recsim_env.plots.captions import seeds_and_intervals
from recsim_env.results.intervals import Estimate
from recsim_env.results.standings import BASELINE
from recsim_env.results.table import ResultTable
from recsim_env.results.tradeoffs import Tradeoff, tradeoffs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of more agents than these that learn, only the best have colour and whiskers.
_MANY, _BEST = 12, 10

_MARKER_SIZE = 8.5

# Signs that would look small at the size of a disc.
_LARGER: dict[Any, float] = {"*": 1.7, "P": 1.2, "X": 1.2, "x": 1.0}


def draw_tradeoff(
    table: ResultTable, metrics: ResultTable, axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draws each agent's score against how diverse people's consumption, and how even exposure, is.

    To the right is what uniform slates give, above is what the best reference earns. The grey line
    joins agents that learn of which no other is better at both. Of many agents the best by score
    are named and in colour; the others are small and grey.

    Args:
      table: results of the benchmark.
      metrics: what was measured, of `recsim_env.results.metrics.metric_table`.
      axes: two Axes to draw on; a figure of their own by default.

    Raises:
      ValueError: nothing was measured where there is a scale, or not two Axes.
    """
    found = tradeoffs(table, metrics)
    if len(found) < 2:
        raise ValueError(
            "fewer than two agents have a score, consumed_diversity and exposure_gini in one "
            "scenario; play with recsim-env benchmark --measure what lacks metrics"
        )
    faint = _faint(found)
    with style.house_style():
        axes = _new_panels(len(found) - len(faint)) if axes is None else axes
        if len(axes) != 2:
            raise ValueError(f"axes holds {len(axes)} Axes; give two, one for each panel")
        named = [each for each in found if each.agent not in faint]
        shown = [of for each in named for of in (each.score, each.diversity, each.evenness)]
        in_colour = f"; best {_BEST} in colour" if faint else ""
        worlds = len({name for each in found for name in each.scenarios})
        _draw_panel(
            axes[0],
            {each.agent: (each.diversity, each.score) for each in found},
            faint,
            title="Return and diversity",
            caption=seeds_and_intervals(shown, "whiskers"),
            xlabel=f"diversity of what people consume ({BASELINE} = 1)",
        )
        _draw_panel(
            axes[1],
            {each.agent: (each.evenness, each.score) for each in found},
            faint,
            title="Return and exposure",
            caption=f"{worlds} scenario{'s' if worlds > 1 else ''}; grey line: no other is better "
            f"at both{in_colour}",
            xlabel=f"evenness of items' exposure ({BASELINE} = 1)",
        )
        axes[1].set_ylabel("")
        axes[1].set_ylim(axes[0].get_ylim())
        ends = {each.agent: each.score.mean for each in named}
        line_names.label_at_right(axes[1], ends)
    return list(axes)


def _new_panels(n_labels: int) -> list[Axes]:
    height = max(4.4, line_names.height_for_labels(n_labels))
    figure = Figure(figsize=(10.5, height))
    return list(figure.subplots(1, 2, gridspec_kw={"wspace": 0.2, "right": 0.86, "left": 0.07}))


def _faint(found: list[Tradeoff]) -> set[str]:
    """Returns the agents that are drawn small and grey: where there are many, all but the best."""
    learn = [each for each in found if not is_reference(each.agent)]
    if len(learn) <= _MANY:
        return set()
    ranked = sorted(learn, key=lambda each: -each.score.mean)
    return {each.agent for each in ranked[_BEST:]}


def _draw_panel(
    ax: Axes,
    points: dict[str, tuple[Estimate, Estimate]],
    faint: set[str],
    *,
    title: str,
    caption: str,
    xlabel: str,
) -> None:
    for level in (0.0, 1.0):
        ax.axhline(level, color=style.FAINT_INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    _draw_frontier(ax, points)
    for agent, (x, y) in points.items():
        _draw_point(ax, agent, x, y, is_faint=agent in faint)
    clear = [point for agent, point in points.items() if agent not in faint]
    means = [(x.mean, y.mean) for x, y in points.values()]
    ax.set_xlim(style.limits([x for x, _ in clear], [x for x, _ in means]))
    ax.set_ylim(style.limits([y for _, y in clear], [0.0, 1.0, *(y for _, y in means)]))
    ylabel = f"score ({BASELINE} = 0, best reference = 1)"
    style.dress(ax, title=title, caption=caption, xlabel=xlabel, ylabel=ylabel)


def _draw_frontier(ax: Axes, points: dict[str, tuple[Estimate, Estimate]]) -> None:
    learn = {a: (x.mean, y.mean) for a, (x, y) in points.items() if not is_reference(a)}
    best = [
        (x, y)
        for x, y in learn.values()
        if not any(a >= x and b >= y and (a, b) != (x, y) for a, b in learn.values())
    ]
    xs, ys = zip(*sorted(best), strict=True) if best else ((), ())
    ax.plot(xs, ys, color=style.CROWD, linewidth=3.0, zorder=1.5, solid_capstyle="round")


def _draw_point(ax: Axes, agent: str, x: Estimate, y: Estimate, *, is_faint: bool) -> None:
    look = style.agent_style(agent)
    color = style.CROWD if is_faint else look.color
    if not is_faint and x.has_interval and y.has_interval:
        ax.plot([x.low, x.high], [y.mean, y.mean], color=color, linewidth=1.0, alpha=0.6)
        ax.plot([x.mean, x.mean], [y.low, y.high], color=color, linewidth=1.0, alpha=0.6)
    ax.plot(
        [x.mean],
        [y.mean],
        color=color,
        marker=look.marker,
        linestyle="",
        markersize=_MARKER_SIZE
        * (0.6 if is_faint else _LARGER.get(look.marker, look.marker_scale)),
        markeredgecolor=color if look.marker == "x" else "white",
        markeredgewidth=2.0 if look.marker == "x" else 0.7,
        label=agent,
        zorder=2 if is_faint else 3,
    )
