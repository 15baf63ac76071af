"""Agents are compared over scenarios that they all ran in, with the same seeds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from recsim_env.results.shared_runs import shared_runs
from recsim_env.results.table import ResultTable

ENDS = {"uniform": [1.0, 2.0], "oracle": [5.0, 8.0]}


def fill(folder: Path, scenarios: Mapping[str, Mapping[str, list[float]]]) -> ResultTable:
    """Returns a table of scenario to agent to its final returns by seed."""
    table = ResultTable(folder)
    for scenario, by_agent in scenarios.items():
        for agent, returns in by_agent.items():
            for seed, value in enumerate(returns):
                name = {"scenario": scenario, "agent": agent, "seed": seed, "config_hash": "c"}
                table.append_run([{**name, "phase": "final", "return_mean": value}])
    return table


def test_gains_are_over_uniform_with_the_same_seed(tmp_path: Path) -> None:
    far = {"far_sighted": [7.0, 12.0], **ENDS, "a": [4.0, 4.0]}
    found = shared_runs(fill(tmp_path, {"S": {**ENDS, "a": [2.0, 5.0]}, "T": far}))
    assert (found.agents, found.scenarios, found.seed_counts) == (("a",), ("S", "T"), [2, 2])
    assert [each.reference for each in found.by_scenario] == ["oracle", "far_sighted"]
    assert np.array_equal(found.by_scenario[0].gains, [[1.0, 3.0]])
    assert np.array_equal(found.by_scenario[1].scale, [6.0, 10.0])
    assert (found.other_agents, found.other_scenarios) == ((), ())


def test_scenarios_and_agents_that_most_share_are_kept(tmp_path: Path) -> None:
    """Three agents in two scenarios are more runs than two in three, or four in one."""
    a, b, c, d = ({name: [2.0, 3.0]} for name in "abcd")
    table = fill(
        tmp_path,
        {
            "S": {**ENDS, **a, **b, **c, **d},
            "T": {**ENDS, **c, **b, **a},
            "U": {**ENDS, **a, "c": [9.0]},
        },
    )
    found = shared_runs(table)
    assert (found.agents, found.scenarios) == (("a", "b", "c"), ("S", "T"))
    assert (found.other_agents, found.other_scenarios) == (("d",), ("U",))
    assert shared_runs(table, scenarios=["U", "S"]).agents == ("a",)
    assert shared_runs(table, agents=["d", "a"]).scenarios == ("S",)
    assert shared_runs(table, agents=["oracle", "a"]).agents == ("oracle", "a")
    assert shared_runs(table, ["b"], ["T"]).scenarios == ("T",)


def test_a_scenario_without_a_sure_scale_does_not_count(tmp_path: Path) -> None:
    noisy = {"uniform": [1.0, 2.0], "oracle": [9.0, 1.0], "a": [3.0, 3.0]}
    none = {"uniform": [1.0, 2.0], "a": [3.0, 3.0]}
    table = fill(tmp_path, {"S": {**ENDS, "a": [2.0, 5.0]}, "T": noisy, "U": none})
    assert shared_runs(table).other_scenarios == ("T", "U")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    table = fill(tmp_path, {"S": {**ENDS, "a": [2.0, 5.0]}, "T": {**ENDS, "bb": [2.0, 5.0]}})
    with pytest.raises(ValueError, match=r"agents has 'b', of which .* there are uniform.*'bb'"):
        shared_runs(table, ["b"])
    with pytest.raises(ValueError, match="scenarios has 'R', of which"):
        shared_runs(table, scenarios=["R"])
    with pytest.raises(ValueError, match="a has no finished run of scenario 'T' with every seed"):
        shared_runs(table, ["a"], ["S", "T"])
    with pytest.raises(TypeError, match="agents='a' is one name; give a list"):
        shared_runs(table, "a")
    with pytest.raises(ValueError, match="no agent finished, with every seed"):
        shared_runs(table, ["a", "bb"])
    with pytest.raises(ValueError, match="no agent finished"):
        shared_runs(ResultTable(tmp_path / "empty"))
