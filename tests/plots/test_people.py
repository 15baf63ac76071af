"""A report tells what agents do to people where that was measured, and says nothing elsewhere."""

import pytest

from recsim_env.plots import write_report
from recsim_env.plots.people import draw_people
from recsim_env.plots.report.people import _lacks
from recsim_env.results.metric import NEEDS, ONE_PERSON
from recsim_env.results.metrics import metric_table
from recsim_env.results.table import ResultTable

SCENARIO = "recsim_env/InterestEvolution-v0"


def filled(folder, *, measured):
    table, metrics = ResultTable(folder), metric_table(folder)
    for agent, base in (("uniform", 0.2), ("linucb", 0.7)):
        for seed in range(3):
            about = {"scenario": SCENARIO, "agent": agent, "seed": seed, "config_hash": "x"}
            if measured:
                found = {"liking": base + 0.01 * seed, "regret": 5 * (1 - base) + seed}
                rows = [{"phase": "final", "interactions": 100, "slates": 9} | found]
                if agent == "linucb":
                    learning = {"liking": 0.4 + 0.01 * seed, "regret": 3.0 + seed}
                    rows.insert(0, {"phase": "evaluation", "interactions": 50} | learning)
                    rows.insert(1, {"phase": "evaluation", "interactions": 100} | found)
                metrics.append_run([about | row for row in rows])
            final = {"phase": "final", "interactions": 100, "return_mean": base + 0.1 * seed}
            table.append_run([about | final])
    return table, metrics


def test_a_report_tells_what_was_measured_and_what_is_not_defined(tmp_path):
    filled(tmp_path, measured=True)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    section = text.split("## What it does to people")[1].split("\n## ")[0]
    line = next(line for line in section.splitlines() if line.startswith("| linucb"))
    assert line.split(" | ")[1].startswith("0.710 [") and line.split(" | ")[1].endswith("\\*")
    assert "| agent | liking ↑ | regret ↓ |" in section
    assert "novelty (needs a catalogue" in section
    assert (tmp_path / "people-InterestEvolution-v0.png").exists()


def test_what_is_not_defined_is_told_by_what_is_lacking_alone(tmp_path):
    _, metrics = filled(tmp_path, measured=True)
    about = {"scenario": SCENARIO, "agent": "content", "seed": 0, "config_hash": "x"}
    metrics.append_run([about | {"phase": "final", "interactions": 100, "consumed_diversity": 0.3}])
    text = write_report(tmp_path).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("Not defined here"))
    assert "consumed entropy, miscalibration (needs `category`, a field of items)" in line
    assert "taste narrowing, taste drift (needs fields of `user`" in line


def test_a_platform_is_said_to_be_one_only_where_nothing_else_is_lacking():
    met = {"consumption", "likeness"}
    assert _lacks(["consumed_diversity"], met) == f"consumed diversity (needs {NEEDS[ONE_PERSON]})"
    assert "one person" not in _lacks(["consumed_entropy"], met)


def test_a_report_of_what_was_not_measured_says_how_to_measure_it(tmp_path):
    filled(tmp_path, measured=False)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "Not measured here. Repeat the benchmark with `--measure`" in text
    assert not list(tmp_path.glob("people-*"))


def test_metrics_are_drawn_along_learning(tmp_path):
    _, metrics = filled(tmp_path, measured=True)
    ax = draw_people(metrics, SCENARIO)
    panels = ax.figure.axes
    assert [panel.get_title(loc="left") for panel in panels] == ["liking", "regret"]
    line = next(each for each in panels[0].lines if each.get_label() == "linucb")
    assert list(line.get_xdata()) == [50, 100]
    assert line.get_ydata() == pytest.approx([0.41, 0.71])


def test_nothing_along_learning_is_no_figure(tmp_path):
    with pytest.raises(ValueError, match="nothing was measured along learning"):
        draw_people(metric_table(tmp_path), SCENARIO)
