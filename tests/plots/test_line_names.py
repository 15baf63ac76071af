"""Names beside lines keep their order and their distance, and stay near the lines' ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from recsim_env.plots import line_names, style


@given(
    st.lists(st.floats(-500, 500), min_size=1, max_size=12).map(sorted),
    st.floats(1, 30),
)
def test_spread_places_keep_their_order_and_distance(wanted: list[float], gap: float) -> None:
    placed = line_names.spread_apart(wanted, gap)
    assert (np.diff(placed) >= gap - 1e-9).all()
    assert placed.mean() == pytest.approx(np.mean(wanted), abs=1e-6)


def test_places_far_enough_apart_stay() -> None:
    assert line_names.spread_apart([0.0, 13.0, 40.0], 13.0).tolist() == [0.0, 13.0, 40.0]
    assert line_names.spread_apart([0.0, 0.0, 40.0], 10.0).tolist() == [-5.0, 5.0, 40.0]


def test_places_stay_between_the_limits_if_they_find_room() -> None:
    assert line_names.spread_apart([1.0, 2.0, 50.0], 10.0, 0.0, 40.0).tolist() == [0.0, 10.0, 40.0]
    assert line_names.spread_apart([9.0, 9.0, 9.0], 10.0, 0.0, 20.0).tolist() == [0.0, 10.0, 20.0]
    assert line_names.spread_apart([9.0, 9.0, 9.0], 10.0, 0.0, 19.0).tolist() == [-1.0, 9.0, 19.0]


@pytest.mark.parametrize("scale", [{"value": "linear"}, {"value": "log", "nonpositive": "mask"}])
def test_names_stand_beside_their_lines_ends_on_any_axes(scale: dict[str, str]) -> None:
    ax = style.new_axes()
    ax.set_xscale(**scale)
    ax.set_yscale(**scale)
    ax.set(xlim=(100, 10_000), ylim=(1, 10_000))
    line_names.label_at_right(ax, {"uniform": 6_000.0, "ials": 10.0, "dqn": 10.5})
    canvas = FigureCanvasAgg(ax.figure.get_figure(root=True))
    canvas.draw()
    boxes = {
        text.get_text(): Text.get_window_extent(text, canvas.get_renderer()) for text in ax.texts
    }
    height = {name: (box.y0 + box.y1) / 2 for name, box in boxes.items()}
    end = ax.transData.transform([(10_000, 6_000.0), (10_000, 10.0)])[:, 1]
    point = ax.figure.dpi / 72
    assert height["uniform"] == pytest.approx(end[0], abs=2 * point)
    assert boxes["dqn"].y0 >= boxes["ials"].y1
    assert height["ials"] == pytest.approx(end[1], abs=20 * point)
    assert all(box.x0 > ax.bbox.x1 for box in boxes.values())
