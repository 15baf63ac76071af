"""The fidelity figure shows the arrays it is given, real beside simulated."""

import matplotlib
import numpy as np
import pytest
from matplotlib.patches import Rectangle

from recsim_env.plots import draw_fidelity

ARRAYS: dict[str, list[float]] = {
    "rating_values": [1, 2, 3],
    "rating_share_real": [0.2, 0.5, 0.3],
    "rating_share_simulated": [0.25, 0.5, 0.25],
    "popularity_rank": [1, 10, 100],
    "popularity_share_real": [0.1, 0.01, 0.001],
    "popularity_share_simulated": [0.08, 0.02, 0.001],
    "activity_quantile": [0.0, 0.5, 1.0],
    "activity_real": [1.0, 5.0, 60.0],
    "activity_simulated": [2.0, 5.0, 50.0],
}


def test_panels_show_the_arrays() -> None:
    before = dict(matplotlib.rcParams)
    ratings, popularity, activity = draw_fidelity(ARRAYS)
    assert dict(matplotlib.rcParams) == before
    bars = [patch for patch in ratings.patches if isinstance(patch, Rectangle)]
    assert [bar.get_height() for bar in bars] == [20, 50, 30, 25, 50, 25]
    for ax, y in ((popularity, "popularity_share"), (activity, "activity")):
        for drawn, name in zip(ax.lines, ("real", "simulated"), strict=True):
            assert drawn.get_label() == name
            scale = 100 if ax is popularity else 1
            expected = scale * np.array(ARRAYS[f"{y}_{name}"])
            assert np.asarray(drawn.get_ydata()) == pytest.approx(expected)
    assert (popularity.get_xscale(), popularity.get_yscale()) == ("log", "log")
    assert np.asarray(activity.lines[0].get_xdata()).tolist() == [0, 50, 100]


def test_bars_of_one_rating_stand_side_by_side() -> None:
    patches = draw_fidelity(ARRAYS)[0].patches
    real, simulated = (patch for patch in (patches[0], patches[3]) if isinstance(patch, Rectangle))
    assert real.get_x() + real.get_width() == pytest.approx(1.0)
    assert simulated.get_x() == pytest.approx(1.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes_carry_names_and_a_legend_tells_real_from_simulated(axis: int) -> None:
    ax = draw_fidelity(ARRAYS)[axis]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["real", "simulated"]
    assert ax.get_xlabel()
    assert ax.get_ylabel()


def test_missing_and_uneven_arrays_are_named() -> None:
    with pytest.raises(ValueError, match="arrays lack rating_share_real, activity_real;"):
        draw_fidelity(
            {k: v for k, v in ARRAYS.items() if k not in {"activity_real", "rating_share_real"}}
        )
    with pytest.raises(ValueError, match=r"one length each, not .*'rating_values': \(2,\)"):
        draw_fidelity({**ARRAYS, "rating_values": [1, 2]})
