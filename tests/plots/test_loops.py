"""Figures of feedback loops: what they hold, and what they refuse."""

import pytest

from recsim_env.plots.loops import draw_loops
from recsim_env.plots.style import caption_of, new_axes
from recsim_env.results.intervals import Estimate
from recsim_env.results.loops import Contrast, Loop


def contrast(*means):
    along = [Estimate(mean, mean - 0.1, mean + 0.1, 5, "95 % Student t") for mean in means]
    return Contrast(along, along, along[0], along[0])


LOOP = Loop("ials", [100, 200], contrast(-3.0, -1.0), contrast(0.1, 0.4))


def test_both_logs_are_drawn_beside_the_oracle():
    utility, homogeneity = draw_loops([LOOP], "recsim_env/Toy-v0")
    assert utility.get_title(loc="left").startswith("Toy-v0")
    assert len(utility.lines) == len(homogeneity.lines) == 3
    assert homogeneity.lines[1].get_ydata().tolist() == [0.1, 0.4]
    assert "5 seeds" in caption_of(utility)
    assert "dashed" in caption_of(homogeneity)


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="recsim-env feedback"):
        draw_loops([], "Toy")
    with pytest.raises(ValueError, match="1 Axes"):
        draw_loops([LOOP], "Toy", [new_axes()])
