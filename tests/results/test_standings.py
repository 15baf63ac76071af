"""Standings and curves are what the table's rows say."""

import math
from pathlib import Path

import pytest

from recsim_env.results.standings import (
    best_reference,
    final_by_seed,
    ladder,
    regret_curves,
    standings,
)
from recsim_env.results.table import ResultTable


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


def test_the_best_reference_is_the_ceiling_with_the_highest_return(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    finish(table, "oracle", [9.0, 10.0])
    assert best_reference(table, "S") == "oracle"
    finish(table, "far_sighted", [8.0, 12.0])
    finish(table, "dqn", [20.0, 20.0])
    assert best_reference(table, "S") == "far_sighted"


def test_a_ladder_measures_by_the_best_reference_paired_by_seed(tmp_path: Path) -> None:
    """Seeds shift all agents alike, so that scores, which are ratios of differences, are exact."""
    table = ResultTable(tmp_path)
    returns = {"uniform": 0.0, "oracle": 4.0, "far_sighted": 8.0, "a": 6.0, "b": 2.0}
    for agent, value in returns.items():
        finish(table, agent, [value, value + 5.0, value - 1.0])
    finish(table, "noisy", [3.0, 9.0, 5.0])
    (rungs,) = ladder(table)
    assert (rungs.scenario, rungs.reference) == ("S", "far_sighted")
    means = {agent: score.mean for agent, score in rungs.scores.items()}
    noisy = means.pop("noisy")
    assert means == {"uniform": 0.0, "oracle": 0.5, "far_sighted": 1.0, "a": 0.75, "b": 0.25}
    assert rungs.scores["a"].low == pytest.approx(0.75) == rungs.scores["a"].high
    assert noisy == pytest.approx((17 / 3 - 4 / 3) / 8)
    assert rungs.best == ["a", "noisy"]


def test_a_ladder_leaves_out_what_has_no_scale(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    finish(table, "uniform", [3.0, 4.0])
    finish(table, "a", [5.0, 6.0])
    assert ladder(table) == []
    finish(table, "oracle", [2.0, 3.0])
    assert ladder(table) == []
    finish(table, "far_sighted", [9.0, 9.0])
    assert [rungs.best for rungs in ladder(table)] == [["a"]]
