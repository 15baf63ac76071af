"""The figures of the page as Vega-Lite specifications, whose rows the browser fills in.

A row carries how its agent looks (`color`, `shape`, `dashes`) beside its numbers; colours are names
of CSS variables, so that they follow dark, light and paper without a new drawing. `shown`, the
numbers of the agents that are switched on, is a parameter that the page sets. What is told of a
point under the pointer, the page takes from its row; a specification says only that there is some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt

_LINE_HEIGHT, _SQUARE_HEIGHT = 320, 380
_FITTING: Any = alt.ExprRef("min(14, 0.8 * bandwidth('x'))")
_AS_DRAWN: Any = None  # colours, dashes and shapes stand in the rows as they are drawn


@dataclass(frozen=True)
class Figure:
    """One figure of a scenario.

    Attributes:
      name: of its data, and of its place on the page.
      title: its heading.
      caption: how to read it.
      absent: what to say where there is nothing to draw.
    """

    name: str
    title: str
    caption: str
    absent: str


FIGURES = (
    Figure(
        "learning",
        "Return after learning",
        "Return in frozen evaluations, on common random numbers. Bands: 95 % intervals over seeds. "
        "What does not learn is a level.",
        "No evaluations along learning are in the table.",
    ),
    Figure(
        "online",
        "Reward while learning",
        "Reward per interaction that people got while the agent learned. Bands: 95 % intervals.",
        "No rewards while learning are in the table.",
    ),
    Figure(
        "regret",
        "Regret while learning",
        "Cumulative reward lost to the oracle's run on common random numbers. Bands: 95 % "
        "intervals. Axes are logarithmic where agents differ more than tenfold.",
        "No regret: there is no oracle's reward to compare with.",
    ),
    Figure(
        "pairs",
        "Every pair of agents",
        "Difference of returns, row minus column, of the agents that learn. Blue and +: the row "
        "earns more; orange and −: less; pale: not significantly different (two-sided t-tests "
        "paired by seed, Holm over all these pairs, 95 %). The stronger the colour, the larger the "
        "difference.",
        "No pairs: no two agents that learn share a seed.",
    ),
    Figure(
        "measures",
        "One metric against another",
        "Each agent at the end of learning, with 95 % intervals over seeds in both directions.",
        "No agent has both metrics.",
    ),
    Figure(
        "metric",
        "One metric on the way",
        "While agents learn, in frozen evaluations; or along people's episodes at the end, in "
        "parts from a marker to the next. Bands: 95 % intervals over seeds.",
        "No metric was measured there; recsim-env benchmark --measure measures them.",
    ),
)


def specifications() -> dict[str, dict[str, Any]]:
    """Returns name to specification of each kind of figure."""
    lost = "cumulative regret (lost to the oracle)"
    charts = {
        "learning": lines("interactions learned from", "return (reward per episode)"),
        "online": lines("interactions", "reward per interaction"),
        "regret": lines("interactions", lost),
        "regret_by_tens": lines("interactions", lost, scale="log"),
        "pairs": matrix(),
        "measures": scatter(),
        "metric": lines("@x", "@y"),
    }
    titles = {figure.name: figure.title for figure in FIGURES}
    return {name: _spec(chart, titles[name.partition("_by_")[0]]) for name, chart in charts.items()}


def lines(xlabel: str, ylabel: str, scale: Any = "linear") -> Any:
    """Returns lines with bands and markers, one for each agent; the nearest is thick and named."""
    nearest = alt.selection_point(
        name="nearest",
        on="pointerover",
        clear="pointerout",
        fields=["agent"],
        nearest=True,
        empty=False,
    )
    number = "format(datum.value, '~s')"
    x = alt.X("x:Q").title(xlabel).scale(type=scale, nice=False)
    x = x.axis(labelExpr=number, tickCount=6, grid=False)
    y = alt.Y("mean:Q").title(ylabel).scale(type=scale, zero=False)
    y = y.axis(format=",~r", tickCount=6)
    base = alt.Chart().encode(
        x=x,
        color=alt.Color("color:N").scale(_AS_DRAWN),
        detail="agent:N",
    )
    band = base.mark_area(opacity=0.13, aria=False).encode(
        y=alt.Y("low:Q").title(ylabel).scale(type=scale, zero=False), y2="high:Q"
    )
    line = base.mark_line(aria=False).encode(
        y=y,
        strokeDash=alt.StrokeDash("dashes:N").scale(_AS_DRAWN),
        strokeWidth=alt.when(nearest).then(alt.value(4)).otherwise(alt.value(1.8)),
    )
    dots = (
        base.mark_point(size=45, filled=True, opacity=1, strokeWidth=1.2, aria=False)
        .encode(
            y=y,
            shape=alt.Shape("shape:N").scale(_AS_DRAWN),
            stroke=alt.Stroke("color:N").scale(_AS_DRAWN),
            tooltip=alt.Tooltip("name:N"),
        )
        .properties(name="dots")
        .add_params(nearest)
    )
    return alt.layer(band, line, dots).properties(height=_LINE_HEIGHT)


def matrix() -> Any:
    """Returns agents by agents: who earns more than whom, both in the order of the leaderboard."""
    by_place: Any = alt.EncodingSortField(field="place", op="min")
    by_other: Any = alt.EncodingSortField(field="other_place", op="min")
    labels: Any = {"labelLimit": 110, "ticks": False, "domain": False, "grid": False}
    base = (
        alt.Chart()
        .encode(
            x=alt.X("other_name:N")
            .title("less the return of")
            .sort(by_other)
            .axis(orient="top", labelAngle=-60, **labels),
            y=alt.Y("name:N").title("return of").sort(by_place).axis(**labels),
        )
        .transform_filter("indexof(shown, datum.other) >= 0")
    )
    cells = base.mark_rect(aria=False, stroke="var(--paper)").encode(
        fill=alt.Fill("fill:N").scale(_AS_DRAWN),
        fillOpacity=alt.FillOpacity("strength:Q").scale(_AS_DRAWN).legend(None),
        tooltip=alt.Tooltip("name:N"),
    )
    signs = base.mark_text(
        aria=False, fill="var(--paper)", fontWeight="bold", fontSize=_FITTING
    ).encode(text="sign:N", tooltip=alt.Tooltip("name:N"))
    return alt.layer(cells, signs)


def scatter() -> Any:
    """Returns agents by two metrics, `x` and `mean`, whose names the page puts in the titles."""
    plain: Any = {"zero": False, "padding": 12, "nice": False}  # as the page places names
    x = alt.X("x:Q").title("@x").scale(**plain).axis(grid=True, format=",~r")
    y = alt.Y("mean:Q").title("@y").scale(**plain).axis(format=",~r")
    base = alt.Chart().encode(color=alt.Color("color:N").scale(_AS_DRAWN))
    upright = base.mark_rule(aria=False).encode(x=x, y=alt.Y("low:Q").title("@y"), y2="high:Q")
    level = base.mark_rule(aria=False).encode(y=y, x=alt.X("x_low:Q").title("@x"), x2="x_high:Q")
    names = base.mark_text(
        aria=False,
        align="left",
        dx=alt.ExprRef("datum.dx"),
        dy=alt.ExprRef("datum.dy"),
        fontSize=12,
    ).encode(x=x, y=y, text="label:N")
    dots = base.mark_point(size=90, filled=True, opacity=1, aria=False).encode(
        x=x,
        y=y,
        shape=alt.Shape("shape:N").scale(_AS_DRAWN),
        stroke=alt.Stroke("color:N").scale(_AS_DRAWN),
        tooltip=alt.Tooltip("name:N"),
    )
    return alt.layer(upright, level, names, dots).properties(height=_SQUARE_HEIGHT)


def _spec(chart: Any, description: str) -> dict[str, Any]:
    """Returns a chart of the rows of the agents that are switched on, as wide as its place."""
    shown = alt.param(name="shown", value=[])
    whole = (
        chart.properties(data=alt.NamedData("rows"), width="container", description=description)
        .transform_filter("indexof(shown, datum.agent) >= 0")
        .add_params(shown)
    )
    ink = "var(--ink)"
    return (
        whole.configure(
            background="transparent",
            font="system-ui, sans-serif",
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
            axis=alt.AxisConfig(
                labelColor="var(--faint)",
                titleColor=ink,
                gridColor="var(--rule)",
                domainColor="var(--faint)",
                tickColor="var(--faint)",
                labelFontSize=12,
                titleFontSize=12,
                titleFontWeight="normal",
                labelFlush=False,
            ),
        )
        .configure_view(stroke=None)
        .to_dict()
    )
