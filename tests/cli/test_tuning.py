"""`recsim-env tune`: what it prints, what it refuses, and that a kill loses nothing."""

import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from recsim_env.cli import main

BRIEF = (
    "tune BernoulliBandit epsilon_greedy --trials 7 --interactions 80 --num-envs 4 --episodes 10"
)
BRIEF += " --validation-seeds 2 --out study"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_best_stands_beside_the_default_with_a_paired_interval(capsys):
    assert main(BRIEF.split()) == 0
    said = capsys.readouterr().out
    assert "7 trials (" in said
    assert re.search(r"setting +tuned +default\n +discount .*\n +prior_showings .*\n", said)
    assert re.search(r"difference \S+ \[\S+, \S+\] \(95 % Student t, paired, 2 seeds\)", said)
    assert "keep the default ones" in said or "to use them: recsim-env train Bernoulli" in said
    assert main(BRIEF.split()) == 0
    again = capsys.readouterr().out
    assert "7 of them ended before this call and are kept\n" in again
    assert again.replace("7 of them ended before this call and are kept\n", "") == said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("tune BernoulliBandit uniform", "has nothing to tune"),
        ("tune BernoulliBandit ials", "needs user and item ids"),
        ("tune BernoulliBandit nobody", "neither a file nor a known name"),
        ("tune Nowhere ppo", "unknown"),
        ("tune BernoulliBandit epsilon_greedy --trials 1", "trials=1 is not allowed; use 2"),
        ("tune BernoulliBandit epsilon_greedy --seeds 0", "--seeds"),
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


@pytest.mark.processes
def test_who_is_killed_goes_on_with_the_same_trials(tmp_path, capsys):
    command = BRIEF.replace("--interactions 80", "--interactions 4_000")
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
