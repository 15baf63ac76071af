"""How fast agents learn, by curves that can be worked out by hand."""

import math
from pathlib import Path

import pytest

from recsim_env.results.learning import learning_speeds
from recsim_env.results.table import ResultTable

CURVES = {
    "fast": [0.6, 0.9, 0.9],
    "late": [0.0, 0.0, 1.0],
    "never": [0.4, 0.4, 0.4],
}


def filled(folder: Path, n_seeds: int = 3) -> ResultTable:
    """Uniform earns 10 and the oracle 20, more by a seed's luck; curves are shares of the way."""
    table = ResultTable(folder)
    for seed in range(n_seeds):
        luck = 7.0 * seed
        for agent, curve in {"uniform": [], "oracle": [], **CURVES}.items():
            name = {"scenario": "S", "agent": agent, "seed": seed, "config_hash": "c"}
            values = [10.0 + luck + 10.0 * share for share in curve]
            rows = [
                {**name, "phase": "evaluation", "interactions": 100 * n, "return_mean": value}
                for n, value in enumerate(values, start=1)
            ]
            ends = {"uniform": 10.0 + luck, "oracle": 20.0 + luck}
            last = ends[agent] if agent in ends else values[-1]
            table.append_run([*rows, {**name, "phase": "final", "return_mean": last}])
    return table


def test_areas_are_means_of_curves_as_scores(tmp_path: Path) -> None:
    found = learning_speeds(filled(tmp_path), "S")
    assert [each.agent for each in found] == ["fast", "never", "late"]
    means = [each.area.mean for each in found]
    assert means == pytest.approx([(0.75 + 0.9) / 2, 0.4, (0.0 + 0.5) / 2])
    assert found[0].area.n == 3 and "Fieller" in found[0].area.method


def test_thresholds_are_reached_or_said_not_to_be(tmp_path: Path) -> None:
    fast, never, late = learning_speeds(filled(tmp_path), "S")
    assert [fast.reached[share].interactions for share in (0.5, 0.9)] == [100, 200]
    assert late.reached[0.5].interactions == late.reached[0.9].interactions == 300
    assert math.isinf(never.reached[0.5].interactions)
    assert (never.reached[0.5].n_reached, never.reached[0.5].n_seeds) == (0, 3)
    assert never.reached[0.5].limit == 300


def test_seeds_that_never_got_there_count_as_the_latest(tmp_path: Path) -> None:
    table = filled(tmp_path, 2)
    name = {"scenario": "S", "agent": "late", "seed": 1, "config_hash": "c"}
    rows = [{**name, "phase": "evaluation", "interactions": n, "return_mean": 17.0} for n in (1, 9)]
    table.append_run([*rows, {**name, "phase": "final", "return_mean": 17.0}])
    late = next(each for each in learning_speeds(table, "S") if each.agent == "late")
    assert (late.reached[0.5].n_reached, late.reached[0.5].n_seeds) == (1, 2)
    assert math.isinf(late.reached[0.5].interactions)


def test_one_evaluation_is_no_curve_and_without_a_reference_there_is_no_scale(
    tmp_path: Path,
) -> None:
    table = ResultTable(tmp_path)
    for agent, value in {"uniform": 0.0, "a": 2.0}.items():
        name = {"scenario": "S", "agent": agent, "seed": 0, "config_hash": "c"}
        row = {**name, "phase": "evaluation", "interactions": 9, "return_mean": value}
        table.append_run([row, {**name, "phase": "final", "return_mean": value}])
    assert learning_speeds(table, "S") == []
    name = {"scenario": "S", "agent": "oracle", "seed": 0, "config_hash": "c"}
    table.append_run([{**name, "phase": "final", "return_mean": 5.0}])
    assert learning_speeds(table, "S") == []
