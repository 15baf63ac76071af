"""The ladder puts every family's best agent where its score is, in every scenario."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes

from recsim_env.plots import draw_ladder, ladder_table, write_report
from recsim_env.plots.ladder import OTHERS, ladder_caption
from recsim_env.plots.style import caption_of
from recsim_env.results.table import ResultTable

FORESIGHT = {
    "uniform": 10.0,
    "popularity": 8.0,
    "linucb": 16.0,
    "lin_thompson": 15.0,
    "oracle": 14.0,
    "far_sighted": 18.0,
    "mine": 11.0,
}


@pytest.fixture
def two(fill: Callable[..., ResultTable]) -> ResultTable:
    """The toy's four agents, and a scenario in which foresight pays; seeds shift all returns."""
    fill({"uniform": 10.0, "ials": 14.0, "popularity": 12.0, "oracle": 20.0})
    return fill(FORESIGHT, scenario="recsim_env/Far-v0")


def dots(ax: Axes) -> dict[str, tuple[float, float]]:
    """Returns label to (x, y) of every agent's dot."""
    found = {}
    for line in ax.lines:
        if not str(line.get_label()).startswith("_"):
            (x,), (y,) = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
            found[str(line.get_label())] = (float(x), float(y))
    return found


def headings(ax: Axes) -> list[str]:
    texts = [text for text in ax.texts if text.get_position()[1] < -0.5]
    return [text.get_text().replace("\n", " ") for text in texts]


def test_the_best_of_each_family_stands_at_its_score(two: ResultTable) -> None:
    ax = draw_ladder(two)
    columns = ["non-personalized", "collaborative filtering", "contextual bandits", OTHERS]
    assert headings(ax) == columns
    starts = [float(tick) for tick in ax.get_xticks()[::2]]
    found = {
        label: (x - max(start for start in starts if start <= x + 0.26), round(y))
        for label, (x, y) in dots(ax).items()
    }
    expected = {
        "Toy-v0: popularity": (0.2, 0),
        "Toy-v0: ials": (0.4, 0),
        "Far-v0: popularity": (-0.25, 1),
        "Far-v0: linucb": (6 / 8, 1),
        "Far-v0: mine": (1 / 8, 1),
    }
    assert found.keys() == expected.keys()
    for label, place in expected.items():
        assert found[label] == pytest.approx(place, abs=1e-9), label


def test_rows_name_their_scenario_and_their_best_reference(two: ResultTable) -> None:
    texts = [text.get_text() for text in draw_ladder(two).texts]
    for text in ("Toy-v0", "1 = oracle", "Far-v0", "1 = far_sighted"):
        assert texts.count(text) == 1
    assert caption_of(draw_ladder(two)) == (
        "best of each family after 1,000 interactions, mean of 3 seeds, whiskers: 95 % Fieller"
    )


def test_the_best_of_a_row_is_bold_and_underlaid(two: ResultTable) -> None:
    ax = draw_ladder(two)
    bold = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert bold == ["ials", "linucb"]
    underlaid = [each for each in ax.collections if each.get_zorder() == 0.5]
    assert len(underlaid) == 2


def test_the_oracle_is_a_tick_where_another_is_the_best_reference(two: ResultTable) -> None:
    ticks = [line for line in draw_ladder(two).lines if line.get_marker() == "|"]
    assert len(ticks) == 3  # popularity, linucb and mine, of the scenario where foresight pays
    starts = [round(float(np.asarray(tick.get_xdata())[0]) % 1.62, 9) for tick in ticks]
    assert starts == [0.5] * 3


def test_the_table_has_every_agent_and_marks_the_best(two: ResultTable) -> None:
    rows = [line.strip("| ").split(" | ") for line in ladder_table(two).splitlines()]
    assert rows[0] == ["agent", "Toy-v0", "Far-v0"]
    assert rows[2:] == [
        ["popularity", "0.20", "−0.25"],
        ["ials", "**0.40**", "–"],
        ["linucb", "–", "**0.75**"],
        ["lin_thompson", "–", "0.62"],
        ["mine", "–", "0.12"],
        ["oracle", "1.00", "0.50"],
        ["far_sighted", "–", "1.00"],
        ["*best reference*", "oracle", "far_sighted"],
    ]
    assert "means of 3 seeds" in ladder_caption(two)


def test_whoever_the_seeds_do_not_tell_from_the_best_is_italic(two: ResultTable) -> None:
    for seed, value in enumerate((13.0, 15.0, 24.0)):  # 16 on average, but not seed by seed
        row = {"scenario": "recsim_env/Far-v0", "agent": "dqn", "seed": seed, "config_hash": "c0"}
        two.append_run([{**row, "phase": "final", "interactions": 1_000, "return_mean": value}])
    line = next(line for line in ladder_table(two).splitlines() if "dqn" in line)
    assert line == "| dqn | – | *0.67* |"
    bold = [text.get_text() for text in draw_ladder(two).texts if text.get_fontweight() == "bold"]
    assert bold == ["ials", "linucb", "dqn"]


def test_a_scenario_without_a_scale_is_left_out(fill: Callable[..., ResultTable]) -> None:
    table = fill({"uniform": 5.0, "ials": 7.0, "oracle": 4.0})
    with pytest.raises(ValueError, match="no scenario has finished runs of uniform"):
        draw_ladder(table)


def test_the_report_has_figure_and_table_where_there_are_several(two: ResultTable) -> None:
    text = write_report(two.folder).read_text(encoding="utf-8")
    assert text.index("## All scenarios") < text.index("## Toy-v0")
    assert "![How far each family of agents gets](ladder.png)" in text
    assert ladder_table(two) in text
    assert (two.folder / "ladder.png").is_file()


def test_the_report_of_one_scenario_has_neither(table: ResultTable) -> None:
    text = write_report(table.folder).read_text(encoding="utf-8")
    assert "All scenarios" not in text
    assert not (table.folder / "ladder.png").exists()
