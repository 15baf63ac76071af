"""The report is written from the table alone and says all that a reader must know."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest
from matplotlib import image

from recsim_env.plots import write_report
from recsim_env.results.table import ResultTable

SCENARIO = "recsim_env/Toy-v0"


def test_report_is_redrawn_from_the_table_alone(table: ResultTable, tmp_path: Path) -> None:
    first = write_report(table.folder).read_text(encoding="utf-8")
    elsewhere = tmp_path / "elsewhere" / "bench"
    elsewhere.mkdir(parents=True)
    shutil.copy(table.folder / "rows.csv", elsewhere)
    assert write_report(elsewhere).read_text(encoding="utf-8") == first
    for figure in re.findall(r"!\[[^]]*\]\(([^)]*)\)", first):
        drawn, again = image.imread(table.folder / figure), image.imread(elsewhere / figure)
        assert drawn.std() > 0.02
        assert (drawn == again).all()
    assert len(list(elsewhere.glob("*.png"))) == 5


def test_only_the_figures_asked_for_are_drawn_and_shown(table: ResultTable) -> None:
    everything = write_report(table.folder).read_text(encoding="utf-8")
    for file in table.folder.glob("*.png"):
        file.unlink()
    text = write_report(table.folder, ["regret"]).read_text(encoding="utf-8")
    assert [file.name for file in table.folder.glob("*.png")] == ["regret-Toy-v0.png"]
    assert re.findall(r"!\[[^]]*\]\(([^)]*)\)", text) == ["regret-Toy-v0.png"]
    assert set(text.splitlines()) - set(everything.splitlines()) == {
        line for line in text.splitlines() if line.startswith("This page with all its figures")
    }
    with pytest.raises(ValueError, match="no figure 'regrets'; use any of ladder, .* 'regret'"):
        write_report(table.folder, ["regrets"])


def test_leaderboard_has_a_line_for_every_agent_in_order(table: ResultTable) -> None:
    text = write_report(table.folder).read_text(encoding="utf-8")
    cells = [line.split(" | ") for line in text.splitlines() if re.match(r"\| \d", line)]
    assert [row[1] for row in cells] == ["oracle", "ials", "popularity", "uniform"]
    ials = cells[1]
    assert ials[2] == "16.0 [9.4, 22.6]"
    assert ials[3] == "0.4000"
    assert ials[4:] == ["0.2500", "2.000", "2.0 |"]


def test_captions_state_seeds_interactions_and_intervals(table: ResultTable) -> None:
    text = write_report(table.folder).read_text(encoding="utf-8")
    captions = [line for line in text.splitlines() if line.startswith("*")]
    assert len(captions) == 7
    for caption in captions:
        assert "1,000 interactions" in caption or caption.startswith("*Area:")
        assert "3 seeds" in caption
        is_of_pairs = "each agent that learns is than each other" in caption
        assert is_of_pairs or "95 % Student t" in caption or "95 % Fieller" in caption


def test_failures_versions_and_commands_are_told(table: ResultTable) -> None:
    row = {"scenario": SCENARIO, "agent": "dqn", "seed": 1, "config_hash": "c0"}
    table.append_run([{**row, "phase": "failed", "error": "Traceback:\nValueError: no | ids"}])
    commands = {"command": "recsim-env benchmark --seeds 3", "earlier_commands": ["first", "next"]}
    table.write_settings(commands, {"numpy": "2.4.6"})
    text = write_report(table.folder).read_text(encoding="utf-8")
    assert "12 finished and 1 failed runs of 4 agents" in text
    assert "Toy-v0, dqn, seed 1:\n\n    Traceback:\n    ValueError: no | ids\n" in text
    assert "| numpy | 2.4.6 |" in text
    assert "    recsim-env plot .\n" in text
    assert "    first\n    next\n    recsim-env benchmark --seeds 3\n" in text


def test_a_scenario_that_only_failed_is_told_without_figures(tmp_path: Path) -> None:
    row = {"scenario": SCENARIO, "agent": "dqn", "seed": 1, "config_hash": "c0"}
    ResultTable(tmp_path).append_run([{**row, "phase": "failed", "error": "E"}])
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "## Toy-v0\n\nNo run finished." in text
    assert list(tmp_path.glob("*.png")) == []


def test_missing_scores_and_figures_are_explained(fill: Callable[..., ResultTable]) -> None:
    table = fill({"uniform": 5.0, "oracle": 4.0})
    finals = table.rows(phase="final", agent="oracle")
    for row in [*finals, *table.rows(phase="final", agent="uniform")]:
        table.append_run([row])
    text = write_report(table.folder).read_text(encoding="utf-8")
    assert "oracle must beat uniform" in text
    assert "No figure *regret*: no online row" in text
    assert "No figure *online*: no online rows" in text
    assert sorted(path.name for path in table.folder.glob("*.png")) == [
        "leaderboard-Toy-v0.png",
        "learning-Toy-v0.png",
    ]


def test_a_scenario_without_an_oracle_is_ranked_by_return(fill: Callable[..., ResultTable]) -> None:
    table = fill({"uniform": 5.0, "linucb": 6.0})
    why = {"scenario": SCENARIO, "agent": "oracle", "reason": "Toy cannot say what to expect"}
    table.write_settings({"left_out": [why]}, {})
    text = write_report(table.folder).read_text(encoding="utf-8")
    assert "there is no oracle (see *Left out*), and returns rank" in text
    assert "Toy-v0, oracle: Toy cannot say what to expect." in text
    assert "regret" not in text.partition("## Left out")[0]
    assert "oracle (1)" not in text
    assert not list(table.folder.glob("regret*"))


def test_writing_changes_no_global_style_and_leaves_the_table_alone(table: ResultTable) -> None:
    before, rows = dict(matplotlib.rcParams), (table.folder / "rows.csv").read_bytes()
    write_report(table.folder)
    assert dict(matplotlib.rcParams) == before
    assert (table.folder / "rows.csv").read_bytes() == rows


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no complete run; start a benchmark there"):
        write_report(tmp_path)
