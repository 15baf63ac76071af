"""How good estimators of policies' values are, as logs grow, slates grow or sessions get longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import FuncFormatter, LogLocator

from recsim_env.plots import style
from recsim_env.results.estimator_quality import Kind, Quality

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# One of each kind is drawn, of relatives that hardly differ; tables have all. Colours are of the
# palette of Okabe and Ito, alike for relatives per slate and per session; dashes, for what else is
# assumed or known; markers tell all apart in grey.
_DASHED = (0, (4, 2))
_STYLES: dict[str, tuple[str, str, Any]] = {
    "dm": ("#222222", "v", "-"),
    "ips": ("#d55e00", "s", "-"),
    "snips": ("#cc79a7", "^", "-"),
    "dr": ("#0072b2", "o", "-"),
    "mips": ("#b8860b", "h", "-"),
    "iips": ("#009e73", "D", "-"),
    "rips": ("#56b4e9", "P", "-"),
    "cascade-dr": ("#56b4e9", "X", _DASHED),
    "pseudo-inverse": ("#009e73", "*", _DASHED),
    "tis": ("#d55e00", "s", "-"),
    "sn-tis": ("#d55e00", "P", _DASHED),
    "sn-pdis": ("#cc79a7", "^", "-"),
    "seq-dr": ("#0072b2", "o", "-"),
    "fqe": ("#222222", "v", "-"),
    "sn-mis": ("#009e73", "D", "-"),
    "sn-mis-hidden": ("#009e73", "*", _DASHED),
}

# What a study varies, by its place in `Kind`.
_SESSIONS = 3
_VARYING = {1: "places of a slate", 2: "steps of a session", _SESSIONS: "sessions of the log"}

_TITLES = {
    "error": "Reward of a {}: which estimator errs least",
    "regret": "Reward of a {}: which estimator chooses the best policy",
}
_CAPTIONS = {
    "error": "root of the mean squared error over logs and policies",
    "regret": "mean over logs; 0 is the best policy, 1 the worst; grey: choosing any",
}
_LABELS = {
    "error": "error, relative to the true value",
    "regret": "regret of deploying what is estimated best",
}


def draw_estimators(
    found: Mapping[Kind, Sequence[Quality]],
    per: str,
    measure: str = "error",
    ax: Axes | None = None,
) -> Axes:
    """Draws the relative error of estimators, or the regret of choosing by them.

    Along x is whatever varies most: horizons, then slate sizes, then sessions of a log; of the
    others the last is drawn.

    Args:
      found: of `recsim_env.results.estimator_quality.qualities`.
      per: what is estimated, `recsim_env.results.off_policy.PER_SLATE` or `PER_SESSION`.
      measure: "error" or "regret".
      ax: where to draw; a figure of its own by default.

    Raises:
      ValueError: nothing was estimated per that.
    """
    axis, kinds = _along(found, per)
    lines: dict[str, dict[int, float]] = {}
    for kind in kinds:
        for each in found[kind]:
            if each.estimator in _STYLES:
                lines.setdefault(each.estimator, {})[int(kind[axis])] = getattr(each, measure)
    with style.house_style():
        ax = ax or style.new_axes(7.6, 4.6)
        if measure == "regret":
            chance = [found[kind][0].regret_by_chance for kind in kinds]
            places = [int(kind[axis]) for kind in kinds]
            ax.plot(places, chance, color="#999999", linewidth=5.0, alpha=0.5)
        for name, line in lines.items():
            color, marker, dashes = _STYLES[name]
            ax.plot(
                list(line),
                list(line.values()),
                color=color,
                marker=marker,
                linestyle=dashes,
                markersize=10.0 if marker == "*" else 7.0,
                label=name,
            )
        _set_scales(ax, axis, sorted({int(kind[axis]) for kind in kinds}), measure)
        style.dress(
            ax,
            title=_TITLES[measure].format(per),
            caption=_CAPTIONS[measure],
            xlabel=_VARYING[axis],
            ylabel=_LABELS[measure],
        )
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    return ax


def _along(found: Mapping[Kind, Sequence[Quality]], per: str) -> tuple[int, list[Kind]]:
    """Returns which part of kinds varies along x, and the kinds that are drawn."""
    kinds = [kind for kind in found if kind[0] == per]
    if not kinds:
        raise ValueError(f"no reward of a {per} was estimated")
    axis = next((k for k in (2, 1, 3) if len({kind[k] for kind in kinds}) > 1), 3)
    last = kinds[-1]
    return axis, [k for k in kinds if all(k[at] == last[at] for at in (1, 2, 3) if at != axis)]


def _set_scales(ax: Axes, axis: int, places: Sequence[int], measure: str) -> None:
    if axis == _SESSIONS:
        ax.set_xscale("log")
    if measure == "regret":
        ax.set_ylim(-0.03, 1.03)
    else:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_xticks(places, [f"{place:,}" for place in places], minor=False)
    ax.minorticks_off()
