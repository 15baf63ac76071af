"""What returns cost, from tables whose every ratio can be worked out by hand."""

import pytest

from recsim_env.results.metrics import metric_table
from recsim_env.results.table import ResultTable
from recsim_env.results.tradeoffs import DIVERSITY, UNEVENNESS, tradeoffs

#: Return, diversity and Gini of exposure.
AGENTS = {
    "uniform": (10.0, 0.8, 0.2),
    "ials": (15.0, 0.4, 0.6),
    "popularity": (12.0, 0.6, 0.8),
    "oracle": (20.0, 0.5, 0.5),
}


def fill(folder, scenario, agents=AGENTS, seeds=range(3)):
    table, metrics = ResultTable(folder), metric_table(folder)
    for agent, (earned, diversity, gini) in agents.items():
        for seed in seeds:
            name = {"scenario": scenario, "agent": agent, "seed": seed, "config_hash": "c0"}
            final = {**name, "phase": "final", "interactions": 100}
            table.append_run([{**final, "return_mean": earned + seed}])
            metrics.append_run([{**final, DIVERSITY: diversity, UNEVENNESS: gini}])
    return table, metrics


def test_all_is_relative_to_uniform_slates_and_the_best_reference(tmp_path):
    found = {each.agent: each for each in tradeoffs(*fill(tmp_path, "Toy"))}
    assert found["ials"].score.mean == pytest.approx(0.5)
    assert found["ials"].diversity.mean == pytest.approx(0.5)
    assert found["ials"].evenness.mean == pytest.approx(0.4 / 0.8)
    assert found["ials"].score.low == pytest.approx(0.5)  # the seed's luck is everybody's
    assert [found["uniform"].diversity.mean, found["uniform"].score.mean] == [1, 0]
    assert found["oracle"].score.mean == pytest.approx(1)


def test_scenarios_are_averaged_and_who_suits_few_is_left_out(tmp_path):
    for scenario in ("A", "B", "C"):
        fill(tmp_path, scenario, {k: v for k, v in AGENTS.items() if k != "popularity"})
    half = {**AGENTS, "ials": (20.0, 0.8, 0.2)}
    table, metrics = fill(tmp_path, "D", half)
    found = {each.agent: each for each in tradeoffs(table, metrics)}
    assert found["ials"].scenarios == ("A", "B", "C", "D")
    assert found["ials"].score.mean == pytest.approx((3 * 0.5 + 1) / 4)
    assert found["ials"].diversity.mean == pytest.approx((3 * 0.5 + 1) / 4)
    assert "popularity" not in found


def test_a_folder_without_metrics_has_none(tmp_path):
    table, _ = fill(tmp_path / "old", "Toy")
    assert tradeoffs(table, metric_table(tmp_path / "elsewhere")) == []
