"""`--set reward=`: a word, or a function in a file, for every command."""

import contextlib

import pytest

from recsim_env.cli import main

pytestmark = pytest.mark.processes

OF_FILE = ["--set", "reward=paying.py:halved"]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """Where all of it happens: a process knows one module of a name."""
    folder = tmp_path_factory.mktemp("paying")
    (folder / "paying.py").write_text(
        "def halved(config, user, items, slate, response, own_reward):\n    return own_reward / 2\n"
    )
    with contextlib.chdir(folder):
        yield folder


def last_reward(capsys):
    """Returns what `run` says was earned in all."""
    return float(capsys.readouterr().out.split(", reward ")[1].split(",")[0])


def test_a_function_in_a_file_pays(capsys):
    run = ["run", "LongTermSatisfaction", "--steps", "5"]
    assert main(run) == 0
    own = last_reward(capsys)
    assert main([*run, *OF_FILE]) == 0
    assert last_reward(capsys) == pytest.approx(own / 2, rel=1e-4)
    assert main([*run, "--set", "reward=clicks"]) == 0
    assert last_reward(capsys) == 5.0


def test_a_trained_agent_knows_its_reward(capsys):
    train = ["train", "LongTermSatisfaction", "linucb", "--interactions", "200"]
    evaluate = ["evaluate", "LongTermSatisfaction", "linucb.agent", "--episodes", "10"]
    assert main([*train, *OF_FILE]) == 0
    assert main(evaluate) == 0
    assert main([*evaluate, *OF_FILE]) == 0
    capsys.readouterr()
    assert main([*evaluate, "--set", "reward=clicks"]) == 2
    assert "reward='paying:halved' there, 'clicks' here" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_a_benchmark_ranks_by_return_where_there_is_no_oracle(capsys):
    benchmark = "benchmark LongTermSatisfaction --agents linucb --seeds 2 --interactions 200"
    words = [*benchmark.split(), "--episodes", "20", "--jobs", "1", "--out", "out"]
    assert main([*words, *OF_FILE]) == 0
    out = capsys.readouterr().out
    assert "score" not in out
    assert "reward=paying:halved instead of its own, so there is no oracle" in out


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("klicks", "did you mean 'clicks'?"),
        ("paying.py:havled", "did you mean 'halved'?"),
        ("nowhere.py:halved", "there is no file nowhere.py"),
    ],
)
def test_what_is_no_reward_is_answered_in_one_line(reward, message, capsys):
    assert main(["run", "LongTermSatisfaction", "--set", f"reward={reward}"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
