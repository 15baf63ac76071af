"""Standings and curves are what the table's rows say."""

import math
from pathlib import Path

import pytest

from recsim_env.results import ResultTable
from recsim_env.standings import final_by_seed, regret_curves, standings


def finish(table: ResultTable, agent: str, returns: list[float], first_seed: int = 0) -> None:
    for seed, value in enumerate(returns, start=first_seed):
        name = {"scenario": "S", "agent": agent, "seed": seed, "config_hash": "c"}
        last = {"phase": "final", "interactions": 10 * seed, "return_mean": value}
        table.append_run([{**name, **last, "wall_seconds": float(seed)}])


def test_agents_rank_by_mean_return_and_equal_ones_by_name(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    finish(table, "b", [1.0, 3.0])
    finish(table, "c", [4.0, 6.0])
    finish(table, "a", [2.0, 2.0])
    ranked = standings(table, "S")
    assert [each.agent for each in ranked] == ["c", "a", "b"]
    assert ranked[0].episode_return.mean == 5.0
    assert ranked[0].wall_seconds == 0.5
    assert ranked[0].n_interactions == 10
    assert math.isnan(ranked[0].click_rate)
    assert ranked[0].score is None


def test_leads_are_paired_by_seed_and_the_last_has_none(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    finish(table, "uniform", [10.0, 20.0, 60.0])
    finish(table, "oracle", [11.0, 21.0, 61.0])
    first, last = standings(table, "S")
    assert first.lead is not None
    assert (first.lead.low, first.lead.mean, first.lead.high) == (1.0, 1.0, 1.0)
    assert last.lead is None
    assert first.score is not None
    assert first.score.mean == 1.0


def test_agents_without_a_shared_seed_have_no_lead_nor_score(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    finish(table, "oracle", [9.0])
    finish(table, "uniform", [1.0], first_seed=5)
    assert [(each.lead, each.score) for each in standings(table, "S")] == [(None, None)] * 2


def test_regret_needs_the_oracle_in_every_bin(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    for seed, oracle in ((0, [2.0, 2.0]), (1, [2.0, None])):
        name = {"scenario": "S", "agent": "a", "seed": seed, "config_hash": "c"}
        bins = [
            {
                **name,
                "phase": "online",
                "interactions": 10 * (index + 1),
                "reward_per_step": 1.5,
                "oracle_reward_per_step": reward,
            }
            for index, reward in enumerate(oracle)
        ]
        table.append_run([*bins, {**name, "phase": "final", "return_mean": 0.0}])
    (curve,) = regret_curves(table, "S")
    assert curve.interactions == [0, 10, 20]
    assert [(each.mean, each.n) for each in curve.estimates] == [(0.0, 1), (5.0, 1), (10.0, 1)]


def test_an_unknown_scenario_lists_the_known(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    finish(table, "a", [1.0])
    with pytest.raises(ValueError, match="scenario='T'; scenarios here: S"):
        final_by_seed(table, "T")
