"""Ctrl-C at any moment is one line and 130, in a group of processes as a terminal makes it."""

import collections
import os
import random
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.processes

BRIEF = "--interactions 2_000 --bins 2 --checkpoints 2 --episodes 100 --seeds 2"
SHORT = "--interactions 2_000 --seeds 2"
COMMANDS = {
    "scenarios": 3.0,
    "agents": 4.0,
    "run Boredom ucb --learn 200_000": 6.0,
    "train Boredom linucb --interactions 1M --checkpoint-every 500 --overwrite": 8.0,
    "log RatedCatalogue popularity --learn 20k --interactions 100k --overwrite": 8.0,
    "evaluate Boredom ucb linucb --learn 20k --episodes 5_000": 8.0,
    f"benchmark Boredom --agents ucb linucb --jobs 2 {BRIEF} --overwrite": 14.0,
    f"benchmark Boredom --agents ucb linucb --jobs 1 {BRIEF} --overwrite": 14.0,
    f"variance Boredom ucb linucb --people 100 --jobs 2 {SHORT} --overwrite": 12.0,
    f"feedback RatedCatalogue popularity --jobs 2 --rounds 2 {SHORT} --overwrite": 12.0,
    "tune Boredom linucb --trials 4 --interactions 2_000 --jobs 2": 14.0,
    "simulate Boredom uniform --people 300k --workers 2 --out all": 10.0,
    "rank ratings.csv --negatives all --agents ials popularity --jobs 2 --seeds 4": 10.0,
    "speed Boredom --batch 64 --threads 1 --seconds 0.3": 12.0,
}


def listen_to_signals():
    """Lets a process be interrupted, though the tests may run in the background, which cannot."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(command, seconds, folder):
    """Returns exit status, what was said, and the group, of a command that Ctrl-C came to."""
    running = subprocess.Popen(
        [sys.executable, "-m", "recsim_env", *command.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        start_new_session=True,
        preexec_fn=listen_to_signals,
    )
    time.sleep(seconds)
    try:
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        return "hangs", running.communicate()[1].decode(), running.pid
    return running.returncode, said.decode(), running.pid


def fault_of(status, said, group):
    """Returns what is wrong with how an interrupted command ended, or nothing."""
    lines = [line for line in said.splitlines() if line.strip()]
    if status == "hangs":
        return "hangs"
    if f"recsim_env{os.sep}__init__.py" not in said and status in (1, -signal.SIGINT):
        return ""  # Python had not come to a line of ours, or had left the last
    if status == 0:  # it was done
        return f"{len(lines)} lines with status 0" if lines else ""
    if status != 130:
        return f"status {status}"
    if len(lines) != 1 or "recsim-env: interrupted" not in lines[0]:
        return f"{len(lines)} lines"
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return ""
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)
    return "processes are left"


@pytest.fixture
def folder(tmp_path):
    rows = (f"{user},{item},{item}" for user in range(60) for item in range(user % 7, 90, 2))
    (tmp_path / "ratings.csv").write_text("user,item,time\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_an_interrupted_run_is_one_line(folder):
    status, said, group = interrupted("train Boredom ucb --interactions 10M", 1.0, folder)
    assert not fault_of(status, said, group), said
    assert status == 130


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_at_any_moment_is_one_line(command, folder):
    tries = int(os.environ.get("RECSIM_ENV_TRIES", "20"))
    rng = random.Random(command)
    counts, faults = collections.Counter(), []
    for _ in range(tries):
        seconds = rng.uniform(0.0, COMMANDS[command])
        status, said, group = interrupted(command, seconds, folder)
        fault = fault_of(status, said, group)
        counts[(fault and "fault") or f"status {status}"] += 1
        if fault:
            faults.append(f"after {seconds:.2f} s {fault}: {said[-1_500:]}")
    print(f"\nCtrl-C: {tries} tries of `{command}`: {dict(counts)}")
    assert not faults, "\n".join(faults)
