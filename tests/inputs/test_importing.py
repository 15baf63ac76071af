"""Classes of other people's code are found by name, and refused with what is wrong."""

import sys

import pytest

from recsim_env.agents import Agent, agent_class
from recsim_env.cli import main
from recsim_env.core.scenario import Scenario
from recsim_env.envs import resolve_scenario
from recsim_env.inputs.importing import imported_class
from recsim_env.results.table import ResultTable

AGENT = """
from neighbour import Base
class Mine(Base):
    '''Shows anything.'''
    class Inner(Base): ...
"""
SCENARIO = """
from dataclasses import dataclass
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
@dataclass(frozen=True, kw_only=True)
class Shop(BernoulliBandit):
    '''A shop.'''
    n_cups: int = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with people's own classes, which is not where Python looks."""
    for name, text in (("own_agents", AGENT), ("own_shop", SCENARIO)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    text = "from recsim_env.agents.references.uniform import Uniform as Base\n"
    (tmp_path / "neighbour.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in ("own_agents", "own_shop", "neighbour"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("place", ["own_agents", "own_agents.py", "./own_agents.py"])
def test_classes_are_found_from_the_current_folder(folder, place):
    found = imported_class(f"{place}:Mine", Agent, what="agent")
    assert (found.__module__, found.__qualname__) == ("own_agents", "Mine")
    assert imported_class(f"{place}:Mine.Inner", Agent, what="agent") is found.Inner
    assert agent_class(f"{place}:Mine") is found


def test_a_file_is_found_from_any_folder(folder, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    scenario = resolve_scenario(f"{folder / 'own_shop.py'}:Shop", n_cups=4)
    assert scenario.n_cups == 4
    assert agent_class(f"{folder / 'own_agents.py'}:Mine").__module__ == "own_agents"


def test_what_python_finds_comes_before_the_current_folder(folder):
    (folder / "json.py").write_text("raise RuntimeError\n", encoding="utf-8")
    with pytest.raises(ValueError, match="JSONDecoder is no subclass"):
        imported_class("json:JSONDecoder", Scenario, what="scenario")
    with pytest.raises(ValueError, match="another module is called json"):
        imported_class("json.py:JSONDecoder", Scenario, what="scenario")


def test_commands_take_classes_of_files(folder, capsys):
    assert main(["scenarios", "own_shop.py:Shop"]) == 0
    assert "n_cups" in capsys.readouterr().out
    assert main(["agents", "own_agents:Mine"]) == 0
    assert main(["run", "BernoulliBandit", "own_agents.py:Mine"]) == 0
    assert main(["run", "own_shop:Shop", "--set", "n_cups=5,00"]) == 2
    assert "n_cups=5,00: " in capsys.readouterr().err
    assert main(["agents", "own_agents.py:mine"]) == 2
    assert "did you mean 'Mine'?" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("place", ["{}", "{}.py"])
def test_processes_of_a_benchmark_find_them(folder, place):
    scenario, agent = place.format("own_shop"), place.format("own_agents")
    (folder / "random.py").write_text("1 / 0\n", encoding="utf-8")  # hides nothing of Python's
    call = ["benchmark", f"{scenario}:Shop", "--agents", f"{agent}:Mine", "--seeds", "2"]
    call += ["--interactions", "64", "--bins", "2", "--checkpoints", "1", "--episodes", "4"]
    assert main([*call, "--jobs", "2", "--out", "out"]) == 0
    rows = ResultTable("out").rows(phase="final")
    assert {row["agent"] for row in rows} == {"uniform", "oracle", f"{agent}:Mine"}
