"""A session as a figure: every reward and click, and the states that tell something."""

from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason='needs pip install "recsim-env[plots]"')

from recsim_env.plots import style
from recsim_env.plots.visit import draw_visit
from recsim_env.results.visit import Visit, VisitStep

REWARDS = (1.0, 0.0, 2.5)


def step(number, *, is_over):
    mood, clicked = np.array(0.1 * number), np.array([number == 1, number == 3])
    return VisitStep(
        step=number,
        person=f"somebody in mood {mood:.1f}",
        context={},
        item_ids=np.array([number, -1]),
        titles=(f"#{number}", "nothing"),
        features={},
        response={},
        clicked=clicked,
        outcome="",
        reward=REWARDS[number - 1],
        is_over=is_over,
        true_state={
            "mood": np.array([0.3, 0.9, 0.1][number - 1]),
            "taste": np.array([0.5, 0.1 * number]),
            "constant": np.array(4.0),
            "n_slates": np.array(number),
        },
        true_items={},
        true_response={},
    )


@pytest.fixture
def visit():
    steps = tuple(step(number, is_over=number == 3) for number in (1, 2, 3))
    return Visit("World", "linucb", 7, 0, 5, "somebody", steps, dict(steps[-1].true_state))


def test_rewards_and_clicks_are_all_there(visit):
    axes = draw_visit([visit])
    assert [bar.get_height() for bar in axes[0].patches] == list(REWARDS)
    shown, clicked = axes[1].lines
    assert clicked.get_xydata().tolist() == [[1, 1]]
    assert shown.get_xydata().tolist() == [[2, 1], [3, 1]]


def test_states_that_measure_come_before_counts_and_what_stays_is_left_out(visit):
    labels = [ax.get_ylabel() for ax in draw_visit([visit])[2:]]
    assert "mood" in labels and "taste" in labels
    assert "constant" not in labels


def test_sessions_stand_one_after_the_other(visit):
    axes = draw_visit([visit, visit])
    assert len(axes[0].patches) == 6
    assert axes[0].get_xlim() == (0.5, 6.5)


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_figures_have_the_same_bytes_each_time(visit, tmp_path, suffix):
    files = [tmp_path / f"{number}{suffix}" for number in range(2)]
    for file in files:
        style.write_figure(draw_visit([visit])[0], file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size > 1_000


def test_an_svg_is_well_formed_and_the_same_each_time(visit, tmp_path):
    style.write_figure(draw_visit([visit])[0], tmp_path / "figure.svg")
    style.write_figure(draw_visit([visit])[0], tmp_path / "again.svg")
    assert (tmp_path / "figure.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()
    root = ElementTree.parse(tmp_path / "figure.svg").getroot()
    assert root.tag.endswith("svg")
