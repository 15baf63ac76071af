"""`recsim-env speed` measures, prints tables, and compares with another simulator."""

import sys
from pathlib import Path

import pytest

from recsim_env.benchmark import log_speed
from recsim_env.cli import main

pytestmark = pytest.mark.processes


def test_speed_prints_its_tables(capsys):
    asked = ["speed", "InterestEvolution", "--batch", "8", "--threads", "1", "--seconds", "0.02"]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert "8 × 1" in printed
    assert "a world of 1,000,000,000 users and 1,000,000 items" in printed


def test_speed_times_pictures(capsys):
    pytest.importorskip("matplotlib", reason='needs pip install "recsim-env[plots]"')
    assert main(["speed", "Boredom", "--frames"]) == 0
    name, first, median = capsys.readouterr().out.splitlines()[-1].split()
    assert name == "recsim_env/Boredom-v0" and float(first) > float(median) > 0


def test_speed_compares_with_another_simulator(capsys):
    other = Path(__file__).parents[1] / "scenarios" / "numpy_interest_evolution.py"
    asked = ["speed", "--batch", "8", "--seconds", "0.02", "--against"]
    assert main([*asked, f"{other}:NumpyInterestEvolution", "InterestEvolution"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("recsim_env/InterestEvolution-v0, 8 people") and "ratio" in line
    assert main([*asked, f"{other}:NumpyInterestEvolution"]) == 2
    assert "name it" in capsys.readouterr().err


def test_speed_measures_learning(capsys, monkeypatch):
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    few = tuple((agent, 8, {"width": 4}) for agent in ("ppo", "slateq"))
    monkeypatch.setattr("recsim_env.benchmark.learning_speed.LEARNERS", few)
    monkeypatch.setattr("recsim_env.benchmark.learning_speed.THREADED", few[:1])
    asked = ["speed", "InterestEvolution", "--learning", "--seconds", "0.05", "--threads", "3"]
    assert main(asked) == 0
    *_, head, ppo, slateq, split = capsys.readouterr().out.splitlines()
    assert split.split()[:2] == ["ppo", "8"] and split.endswith("MiB  width=4 threads=3")
    assert head.split()[:2] == ["recsim_env/InterestEvolution-v0", "people"]
    for line, agent in ((ppo, "ppo"), (slateq, "slateq")):
        name, people, per_second, of_cpu, bound, *share, flops, _, _, _ = line.split()
        assert (name, people) == (agent, "8") and line.endswith("MiB  width=4")
        if agent == "ppo":  # 8 times 1,272 to act, and three times that and 1,320 to learn
            assert float(bound.replace(",", "")) > float(of_cpu.replace(",", ""))
            assert float(flops) == 0.07 and share[0].endswith("%")
        else:
            assert (bound, share, flops) == ("-", [], "-")
        assert float(per_second.replace(",", "")) > 0 < float(of_cpu.replace(",", ""))


def test_speed_compares_with_frameworks(capsys):
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    asked = ["speed", "InterestEvolution", "--batch", "8", "--seconds", "0.02", "--through"]
    assert main([*asked, "stable_baselines3"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("recsim_env/InterestEvolution-v0, 8 people, one thread: alone ")
    assert "through stable_baselines3" in line and line.endswith("% of it")
    assert main([*asked, "torch_rl"]) == 2
    assert "did you mean 'torchrl'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("framework", "library", "install"),
    [
        ("stable_baselines3", "stable_baselines3", "recsim-env[agents]"),
        ("torchrl", "torchrl", "torchrl"),
        ("tianshou", "tianshou", "tianshou"),
        ("rllib", "ray", "ray[rllib]"),
    ],
)
def test_a_framework_that_is_absent_is_told(framework, library, install, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, library, None)
    for name in [name for name in sys.modules if name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["speed", "InterestEvolution", "--through", framework]) == 2
    told = capsys.readouterr().err
    assert f"stepping through {framework} needs {library}" in told
    assert f'which is not installed; pip install "{install}"' in told


def test_all_frameworks_are_looked_for_before_one_is_measured(monkeypatch, capsys):
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    monkeypatch.setitem(sys.modules, "torchrl", None)
    asked = ["speed", "InterestEvolution", "--seconds", "0.02", "--through"]
    assert main([*asked, "stable_baselines3", "torchrl"]) == 2
    assert not capsys.readouterr().out


def test_speed_times_estimators(capsys):
    assert main(["speed", "--ope", "3_000"]) == 0
    printed = capsys.readouterr().out
    assert "3,000 rows" in printed and "most memory" in printed
    names = {line.split()[0] for line in printed.splitlines()[1:-1]}
    assert {"dm", "clipped-ips", "mips", "sndr", "pseudo-inverse", "cascade-dr"} <= names


def test_speed_compares_estimators_only_with_what_is_there(capsys):
    assert main(["speed", "--obp", sys.executable]) == 2
    assert "--obp compares estimators; give --ope too" in capsys.readouterr().err
    assert main(["speed", "--ope", "300", "--obp", sys.executable]) == 1
    assert "this environment has no obp" in capsys.readouterr().err
    assert main(["speed", "--ope", "300", "--obp", "no_such_python"]) != 0
    assert "no_such_python" in capsys.readouterr().err


def test_speed_times_the_reading_of_logs(capsys, monkeypatch):
    monkeypatch.setattr(log_speed, "STAGES", {"read CSV": log_speed.STAGES["read CSV"]})
    assert main(["speed", "--logs", "2k"]) == 0
    title, head, *lines = capsys.readouterr().out.splitlines()
    assert "2,000 ratings" in title and head.split() == ["seconds", "of", "CPU", "peak"]
    assert lines[0].startswith("read CSV") and all(line.endswith("GiB") for line in lines)
