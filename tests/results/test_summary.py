"""A summary has a line for each scenario and agent, and what is unknown is blank."""

import math
from pathlib import Path

import pytest

from recsim_env.results.latex import escaped, latex_tables
from recsim_env.results.metrics import metric_table
from recsim_env.results.summary import summary
from recsim_env.results.table import ResultTable

RETURNS = {"uniform": [1.0, 2.0, 4.0], "bold_50%": [3.0, 5.0, 6.0], "oracle": [9.0, 10.0, 12.0]}


@pytest.fixture
def table(tmp_path: Path) -> ResultTable:
    table = ResultTable(tmp_path)
    for scenario in ("recsim_env/Toy-v0", "a_month & more"):
        for agent, returns in RETURNS.items():
            for seed, value in enumerate(returns):
                name = {"scenario": scenario, "agent": agent, "seed": seed, "config_hash": "c"}
                final = {"phase": "final", "interactions": 100, "return_mean": value}
                table.append_run([{**name, **final, "click_rate": 0.5}])
    return table


def test_every_scenario_and_agent_has_a_line_the_best_first(table):
    found = summary(table)
    assert found["agent"].tolist() == ["oracle", "bold_50%", "uniform"] * 2
    assert found["rank"].tolist() == [1, 2, 3] * 2
    assert found["seeds"].tolist() == [3] * 6
    assert found["return"][1] == pytest.approx(14 / 3)
    assert found["return_low"][1] < found["return"][1] < found["return_high"][1]
    assert found["score"][0] == pytest.approx(1.0)
    assert found["score"][2] == pytest.approx(0.0)
    assert math.isnan(found["wall_seconds"][0])


def test_metrics_are_those_that_were_measured(table):
    name = {"scenario": "recsim_env/Toy-v0", "agent": "uniform", "config_hash": "c"}
    measured = metric_table(table.folder)
    for seed in range(3):
        row = {"phase": "final", "interactions": 100, "slates": 10, "liking": 0.25 * seed}
        measured.append_run([{**name, "seed": seed, **row}])
    found = summary(table)
    assert found["liking"][2] == pytest.approx(0.25)
    assert math.isnan(found["liking"][0])
    assert "diversity" not in found or math.isnan(found["diversity"][2])


def test_a_table_without_a_finished_run_has_no_summary(tmp_path):
    with pytest.raises(ValueError, match="no finished run"):
        summary(ResultTable(tmp_path))
    with pytest.raises(ValueError, match="no finished run"):
        latex_tables(ResultTable(tmp_path))


def test_latex_is_well_formed(table):
    text = latex_tables(table)
    for begin, end in ((r"\begin{table}", r"\end{table}"), (r"\toprule", r"\bottomrule")):
        assert text.count(begin) == text.count(end) == 2
    assert r"bold\_50\%" in text
    assert r"a\_month \& more" in text
    labels = [line for line in text.splitlines() if r"\label" in line]
    assert len(set(labels)) == 2
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(body) == 2 * 4
    assert {line.replace(r"\&", "").count("&") for line in body} == {3}
    for line in text.splitlines():
        plain = line.replace(r"\{", "").replace(r"\}", "")
        assert plain.count("{") == plain.count("}"), line
    assert text.isascii()


def test_characters_that_mean_something_to_latex_are_escaped():
    assert escaped("#1 $x^2$ ~ \\ −3 –") == (
        r"\#1 \$x\textasciicircum{}2\$ \textasciitilde{} \textbackslash{} $-$3 --"
    )
