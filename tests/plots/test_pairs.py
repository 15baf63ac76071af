"""The matrix of a scenario shows every pair once from either side, and pale what is not sure."""

from collections.abc import Callable

import pytest

from recsim_env.plots import draw_pairs
from recsim_env.plots.style import caption_of
from recsim_env.results.table import ResultTable
from tests.plots.conftest import SCENARIO


def test_differences_are_in_hundredths_of_the_score_best_on_top(table: ResultTable) -> None:
    """Seeds shift both alike: 14 and 12 on a scale of 10 differ by 20 hundredths, surely."""
    ax = draw_pairs(table, SCENARIO)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ials", "popularity"]
    numbers = {text.get_position(): text.get_text() for text in ax.texts if text.get_text()}
    assert (numbers[1, 0], numbers[0, 1]) == ("+20", "−20")
    assert "mean of 3 seeds, 1 pair" in caption_of(ax)


def test_one_seed_is_said_to_show_nothing(fill: Callable[..., ResultTable]) -> None:
    table = fill({"uniform": 10.0, "ials": 14.0, "svd": 12.0, "oracle": 20.0}, n_seeds=1)
    assert "one seed shows no difference" in caption_of(draw_pairs(table, SCENARIO))


def test_many_agents_are_drawn_without_numbers(fill: Callable[..., ResultTable]) -> None:
    table = fill({"uniform": 1.0, **{f"a{n}": 2.0 + n for n in range(17)}, "oracle": 20.0})
    ax = draw_pairs(table, SCENARIO)
    assert not [text for text in ax.texts if text.get_text().startswith(("+", "−"))]
    assert "darkest: 84.2" in ax.get_xlabel()


def test_one_agent_makes_no_pair(fill: Callable[..., ResultTable]) -> None:
    with pytest.raises(ValueError, match="no two agents"):
        draw_pairs(fill({"uniform": 10.0, "ials": 14.0, "oracle": 20.0}), SCENARIO)
