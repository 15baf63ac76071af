"""`--sweep`: how values are read, and the table that is printed."""

import pytest

from recsim_env.cli import main
from recsim_env.results.sweeps import sweeps
from recsim_env.results.table import ResultTable

BRIEF = ["--agents", "popularity", "--interactions=100", "--checkpoints=1", "--bins=1"]
BRIEF += ["--num-envs=4", "--episodes=4", "--jobs=1", "--seeds=2"]
PLACE = ["benchmark", "BernoulliBandit", *BRIEF]


def refused(capsys, *arguments):
    assert main([*PLACE, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("n_items=5", "needs two or more values"),
        ("n_items=5,", "has an empty value; put one comma"),
        ("n_items=5,5", "has 5 twice"),
        ("n_items=5,000,9", "000 is no value, as commas stand between values"),
        ("n_items=5,many", "n_items=many: 'many' is not a number"),
        ("n_itmes=5,6", "did you mean 'n_items'"),
        ("agent.popularty.x=5,6", "did you mean 'popularity'"),
    ],
)
def test_a_wrong_sweep_is_one_line(capsys, given, message):
    assert message in refused(capsys, "--sweep", given)


def test_a_sweep_twice_or_beside_a_value_is_refused(capsys):
    twice = refused(capsys, "--sweep", "n_items=5,6", "--sweep", "n_items=7,8")
    assert "n_items is swept before; name all its values in one" in twice
    both = refused(capsys, "--set", "n_items=4", "--sweep", "n_items=5,6")
    assert "also has n_items=4; set it in one place" in both


@pytest.mark.usefixtures("undrawn")
def test_a_sweep_says_its_size_goes_on_and_prints_one_table(capsys, tmp_path):
    out = ["--out", str(tmp_path / "sweep")]
    assert main([*PLACE, *out, "--sweep", "n_items=5,1_0"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("12 runs: 2 scenarios by 3 agents, each with its settings, and 2")
    head = next(line for line in printed.splitlines() if line.startswith("  agent"))
    assert head.split()[:4] == ["agent", "n_items", "seeds", "return"]
    assert [line.split()[:2] for line in printed.splitlines() if "uniform  " in line] == [
        ["uniform", "5"],
        ["uniform", "10"],
    ]
    assert main([*PLACE, *out, "--sweep", "n_items=5,10,20"]) == 0
    assert "12 of 18 runs were finished before" in capsys.readouterr().out
    (found,) = sweeps(ResultTable(tmp_path / "sweep"))
    assert found.values == {"n_items": (5, 10, 20)}


def test_a_printed_file_asks_for_the_same_and_nothing_is_played(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = [*PLACE, "--set", "n_items=5", "--sweep", "slate_size=1,2"]
    assert main([*asked, "--print-config"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "# 12 runs: 2 scenarios by 3 agents, each with its settings, and 2 seeds"
    )
    assert not list(tmp_path.iterdir())
    file = tmp_path / "benchmark.toml"
    file.write_text(text)
    assert main(["benchmark", "--config", str(file), "--print-config"]) == 0
    assert capsys.readouterr().out == text
    assert main([*asked, "--print-config", "--overwrite", "--backend", "loky"]) == 0
    head = capsys.readouterr().out.splitlines()[1]
    assert head.endswith("-by-slate_size --backend loky --overwrite")
    assert "no setting n_itmes" in refused(capsys, "--set", "n_itmes=5", "--print-config")
