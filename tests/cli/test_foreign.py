"""Functions, tables and models made elsewhere, wherever a command names an agent."""

import csv
import json
import sys

import numpy as np
import pytest

from recsim_env.agents import ScoreTable
from recsim_env.cli import main
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.results.standings import standings
from recsim_env.results.table import ResultTable
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

SETTINGS = {"n_users": 40, "n_items": 30, "n_candidates": 6, "slate_size": 2}
SET = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
RULES = """
import numpy as np

def by_number(observation):
    '''Shows the items of the lowest numbers.'''
    return np.argsort(observation["item_id"], axis=1)[:, :2]

def for_one(observation):
    return np.argsort(observation["item_id"])[:2]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a rule, a table of scores that says the same, and nothing else."""
    (tmp_path / "cli_rules.py").write_text(RULES, encoding="utf-8")
    env = RecommendationVectorEnv(RatedCatalogue(**SETTINGS), num_envs=1)
    ScoreTable(env, np.tile(-np.arange(30.0), (40, 1))).save(tmp_path / "table.agent")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("cli_rules", None)


def test_evaluate_takes_functions_and_tables_alike(folder, capsys):
    agents = ["cli_rules.py:by_number", "table.agent"]
    assert main(["evaluate", "RatedCatalogue", *agents, *SET, "--episodes", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = [line.split("return ")[1].split("  steps")[0] for line in lines[:2]]
    assert found[0] == found[1]
    assert "more than cli_rules.py:by_number: 0 [0, 0]" in lines[1]
    assert not any("untrained" in line for line in lines)


def test_learning_first_leaves_out_what_does_not_learn(folder, capsys):
    agents = ["popularity", "cli_rules.py:by_number"]
    command = ["evaluate", "RatedCatalogue", *agents, *SET, "--episodes", "5", "--learn", "50"]
    assert main(command) == 0
    assert "untrained" not in capsys.readouterr().out
    assert main(["run", "RatedCatalogue", agents[1], *SET, "--learn", "50"]) == 2
    assert "does not learn; train it there" in capsys.readouterr().err


def test_a_function_of_one_person_is_told_by_a_setting(folder, capsys):
    command = ["run", "RatedCatalogue", "cli_rules.py:for_one", *SET, "--steps", "2"]
    assert main(command) == 2
    assert "--agent-set batched=False" in capsys.readouterr().err
    assert main([*command, "--agent-set", "batched=false"]) == 0
    assert "2 steps, reward" in capsys.readouterr().out


@pytest.mark.parametrize("agent", ["cli_rules.py:by_number", "table.agent"])
def test_a_log_has_the_propensities_of_what_does_not_draw(folder, agent):
    command = ["log", "RatedCatalogue", agent, *SET, "--interactions", "50", "--out", "log.csv"]
    assert main(command) == 0
    text = (folder / "log.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 100 and {float(row["propensity"]) for row in rows} == {1.0}
    about = json.loads((folder / "log.csv.json").read_text(encoding="utf-8"))
    assert (about["propensity"], about["learned_from"]) == ("exact", 0)


def benchmark(*agents, more=()):
    command = ["benchmark", "RatedCatalogue", "--agents", *agents, *SET, "--seeds", "2"]
    command += ["--interactions", "100", "--checkpoints", "2", "--bins", "2", "--episodes", "10"]
    return main([*command, "--jobs", "1", "--out", "found", *more])


def test_a_benchmark_evaluates_them_once_and_says_that_they_learned_from_nothing(folder, capsys):
    assert benchmark("cli_rules.py:by_number", "table.agent", "popularity") == 0
    out = capsys.readouterr().out
    assert "made elsewhere, and learned nothing here: cli_rules.py:by_number, table.agent" in out
    table = ResultTable(folder / "found")
    rows = {(row["agent"], row["phase"]): row for row in table.rows()}
    mine, same = rows["cli_rules.py:by_number", "final"], rows["table.agent", "final"]
    assert mine["return_mean"] == same["return_mean"]
    assert (mine["interactions"], same["interactions"]) == (0, 0)
    assert ("table.agent", "evaluation") not in rows and ("table.agent", "online") not in rows
    assert rows["popularity", "final"]["interactions"] >= 100
    (scenario,) = table.scenarios()
    learned = {each.agent: each.n_interactions for each in standings(table, scenario)}
    assert learned["table.agent"] == 0
    report = (folder / "found" / "report.md").read_text(encoding="utf-8")
    assert "learned nothing here: cli_rules.py:by_number, table.agent. Returns" in report


@pytest.mark.usefixtures("undrawn")
def test_a_function_that_was_changed_is_another_run(folder, capsys):
    assert benchmark("cli_rules.py:by_number") == 0
    assert benchmark("cli_rules.py:by_number") == 0
    assert "runs were finished before and are kept" in capsys.readouterr().out
    (folder / "cli_rules.py").write_text(RULES + "\n# another\n", encoding="utf-8")
    assert benchmark("cli_rules.py:by_number") == 2
    assert "other settings" in capsys.readouterr().err
    assert benchmark("cli_rules.py:by_number", more=["--overwrite"]) == 0
    assert "4 of 6 runs were finished before and are kept" in capsys.readouterr().out


@pytest.mark.usefixtures("undrawn")
def test_a_saved_agent_is_evaluated_as_it_is(folder, capsys):
    """It does not go on learning in a benchmark, where a new one of its kind would."""
    command = ["train", "RatedCatalogue", "popularity", *SET, "--interactions", "300"]
    assert main([*command, "--out", "popularity.agent"]) == 0
    assert benchmark("popularity.agent", "popularity") == 0
    assert "learned nothing here: popularity.agent" in capsys.readouterr().out
    assert benchmark("popularity.agent", more=["--set", "n_items=29", "--out", "other"]) == 1
    (row, *_) = ResultTable(folder / "other").rows(phase="failed")
    assert "another world (n_items=30 there, 29 here" in row["error"]


def test_a_real_log_does_not_judge_what_may_have_seen_it(folder, capsys):
    pairs = [(user, item) for user in range(30) for item in range(40) if (user + item) % 3]
    rows = [f"{user},{item},{1 + user * item % 5}" for user, item in pairs]
    (folder / "log.csv").write_text("user,item,rating\n" + "\n".join(rows), encoding="utf-8")
    command = ["rank", "log.csv", "--negatives", "all", "--agents", "cli_rules.py:by_number"]
    assert main(command) == 2
    assert "may have seen what is held out; give its fit, as a" in capsys.readouterr().err
