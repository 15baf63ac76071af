"""Figures over all scenarios show what the aggregates are, of agents that all of them share."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes

from recsim_env.plots import (
    draw_aggregates,
    draw_improvement_matrix,
    draw_profiles,
    draw_ranks,
    write_report,
)
from recsim_env.plots.matrix import draw_matrix
from recsim_env.plots.style import caption_of, new_axes
from recsim_env.results.aggregates import Comparison, shared_runs
from recsim_env.results.intervals import Estimate
from recsim_env.results.table import ResultTable

DRAWINGS = [draw_aggregates, draw_ranks, draw_profiles, draw_improvement_matrix]


@pytest.fixture
def two(fill: Callable[..., ResultTable]) -> ResultTable:
    """Two scenarios, of which one agent ran in the first only; seeds shift all returns."""
    shared = {"uniform": 10.0, "ials": 14.0, "popularity": 12.0, "oracle": 20.0}
    fill({**shared, "svd": 11.0})
    return fill({**shared, "popularity": 17.0}, scenario="recsim_env/Far-v0")


def dots(ax: Axes) -> dict[str, float]:
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    return {str(line.get_label()): float(np.asarray(line.get_xdata())[0]) for line in lines}


def test_dots_stand_at_interquartile_means_with_the_best_on_top(two: ResultTable) -> None:
    ax = draw_aggregates(two)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["popularity", "ials"]
    assert dots(ax) == pytest.approx({"popularity": 0.45, "ials": 0.4})
    texts = [text.get_text() for text in ax.texts]
    assert texts[texts.index("gap") - 2 : texts.index("gap")] == ["0.55", "0.60"]


def test_ranks_are_drawn_with_how_often_an_agent_is_first(two: ResultTable) -> None:
    ax = draw_ranks(two)
    assert dots(ax) == {"ials": 1.5, "popularity": 1.5}
    assert [text.get_text() for text in ax.texts].count("50%") == 2


def test_profiles_fall_from_1_to_0(two: ResultTable) -> None:
    ax = draw_profiles(two)
    for line in ax.lines:
        heights = np.asarray(line.get_ydata(), dtype=float)
        assert (np.diff(heights) <= 0).all()
        assert (heights[0], heights[-1]) == (1.0, 0.0)
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["popularity", "ials"]


def test_the_matrix_tells_who_does_better_and_pales_where_chance_may_be(two: ResultTable) -> None:
    ax = draw_improvement_matrix(two)
    assert [text.get_text() for text in ax.texts if text.get_gid() != "caption"] == ["50", "50"]
    sure, open_ = Estimate(0.9, 0.8, 1.0, 3, "w"), Estimate(0.9, 0.4, 1.0, 3, "w")
    ax = new_axes()
    draw_matrix(ax, Comparison(("a", "b"), [[sure, sure], [open_, sure]]))
    colors = np.asarray(ax.images[0].get_array())
    assert (colors[1, 0] > colors[0, 1]).all()
    assert (colors[0, 0] == 1.0).all()


@pytest.mark.parametrize("draw", DRAWINGS)
def test_captions_say_what_is_behind_a_figure(two: ResultTable, draw: Callable[..., Axes]) -> None:
    start = "2 agents in 2 scenarios, 3 seeds each after 1,000 interactions, "
    assert caption_of(draw(two)).startswith(start)
    assert "95 % " in caption_of(draw(two))


@pytest.mark.parametrize("draw", DRAWINGS)
def test_one_seed_is_drawn_without_intervals(
    fill: Callable[..., ResultTable], draw: Callable[..., Axes]
) -> None:
    returns = {"uniform": 10.0, "ials": 14.0, "popularity": 12.0, "oracle": 20.0}
    fill(returns, n_seeds=1)
    table = fill(returns, n_seeds=1, scenario="recsim_env/Far-v0")
    assert caption_of(draw(table)).endswith(
        "1 seed each after 1,000 interactions, one seed gives no interval"
    )


def test_the_report_tells_what_is_compared_and_what_is_left_out(two: ResultTable) -> None:
    text = write_report(two.folder, ["aggregates"]).read_text(encoding="utf-8")
    section = text.partition("## Over all scenarios")[2].partition("\n## ")[0]
    assert "2 agents in 2 scenarios, with no run missing." in section
    assert "Left out, since not every agent suits every scenario: the agents svd." in section
    assert "| **popularity** | 0.4500 |" in section and "| ials | 0.4000 |" in section
    assert "With so few seeds the intervals are too narrow" in section
    assert "![Agents by the interquartile mean of their scores](aggregates.png)" in section
    assert (two.folder / "aggregates.png").exists()


def test_one_scenario_has_no_such_section(table: ResultTable) -> None:
    assert "Over all scenarios" not in write_report(table.folder, []).read_text(encoding="utf-8")
    assert shared_runs(table).scenarios == ("recsim_env/Toy-v0",)
