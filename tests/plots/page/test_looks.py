"""Agents look on the page as in every figure, on light and on dark."""

import pytest

from recsim_env.plots import style
from recsim_env.plots.page.looks import contrast, in_order, look_of

DARK_PAGE = "#15181c"


def test_colours_are_those_of_the_figures():
    for agent in (*style.known_agents(), "mine"):
        assert look_of(agent).color == style.agent_style(agent).color


def test_everything_is_read_on_dark():
    for agent in (*style.known_agents(), "mine", "yours"):
        assert contrast(look_of(agent).dark_color, DARK_PAGE) >= 4.5


def test_agents_are_told_apart_without_colour():
    looks = [look_of(agent) for agent in style.known_agents()]
    assert len({(look.shape, look.dashes) for look in looks}) == len(looks)


@pytest.mark.parametrize(
    ("agent", "shape"), [("popularity", "M-1 1L1 1L1 -1L-1 -1Z"), ("content", "M0 -1L-1 1L1 1Z")]
)
def test_markers_are_outlines_of_figures(agent, shape):
    assert look_of(agent).shape == shape


def test_order_is_by_family_with_strangers_last():
    names = [look.name for look in in_order(["zebra", "ppo", "content", "oracle", "uniform"])]
    assert names == ["uniform", "oracle", "content", "ppo", "zebra"]
