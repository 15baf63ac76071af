"""How every figure looks: one home for agent to colour, marker and line, and for the page.

The known agents have a colour by family, of those of Okabe and Ito, which people with any colour
vision tell apart (yellow, which paper swallows, is darkened). Within a family each has a marker of
its own, and no two of all have both marker and line in common, so that nothing is lost in a grey
print. References are grey, black and violet.
"""

from __future__ import annotations

import io
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recsim_env.agent_registry import FAMILIES, names_of, plain_name
from recsim_env.formats.files import replacing
from recsim_env.results.intervals import Estimate

try:
    import matplotlib.style
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import (
        EngFormatter,
        FuncFormatter,
        LogLocator,
        MaxNLocator,
        NullFormatter,
    )
    from PIL import Image
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'figures need matplotlib: pip install "recsim-env[plots]"', name=error.name
    ) from error

INK = "#222222"
FAINT_INK = "#666666"
GRID = "#e4e4e4"
BAND_OPACITY = 0.13
MARKER_SIZE = 5.5

CROWD = "#bdbdbd"
"""Lines of the many that are shown only for comparison."""

AXES = (0.09, 0.13, 0.76, 0.7)
"""Left, bottom, width and height of Axes as shares of their figure."""

FORMATS = (".png", ".pdf", ".svg")
"""Of files of figures."""

_SETTINGS: Any = {
    "pdf.fonttype": 42,  # letters that journals take, and that can be searched
    "svg.hashsalt": "recsim-env",
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": FAINT_INK,
    "axes.labelcolor": INK,
    "xtick.color": FAINT_INK,
    "ytick.color": FAINT_INK,
    "lines.linewidth": 1.8,
    "lines.markersize": MARKER_SIZE,
    "savefig.dpi": 160,
    "savefig.facecolor": "white",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}


@dataclass(frozen=True)
class AgentStyle:
    """How one agent is drawn, in every figure.

    Attributes:
      color: of line, marker and label.
      marker: Matplotlib's sign of it, or (points, 1, degrees) of a star.
      linestyle: Matplotlib's dash pattern.
    """

    color: str
    marker: str | tuple[int, int, int]
    linestyle: str

    @property
    def marker_scale(self) -> float:
        """How much larger its marker is drawn than a disc, to look as large: stars are thin."""
        return 1.5 if isinstance(self.marker, tuple) else 1.0


# Family: colour, and the markers and lines that its agents take in the order of the registry; the
# last of each is for the next agent.
_LOOKS = {
    "non-personalized": ("#56b4e9", "s-  D--  o:"),
    "content and sequence": ("#e69f00", "^-  s--  d-.  P:  X-."),
    "collaborative filtering": ("#009e73", "<-  >-  d-  v-  D-  P-.  s:  X:  p-."),
    "multi-armed bandits": ("#9a8500", "s-.  ^--  v--  <--  >--  p:"),
    "contextual bandits": ("#0072b2", "o-  d--  P--  X--  ^:"),
    "value-based RL": ("#cc79a7", "P-  v-.  p-  o-.  ^-.  D:"),
    "policy-based RL": ("#d55e00", "X-  8-  o--  p--  <-.  >-.  d:  v:"),
}


def _looks_of(family: str) -> dict[str, AgentStyle]:
    color, looks = _LOOKS[family]
    pairs = zip(names_of(family), looks.split(), strict=False)
    return {agent: AgentStyle(color, look[0], look[1:]) for agent, look in pairs}


_KNOWN = {
    "uniform": AgentStyle("#8a8a8a", "x", ":"),
    "oracle": AgentStyle("#000000", "*", "--"),
    "diverse_oracle": AgentStyle("#4d4d4d", "h", ":"),
    "far_sighted": AgentStyle("#5b3a8c", "D", "-."),
} | {agent: look for family in FAMILIES for agent, look in _looks_of(family).items()}
_MORE_COLORS = ("#882255", "#cc6677", "#44aa99", "#332288", "#aa4499", "#117733", "#6b4c2a")
# Stars of that many points, turned by that many degrees: none of ours is one.
_MORE_MARKERS = ((3, 1, 0), (3, 1, 180), (4, 1, 0), (4, 1, 45), (6, 1, 0), (8, 1, 0))
_MORE_LINES = ("-", "--", "-.")
_TUNED_LINES = {"-": ":", "--": ":", "-.": ":", ":": "--"}


def is_known(agent: str) -> bool:
    """Returns whether an agent is one of ours, with tuned settings or not."""
    return plain_name(agent) in _KNOWN


def known_agents() -> list[str]:
    """Returns our agents: references, then by family, in the order of the registry."""
    return list(_KNOWN)


def agent_style(agent: str) -> AgentStyle:
    """Returns the style of an agent: the same in every figure, process and year.

    An agent that is not ours gets a style that depends on its name alone, from colours and markers
    that none of ours has; one of ours with other settings, ``linucb alpha=3``, keeps its colour.
    With tuned settings, ``linucb (tuned)``, it keeps its marker too, and has another line.
    """
    if is_known(agent):
        look = _KNOWN[plain_name(agent)]
        return look if agent in _KNOWN else replace(look, linestyle=_TUNED_LINES[look.linestyle])
    number = zlib.crc32(agent.encode())
    number, place = divmod(number, len(_MORE_COLORS))
    number, marker = divmod(number, len(_MORE_MARKERS))
    line = number % len(_MORE_LINES)
    of_ours = _KNOWN.get(agent.partition(" ")[0])
    color = of_ours.color if of_ours else _MORE_COLORS[place]
    return AgentStyle(color, _MORE_MARKERS[marker], _MORE_LINES[line])


def families() -> dict[str, str]:
    """Returns the families of agents that learn, and their colours, in the order of figures."""
    return {family: _LOOKS[family][0] for family in FAMILIES}


def family_of(agent: str) -> str | None:
    """Returns the family of an agent; None of a reference, and of one that is not ours."""
    return next((family for family in FAMILIES if plain_name(agent) in names_of(family)), None)


def write_figure(ax: Axes, file: Path) -> None:
    """Writes the figure of some Axes, of the same content the same bytes.

    Args:
      ax: of the figure.
      file: .png, in 256 colours, which takes a third of the bytes; .pdf or .svg.

    Raises:
      ValueError: another suffix.
    """
    if file.suffix not in FORMATS:
        raise ValueError(f"cannot write {file}: its name must end with {' or '.join(FORMATS)}")
    figure: Any = ax.figure  # a SubFigure by its type alone
    drawn = io.BytesIO()
    how: dict[str, dict[str, Any]] = {
        ".png": {"pil_kwargs": {"compress_level": 1}},  # it is written again below
        ".pdf": {"metadata": {"CreationDate": None}},
        ".svg": {"metadata": {"Date": None}},
    }
    with house_style():
        if file.suffix == ".svg":
            _settle(figure)
        figure.savefig(
            drawn, format=file.suffix[1:], bbox_inches="tight", pad_inches=0.15, **how[file.suffix]
        )
    with replacing(file) as draft:
        if file.suffix == ".png":
            Image.open(drawn).convert("RGB").quantize().save(draft, format="png", optimize=True)
        else:
            draft.write_bytes(drawn.getvalue())


def _settle(figure: Any) -> None:
    """Lays a figure out for good, on positions of nine digits.

    The last bits of what the solver finds differ from time to time, and names in an SVG file are
    hashes of them.
    """
    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for ax in figure.axes:
        ax.set_position([round(edge, 9) for edge in ax.get_position().bounds])


@contextmanager
def house_style() -> Iterator[None]:
    """Applies the page's fonts and colours within a `with`, and puts the caller's back."""
    with matplotlib.style.context(["default", _SETTINGS]):
        yield


def new_axes(width: float = 8.0, height: float = 4.6) -> Axes:
    """Returns Axes of a figure of their own, in inches, known to no window system."""
    return Figure(figsize=(width, height)).add_axes(AXES)


def new_figure(width: float, height: float) -> Figure:
    """Returns a figure, in inches, known to no window system, in which panels find their room."""
    return Figure(figsize=(width, height), layout="constrained")


def new_panels(count: int, *, height: float = 4.0, wspace: float = 0.28) -> list[Axes]:
    """Returns Axes side by side in a figure of their own, three in a row.

    Args:
      count: how many.
      height: of one, in inches.
      wspace: between two, as a share of the width of one.
    """
    n_columns = min(count, 3)
    n_rows = -(-count // n_columns)
    figure = Figure(figsize=(4.2 * (1 + wspace) / 1.28 * n_columns, height * n_rows))
    space = {"wspace": wspace, "hspace": 0.45}
    axes = figure.subplots(n_rows, n_columns, squeeze=False, gridspec_kw=space).ravel()
    for ax in axes[count:]:
        ax.remove()
    return list(axes[:count])


def dress(ax: Axes, *, title: str, caption: str, xlabel: str, ylabel: str) -> None:
    """Gives Axes their title, a caption below it, labels with units, and a light grid."""
    ax.set_title(title, loc="left", fontsize=13, fontweight="bold", color=INK, pad=24)
    set_caption(ax, caption)
    ax.set_xlabel(xlabel, color=INK)
    ax.set_ylabel(ylabel, color=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT_INK)
    ax.tick_params(colors=FAINT_INK, labelsize=9)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)


def set_caption(ax: Axes, caption: str) -> None:
    """Writes a caption below the title, in the place of an earlier one; see `caption_of`."""
    for text in [each for each in ax.texts if each.get_gid() == "caption"]:
        text.remove()
    ax.annotate(
        caption,
        (0, 1),
        gid="caption",
        xytext=(0, 9),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=9,
        color=FAINT_INK,
        annotation_clip=False,
    )


def limits(estimates: Iterable[Estimate], marks: Sequence[float] = ()) -> tuple[float, float]:
    """Returns an axis' limits that hold every mean, and intervals unless they dwarf the means.

    One agent whose seeds disagree would otherwise squeeze the others into a line; what lies more
    than 0.6 of the means' range beyond them is cut at the edge.
    """
    found = list(estimates)
    means = [each.mean for each in found] + list(marks)
    spread = (max(means) - min(means)) or abs(means[0]) or 1.0
    lows = [each.low for each in found if math.isfinite(each.low)] + means
    highs = [each.high for each in found if math.isfinite(each.high)] + means
    low = max(min(lows), min(means) - 0.6 * spread)
    high = min(max(highs), max(means) + 0.6 * spread)
    return low - 0.04 * spread, high + 0.04 * spread


def count_interactions(ax: Axes) -> None:
    """Writes the ticks of the x-axis as 5 k, 10 k, 1 M."""
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(EngFormatter(sep=" "))


def count_interactions_by_tens(ax: Axes) -> None:
    """Writes the ticks of a logarithmic x-axis as 100, 1 k, 10 k, and of the y-axis as 1,000.

    A logarithmic axis of less than two decades has ticks at 2 and 5 in each, too.
    """
    for axis in (each for each in (ax.xaxis, ax.yaxis) if each.get_scale() == "log"):
        low, high = axis.get_view_interval()
        if high < 100 * low:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(EngFormatter(sep=" "))
    group_digits(ax)


def group_digits(ax: Axes) -> None:
    """Writes the ticks of the y-axis as 5,000 and 0.5."""
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "−")))


def caption_of(ax: Axes) -> str:
    """Returns the caption that `dress` gave to the Axes."""
    return next(text.get_text() for text in ax.texts if text.get_gid() == "caption")


def short_name(scenario: str) -> str:
    """Returns the scenario's id without the namespace that all of ours share."""
    return scenario.removeprefix("recsim_env/")


def file_name(scenario: str) -> str:
    """Returns what the files of a scenario's figures are called, after the figure."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", short_name(scenario))


def draw_level(ax: Axes, agent: str, level: Estimate) -> float:
    """Draws what does not depend on the x-axis, with its interval, and returns its height."""
    look = agent_style(agent)
    if level.has_interval:
        ax.axhspan(level.low, level.high, color=look.color, alpha=0.1, linewidth=0)
    ax.axhline(
        level.mean,
        color=look.color,
        linestyle=look.linestyle,
        linewidth=1.6,
        label=agent,
    )
    return level.mean
