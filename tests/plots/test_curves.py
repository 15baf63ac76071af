"""Curves show the table's means and intervals, and nothing else."""

import itertools
from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from recsim_env.agents import AGENTS
from recsim_env.plots import draw_learning_curves, draw_online_reward, draw_regret
from recsim_env.plots.style import CROWD, agent_style, caption_of
from recsim_env.results.intervals import estimate
from recsim_env.results.layout import Row
from recsim_env.results.table import ResultTable

SCENARIO = "recsim_env/Toy-v0"
LUCK = np.array([0.0, 1.0, 5.0])
Draw = Callable[[ResultTable, str, Axes | None], Axes]


def line(ax: Axes, agent: str) -> np.ndarray:
    found = [each for each in ax.lines if each.get_label() == agent]
    assert len(found) == 1
    return np.array(found[0].get_xydata())


def bands(ax: Axes) -> list[np.ndarray]:
    drawn = [each for each in ax.collections if isinstance(each, PolyCollection)]
    return [np.asarray(each.get_paths()[0].vertices) for each in drawn]


def test_learning_curve_has_the_means_of_the_evaluations(table: ResultTable) -> None:
    ax = draw_learning_curves(table, SCENARIO)
    assert line(ax, "ials").tolist() == [[500, 14.0], [1000, 16.0]]
    assert line(ax, "popularity").tolist() == [[500, 12.0], [1000, 14.0]]


@pytest.mark.parametrize(
    ("steps", "scale"), [((100, 300, 1000), "log"), ((300, 600, 900), "linear")]
)
def test_interactions_are_logarithmic_where_evaluations_lie_by_factors_apart(
    table: ResultTable, steps: tuple[int, ...], scale: str
) -> None:
    name = {"scenario": SCENARIO, "agent": "svd", "seed": 0, "config_hash": "c0"}
    run = {"phase": "evaluation", "return_mean": 5.0}
    last: Row = {**name, "phase": "final", "interactions": 1000, "return_mean": 5.0}
    table.append_run([*({**name, **run, "interactions": step} for step in steps), last])
    ax = draw_learning_curves(table, SCENARIO)
    assert (ax.get_xscale(), ax.get_yscale()) == (scale, "linear")


def test_learning_band_has_the_intervals_over_seeds(table: ResultTable) -> None:
    ax = draw_learning_curves(table, SCENARIO)
    assert len(bands(ax)) == 2
    found = estimate(12.0 + LUCK)
    at_500 = sorted({y for x, y in bands(ax)[0] if x == 500})
    assert at_500 == pytest.approx([found.low, found.high], rel=1e-12)


def test_uniform_and_oracle_are_levels_with_bands(table: ResultTable) -> None:
    ax = draw_learning_curves(table, SCENARIO)
    assert set(line(ax, "uniform")[:, 1]) == {12.0}
    assert set(line(ax, "oracle")[:, 1]) == {22.0}
    rectangles = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    spans = [(each.get_y(), each.get_y() + each.get_height()) for each in rectangles]
    expected = [(each.low, each.high) for each in (estimate(10.0 + LUCK), estimate(20.0 + LUCK))]
    assert np.array(spans) == pytest.approx(np.array(expected), rel=1e-12)


def test_online_reward_has_the_means_of_the_bins(table: ResultTable) -> None:
    ax = draw_online_reward(table, SCENARIO)
    assert line(ax, "ials") == pytest.approx(np.array([[500, 14 / 20], [1000, 16 / 20]]))
    assert line(ax, "oracle") == pytest.approx(np.array([[500, 20 / 20], [1000, 22 / 20]]))


def test_regret_sums_what_was_lost_and_pairing_removes_luck(table: ResultTable) -> None:
    ax = draw_regret(table, SCENARIO)
    lost_500, lost_1000 = 500 * 8 / 20, 500 * 8 / 20 + 500 * 6 / 20
    assert line(ax, "ials") == pytest.approx(np.array([[0, 0], [500, lost_500], [1000, lost_1000]]))
    heights = [np.ptp([y for x, y in band if x == 1000]) for band in bands(ax)]
    assert heights == pytest.approx([0.0] * 3, abs=1e-9)


def test_one_seed_draws_no_band_and_says_so(fill: Callable[..., ResultTable]) -> None:
    ax = draw_learning_curves(fill({"uniform": 1.0, "ials": 2.0}, n_seeds=1), SCENARIO)
    assert bands(ax) == []
    assert not ax.patches
    assert caption_of(ax) == "1,000 interactions, mean of 1 seed, which gives no interval"


def test_points_that_a_seed_lacks_are_left_out(table: ResultTable) -> None:
    run = table.rows(scenario=SCENARIO, agent="ials")
    seed_0 = [row for row in run if row["seed"] == 0]
    table.append_run(
        row for row in seed_0 if (row["phase"], row["interactions"]) != ("evaluation", 500)
    )
    assert line(draw_learning_curves(table, SCENARIO), "ials").tolist() == [[1000, 16.0]]


@pytest.mark.parametrize("draw", [draw_learning_curves, draw_online_reward, draw_regret])
def test_drawing_uses_the_given_axes_and_changes_no_global_style(
    table: ResultTable, draw: Draw
) -> None:
    before = dict(matplotlib.rcParams)
    given = Figure().subplots()
    assert draw(table, SCENARIO, given) is given
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("draw", [draw_learning_curves, draw_online_reward, draw_regret])
def test_every_agent_is_named_once_in_its_colour_beside_its_line(
    table: ResultTable, draw: Draw
) -> None:
    ax = draw(table, SCENARIO, None)
    named = [text for text in ax.texts if text.get_gid() != "caption"]
    assert sorted(text.get_text() for text in named) == ["ials", "oracle", "popularity", "uniform"]
    assert all(text.get_color() == agent_style(text.get_text()).color for text in named)


@pytest.mark.parametrize("draw", [draw_learning_curves, draw_online_reward, draw_regret])
def test_caption_and_axes_say_what_is_shown(table: ResultTable, draw: Draw) -> None:
    ax = draw(table, SCENARIO, None)
    assert caption_of(ax) == "1,000 interactions, mean of 3 seeds, bands: 95 % Student t"
    assert "interactions" in ax.get_xlabel()
    assert "reward" in ax.get_ylabel()


def test_labels_of_equal_curves_do_not_overlap(fill: Callable[..., ResultTable]) -> None:
    agents = ["uniform", "ials", "dqn", "ppo", "content", "oracle"]
    figure = Figure()
    ax = draw_learning_curves(fill(dict.fromkeys(agents, 3.0)), SCENARIO, figure.subplots())
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    labels = [text for text in ax.texts if text.get_gid() != "caption"]
    boxes = sorted(
        (box.y0, box.y1) for box in (Text.get_window_extent(each, renderer) for each in labels)
    )
    assert len(boxes) == 6
    for (_, top), (bottom, _) in itertools.pairwise(boxes):
        assert top <= bottom


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (draw_learning_curves, "no finished run of scenario='X'; scenarios here: recsim_env/Toy"),
        (draw_online_reward, "no online rows of scenario='X'"),
        (draw_regret, "no online row of scenario='X' has oracle_reward_per_step; run the oracle"),
    ],
)
def test_an_unknown_scenario_is_named(table: ResultTable, draw: Draw, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(table, "X", None)


MANY = [name for name in AGENTS if name not in ("uniform", "oracle", "far_sighted")][:12]


@pytest.fixture
def crowd(fill: Callable[..., ResultTable]) -> ResultTable:
    """Twelve agents, each better than the one before it, one that is not ours, and the ends."""
    better = {agent: 11.0 + 0.5 * place for place, agent in enumerate(MANY)}
    return fill({"uniform": 10.0, **better, "mine": 10.5, "oracle": 20.0})


@pytest.mark.parametrize("draw", [draw_learning_curves, draw_online_reward, draw_regret])
def test_of_many_agents_the_best_have_colour_and_all_have_names(
    crowd: ResultTable, draw: Draw
) -> None:
    ax = draw(crowd, SCENARIO, None)
    colors = {text.get_text(): text.get_color() for text in ax.texts if text.get_gid() is None}
    assert set(colors) == {"uniform", *MANY, "mine", "oracle"}
    colored = {name for name, color in colors.items() if color == agent_style(name).color}
    assert colored == {"uniform", *MANY[-8:], "mine", "oracle"}
    drawn = {str(each.get_label()): each for each in ax.lines}
    for name in MANY[:-8]:
        assert drawn[name].get_color() == CROWD
        assert len(line(ax, name)) >= 2
    assert caption_of(ax).endswith("; best 8 of 12 in colour")


def test_names_of_many_agents_find_room_beside_the_axes(crowd: ResultTable) -> None:
    ax = draw_learning_curves(crowd, SCENARIO)
    canvas = FigureCanvasAgg(ax.figure.get_figure(root=True))
    canvas.draw()
    renderer = canvas.get_renderer()
    labels = [text for text in ax.texts if text.get_gid() is None]
    boxes = sorted(
        (box.y0, box.y1) for box in (Text.get_window_extent(each, renderer) for each in labels)
    )
    for (_, top), (bottom, _) in itertools.pairwise(boxes):
        assert top <= bottom
    half = (boxes[0][1] - boxes[0][0]) / 2
    assert boxes[0][0] >= ax.bbox.y0 - half - 1
    assert boxes[-1][1] <= ax.bbox.y1 + half + 1


@pytest.mark.parametrize(("best", "scale"), [(19.9, "log"), (14.0, "linear"), (30.0, "linear")])
def test_regrets_that_differ_more_than_tenfold_are_on_logarithmic_axes(
    fill: Callable[..., ResultTable], best: float, scale: str
) -> None:
    """What is lost in the first bin, 2 points lower, counts too; at 30, less than nothing is."""
    ax = draw_regret(fill({"uniform": 0.0, "ials": best, "oracle": 20.0}), SCENARIO)
    assert (ax.get_xscale(), ax.get_yscale()) == (scale, scale)
    named = [text.get_text() for text in ax.texts if text.get_gid() != "caption"]
    expected = ["ials", "uniform"] if scale == "log" else ["ials", "oracle", "uniform"]
    assert sorted(named) == expected
    if scale == "log":
        assert ax.get_xlim()[0] == 500 and ax.get_ylim()[0] > 0
