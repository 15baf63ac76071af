"""The leaderboard is sorted, scaled from uniform to the reference, and shows its intervals."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Annotation

from recsim_env.plots import draw_leaderboard
from recsim_env.plots.style import caption_of
from recsim_env.results.table import ResultTable

SCENARIO = "recsim_env/Toy-v0"


def dots(ax: Axes) -> dict[str, float]:
    return {
        str(line.get_label()): float(np.asarray(line.get_xdata())[0])
        for line in ax.lines
        if not str(line.get_label()).startswith("_")
    }


def test_agents_stand_in_order_of_return_with_the_best_on_top(table: ResultTable) -> None:
    ax = draw_leaderboard(table, SCENARIO)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["oracle", "ials", "popularity", "uniform"]
    bottom, top = ax.get_ylim()
    assert bottom > top


def test_dots_stand_at_the_scores(table: ResultTable) -> None:
    expected = {"oracle": 1.0, "ials": 0.4, "popularity": 0.2, "uniform": 0.0}
    assert dots(draw_leaderboard(table, SCENARIO)) == pytest.approx(expected, abs=1e-12)


def test_another_reference_can_be_1(table: ResultTable) -> None:
    ax = draw_leaderboard(table, SCENARIO, reference="ials")
    assert dots(ax)["ials"] == 1.0
    assert dots(ax)["oracle"] == pytest.approx(2.5)
    assert ax.get_xlabel() == "score (uniform = 0, ials = 1)"


def test_raw_returns_stand_beside_the_agents(table: ResultTable) -> None:
    ax = draw_leaderboard(table, SCENARIO)
    notes = [text for text in ax.texts if isinstance(text, Annotation)]
    texts = [(note.xy[1], note.get_text()) for note in notes if note.get_gid() != "caption"]
    assert sorted(texts[:4]) == [(0, "22.00"), (1, "16.00"), (2, "14.00"), (3, "12.00")]


def test_whiskers_end_at_the_interval_or_with_an_arrow_at_the_edge(
    fill: Callable[..., ResultTable],
) -> None:
    table = fill({"uniform": 10.0, "oracle": 20.0})
    noisy = [3.0, 4.0, 20.0]
    for seed, value in enumerate(noisy):
        row = {"scenario": SCENARIO, "agent": "dqn", "seed": seed, "config_hash": "c0"}
        table.append_run([{**row, "phase": "final", "interactions": 9, "return_mean": value + 8}])
    ax = draw_leaderboard(table, SCENARIO)
    low, high = ax.get_xlim()
    markers = [line.get_marker() for line in ax.lines]
    assert low > -1.0
    assert markers.count("<") == markers.count(">") == 1
    whisker = max(ax.lines, key=lambda each: np.ptp(np.asarray(each.get_xdata(), dtype=float)))
    assert np.asarray(whisker.get_xdata()).tolist() == [low, high]


@pytest.mark.parametrize("returns", [{"uniform": 5.0, "oracle": 4.0}, {"ials": 1.0, "dqn": 2.0}])
def test_without_scores_the_scale_is_the_return(
    fill: Callable[..., ResultTable], returns: dict[str, float]
) -> None:
    ax = draw_leaderboard(fill(returns), SCENARIO)
    assert dots(ax) == pytest.approx({agent: value + 2.0 for agent, value in returns.items()})
    assert ax.get_xlabel() == "return (reward per episode)"
    assert caption_of(ax).endswith("whiskers: 95 % Student t")


def test_scores_name_their_interval(table: ResultTable) -> None:
    expected = "after 1,000 interactions, mean of 3 seeds, whiskers: 95 % Fieller"
    assert caption_of(draw_leaderboard(table, SCENARIO)) == expected
