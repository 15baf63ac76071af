"""Crossed evaluations meet the same people again, with other luck, and are kept as runs are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import BenchmarkSettings, evaluate
from recsim_env.benchmark.variance import meet, run_variance
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.results.table import ResultTable
from recsim_env.results.variance import CROSSED, crossed_returns

TINY = {"n_topics": 4, "n_candidates": 5, "slate_size": 2, "time_budget": 20.0}


def settings(**more: Any) -> BenchmarkSettings:
    given = {"agents": ["linucb", "topic_quality"], "seeds": 3, "interactions": 64}
    given |= {"num_envs": 4, "checkpoints": 1, "bins": 1, "eval_episodes": 6, "jobs": 1}
    return BenchmarkSettings.create(scenarios={"InterestEvolution": TINY}, **(given | more))


def test_the_first_meeting_is_an_evaluation_and_the_others_differ() -> None:
    scenario = resolve_scenario("InterestEvolution", **TINY)
    env = RecommendationVectorEnv(scenario, num_envs=4)
    agent = make_agent("topic_quality", env, seed=1)
    agent.learn(64)
    found = meet(agent, scenario, 6, 3, seed=7)
    first = evaluate(agent, scenario, n_episodes=6, num_envs=6, seed=7)
    assert found[:, 0].tolist() == first.returns.tolist()
    assert len({tuple(column) for column in found.T.tolist()}) == 3
    assert found.tolist() == meet(agent, scenario, 6, 3, seed=7).tolist()


def test_all_seeds_meet_the_same_people_and_a_repeated_call_plays_nothing(tmp_path: Path) -> None:
    outcome = run_variance(settings(), tmp_path, meetings=2)
    table = ResultTable(tmp_path, CROSSED)
    (scenario,) = table.scenarios()
    assert list(outcome.splits[scenario]) == ["linucb", "topic_quality", "topic_quality - linucb"]
    returns = crossed_returns(table, scenario)["linucb"]
    assert returns.shape == (3, 6, 2) and np.isfinite(returns).all()
    before = (tmp_path / "rows.csv").read_bytes(), (tmp_path / "variance.md").read_bytes()
    assert run_variance(settings(), tmp_path, meetings=2).splits == outcome.splits
    assert ((tmp_path / "rows.csv").read_bytes(), (tmp_path / "variance.md").read_bytes()) == before
    with pytest.raises(ValueError, match="other settings"):
        run_variance(settings(), tmp_path, meetings=3)


def test_more_seeds_are_added_to_those_there(tmp_path: Path) -> None:
    run_variance(settings(seeds=2), tmp_path, meetings=2)
    two = crossed_returns(ResultTable(tmp_path, CROSSED), "recsim_env/InterestEvolution-v0")
    run_variance(settings(seeds=3), tmp_path, meetings=2)
    three = crossed_returns(ResultTable(tmp_path, CROSSED), "recsim_env/InterestEvolution-v0")
    assert three["linucb"][:2].tolist() == two["linucb"].tolist()


@pytest.mark.parametrize(
    ("more", "meetings", "message"),
    [
        ({"seeds": 1}, 2, "seeds=1 has no variance"),
        ({"eval_episodes": 1}, 2, "people=1 has no variance"),
        ({}, 1, "meetings=1 has no variance"),
    ],
)
def test_one_of_anything_has_no_variance(
    more: dict[str, Any], meetings: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        run_variance(settings(**more), tmp_path, meetings=meetings)
