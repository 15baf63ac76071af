"""`recsim-env compare`: what it prints of folders and of agents, and what it refuses."""

import shutil

import pytest

from recsim_env.cli import main
from recsim_env.results.metrics import metric_table
from recsim_env.results.table import ResultTable
from tests.checkout import REPOSITORY

KEPT = REPOSITORY / "docs" / "results" / "bernoulli"


@pytest.fixture
def worse(tmp_path):
    """A folder as the kept one, but that an agent earns less."""
    for name in ("rows.csv", "settings.json", "versions.json"):
        (tmp_path / "worse").mkdir(exist_ok=True)
        shutil.copy(KEPT / name, tmp_path / "worse")
    table = ResultTable(tmp_path / "worse")
    for row in table.rows(phase="final", agent="thompson"):
        table.append_run([row | {"return_mean": row["return_mean"] - 1 - 0.01 * row["seed"]}])
    return table.folder


def test_folders_are_compared_and_a_loss_fails_where_that_is_asked_for(capsys, worse):
    assert main(["compare", str(KEPT), str(worse)]) == 0
    printed = capsys.readouterr().out
    assert "the same people, paired by seed" in printed
    lines = {line.split()[0]: line for line in printed.splitlines() if line.startswith("  ")}
    assert lines["thompson"].rstrip().endswith("worse") and lines["ucb"].endswith("the same")
    assert main(["compare", str(KEPT), str(worse), "--fail-if-worse"]) == 1
    assert main(["compare", str(worse), str(KEPT), "--fail-if-worse"]) == 0
    assert "better" in capsys.readouterr().out


def refused(capsys, *arguments):
    assert main(["compare", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_wrong_calls_are_one_line(capsys, worse, tmp_path):
    kept, other = str(KEPT), str(worse)
    assert "alone is no comparison" in refused(capsys, kept)
    assert "is named twice" in refused(capsys, kept, kept)
    assert "compare folders, or agents" in refused(capsys, kept, "linucb")
    assert "--scenario and --set are of agents" in refused(capsys, kept, other, "--set", "a=1")
    for option in (["--seed", "3"], ["--episodes", "200"], ["--another-world"]):
        assert "folders hold finished runs" in refused(capsys, kept, other, *option)
    assert "has no finished run" in refused(capsys, kept, str(tmp_path))
    assert "no metric 'noveltie'" in refused(capsys, kept, other, "--metric", "noveltie")
    assert "benchmark --measure" in refused(capsys, kept, other, "--metric", "novelty")
    strict = ("--metric", "novelty", "--fail-if-worse")
    assert "neither more nor less" in refused(capsys, kept, other, *strict)
    assert "or name a --scenario" in refused(capsys, "uniform", "oracle")
    asked = ("uniform", "oracle", "--scenario", "BernoulliBandit", "--fail-if-worse")
    assert "--fail-if-worse is of folders" in refused(capsys, *asked)
    asked = ("uniform", "oracle", "--scenario", "BernoulliBandit", "--metric", "novelty")
    assert "--metric is of folders" in refused(capsys, *asked)


def test_files_of_agents_are_compared_on_the_same_people(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train = ["train", "BernoulliBandit", "thompson", "--num-envs=4", "--set", "n_items=5"]
    for name, n in (("short.agent", 20), ("long.agent", 400)):
        assert main([*train, "--interactions", str(n), "--out", name]) == 0
    capsys.readouterr()
    together = ["compare", "short.agent", "long.agent", "uniform", "--episodes", "20"]
    assert main(together) == 0
    printed = capsys.readouterr().out
    assert sum(line.startswith("uniform ") for line in printed.splitlines()) == 1
    found = [line.split() for line in printed.splitlines() if line.startswith("interactions")]
    assert int(found[0][1]) < int(found[0][2])
    assert "more than short.agent" in printed and "over 20 episodes" in printed
    assert main(["compare", "short.agent", "nobody", "--episodes", "20"]) == 2
    found = capsys.readouterr()
    assert "agent 'nobody' is neither" in found.err and "return" not in found.out


@pytest.mark.parametrize(
    ("metric", "shift", "verdict"), [("novelty", 1.0, "more"), ("regret", -1.0, "better")]
)
def test_metrics_are_compared_by_which_way_is_better(capsys, tmp_path, metric, shift, verdict):
    kept = REPOSITORY / "docs" / "results" / "default"
    for name in ("rows.csv", "metrics.csv", "settings.json", "versions.json"):
        shutil.copy(kept / name, tmp_path)
    table = metric_table(tmp_path)
    for row in table.rows(phase="final", agent="content"):
        table.append_run([row | {metric: row[metric] + shift + 0.01 * row["seed"]}])
    assert main(["compare", str(kept), str(tmp_path), "--metric", metric]) == 0
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line for line in printed.splitlines() if line.startswith("  ")}
    assert lines["content"].split()[-1] == verdict and lines["linucb"].endswith("the same")
