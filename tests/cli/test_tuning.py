"""`recsim-env tune`: what it prints, what it refuses, and that a kill loses nothing."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from recsim_env.agents.core.agent_file import read_about
from recsim_env.agents.tuned import digest_of
from recsim_env.cli import main
from recsim_env.envs import resolve_scenario

pytestmark = pytest.mark.slow

BRIEF = "tune WheelBandit linucb --trials 6 --interactions 40 --num-envs 4 --episodes 10"
BRIEF += " --validation-seeds 2 --out study"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_best_stands_beside_the_default_with_a_paired_interval(capsys):
    assert main(BRIEF.split()) == 0
    said = capsys.readouterr().out
    assert "6 trials (" in said
    assert re.search(r"setting +best +default\n +ridge .*\n +alpha .*\n", said)
    assert re.search(r"difference \S+ \[\S+, \S+\] \(95 % Student t, paired, 2 seeds\)", said)
    assert (
        "keep the default settings" in said
        or "to use them: recsim-env train WheelBandit linucb --agent-set ridge=" in said
    )
    assert main(BRIEF.split()) == 0
    again = capsys.readouterr().out
    assert "6 of them ended before this call and are kept\n" in again
    assert again.replace("6 of them ended before this call and are kept\n", "") == said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("tune BernoulliBandit uniform", "has nothing to tune"),
        ("tune BernoulliBandit ials", "needs user and item ids"),
        ("tune BernoulliBandit nobody", "neither a file nor a known name"),
        ("tune Nowhere ppo", "unknown"),
        ("tune BernoulliBandit epsilon_greedy --trials 1", "trials=1 is not allowed; use 2"),
        ("tune BernoulliBandit epsilon_greedy --seeds 0", "--seeds"),
        ("tune", "SCENARIO and AGENT are missing; name both, or --all"),
        ("tune BernoulliBandit", "AGENT is missing"),
        ("tune BernoulliBandit --all", "leave out SCENARIO"),
        ("tune BernoulliBandit ucb --agents ppo", "choose of --all"),
        ("tune --all --agents linucb --scenarios BernoulliBandit", "no agent suits any of these"),
        ("tune BernoulliBandit ucb --agent-set alpha=1 --keep t.json", "leave out --keep"),
        ("train WheelBandit uniform --tuned", "uniform has no tuned settings"),
        (
            "train WheelBandit linucb --set delta=0.9 --tuned",
            "`recsim-env tune WheelBandit linucb`",
        ),
    ],
)
def test_what_cannot_be_tuned_is_one_line_and_status_2(command, said, capsys):
    try:
        status = main(command.split())
    except SystemExit as left:
        status = left.code
    error = capsys.readouterr().err
    assert status == 2
    assert said in error and error.count("\n") == 1


def test_other_settings_are_refused_in_one_line(capsys):
    assert main(BRIEF.split()) == 0
    assert main([*BRIEF.split(), "--checkpoints", "2"]) == 2
    error = capsys.readouterr().err
    assert "holds a study with other settings" in error and error.count("\n") == 1
    assert main([*BRIEF.split(), "--checkpoints", "2", "--overwrite"]) == 0


def test_all_are_tuned_and_kept_in_one_file(tmp_path, capsys):
    few = "--trials 2 --interactions 40 --num-envs 4 --episodes 10 --validation-seeds 2 --seeds 1"
    command = f"tune --all --agents linucb ucb --scenarios WheelBandit {few} --keep kept.json"
    assert main(command.split()) == 0
    said = capsys.readouterr().out
    assert "linucb in recsim_env/WheelBandit-v0" in said and "ucb in recsim_env/Wheel" in said
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert [each["agent"] for each in kept] == ["linucb", "ucb"]
    assert kept[0]["digest"] == digest_of(resolve_scenario("WheelBandit"))
    assert kept[0]["command"] == (
        "recsim-env tune WheelBandit linucb --trials 2 --interactions 40 --checkpoints 4 "
        "--num-envs 4 --episodes 10 --seeds 1 --validation-seeds 2 --seed 0"
    )
    assert main(command.split()) == 0
    assert json.loads((tmp_path / "kept.json").read_text()) == kept
    (tmp_path / "kept.json").write_text('{"of": "others"}')
    assert main(command.split()) == 2
    assert "holds something else than tuned settings" in capsys.readouterr().err


@pytest.fixture
def kept(monkeypatch):
    where = resolve_scenario("WheelBandit")
    entry = {
        "agent": "linucb",
        "scenario": "recsim_env/WheelBandit-v0",
        "kind": "WheelBandit",
        "digest": digest_of(where),
        "settings": {"alpha": 0.25},
        "is_better": True,
        "budget": {"trials": 8},
    }
    for place in ("agents.tuned.entries", "benchmark.experiment.plan.tuned_entries"):
        monkeypatch.setattr(f"recsim_env.{place}", lambda: (entry,))


def test_agents_are_trained_and_evaluated_with_tuned_settings(kept, tmp_path, capsys):
    train = "train WheelBandit linucb --tuned --interactions 40 --out"
    assert main([*train.split(), "x.agent"]) == 0
    assert "linucb, tuned: alpha=0.25\n" in capsys.readouterr().out
    assert read_about("x.agent")["settings"]["alpha"] == 0.25
    assert main([*train.split(), "y.agent", "--agent-set", "alpha=0.5"]) == 0
    assert read_about("y.agent")["settings"]["alpha"] == 0.5
    capsys.readouterr()
    evaluate = "evaluate WheelBandit uniform linucb x.agent --learn 40 --tuned --episodes 10"
    assert main(evaluate.split()) == 0
    assert capsys.readouterr().out.count("linucb, tuned: alpha=0.25\n") == 1


def test_a_benchmark_shows_the_default_beside_the_tuned(kept, capsys):
    brief = "--interactions 40 --checkpoints 1 --bins 1 --seeds 2 --episodes 10 --jobs 1 --out b"
    assert main(f"benchmark WheelBandit --agents linucb ucb --tuned {brief}".split()) == 0
    said = capsys.readouterr().out
    assert re.search(r"\n  linucb \(tuned\) +2 ", said) and re.search(r"\n  linucb +2 ", said)
    assert "others (tuned)" in said or "ucb: `recsim-env tune` finds settings" in said
    assert main(["benchmark", "WheelBandit", "--tuned", "--sweep", "agent.linucb.alpha=1,2"]) == 2
    assert "do not go together" in capsys.readouterr().err


def test_who_is_killed_goes_on_with_the_same_trials(tmp_path, capsys):
    command = BRIEF.replace("--interactions 40", "--interactions 4_000")
    running = subprocess.Popen(
        [sys.executable, "-m", "recsim_env", *command.split()],
        stdout=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and n_ended(tmp_path / "study" / "study.db") < 2:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert main(command.split()) == 0
    went_on = capsys.readouterr().out
    assert re.search(r"\d of them ended before this call", went_on)
    assert main(command.replace("--out study", "--out whole").split()) == 0
    whole = capsys.readouterr().out
    is_own = re.compile("of them ended|^study: ")
    assert [line for line in went_on.splitlines() if not is_own.search(line)] == [
        line for line in whole.splitlines() if not is_own.search(line)
    ]


def n_ended(file):
    if not file.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as study:
            query = "SELECT COUNT(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED')"
            return study.execute(query).fetchone()[0]
    except sqlite3.Error:
        return 0
