"""A benchmark that goes on until it is decided plays what it needs, and no more."""

import json
from pathlib import Path
from typing import Any

import pytest

from recsim_env.benchmark import BenchmarkSettings
from recsim_env.benchmark.experiment.until import run_until_decided
from recsim_env.results.table import ResultTable

#: Two agents far apart, and one that is one of them under another name.
AGENTS: dict[str, Any] = {
    "good": {"agent": "thompson"},
    "bad": {"agent": "uniform"},
    "as good": {"agent": "thompson"},
}


def settings(*agents: str, **more: Any) -> BenchmarkSettings:
    given = {"interactions": 640, "checkpoints": 1, "bins": 1, "eval_episodes": 20, "jobs": 1}
    chosen = {name: AGENTS[name] for name in agents}
    return BenchmarkSettings.create(
        scenarios="BernoulliBandit", agents=chosen, seeds=3, **(given | more)
    )


def seeds_of(folder: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in ResultTable(folder).rows(phase="final"):
        found.setdefault(row["agent"], []).append(row["seed"])
    return {agent: sorted(seeds) for agent, seeds in found.items()}


def test_equal_agents_go_on_to_the_last_seed_without_those_left_out(tmp_path: Path) -> None:
    told: list[str] = []
    outcome, (decision,) = run_until_decided(
        settings("good", "bad", "as good"), tmp_path, max_seeds=7, tell=told.append
    )
    assert decision.possible == ("good", "as good")
    assert (decision.n_seeds, decision.is_last, decision.is_decided) == (7, True, False)
    played = seeds_of(tmp_path)
    assert played["bad"] == list(range(decision.left_out["bad"]))
    assert played["good"] == played["as good"] == played["uniform"] == list(range(7))
    assert len(told) == 2 and told[0].startswith("after 3 seeds, 0 of 1 scenarios are decided")
    assert outcome.n_kept == 0 and outcome.foreign == ()
    again, found = run_until_decided(settings("good", "bad", "as good"), tmp_path, max_seeds=7)
    assert again.n_kept == again.n_runs and found == [decision]
    assert again.n_runs == outcome.n_runs and again.foreign == ()
    note = json.loads((tmp_path / "settings.json").read_text())["until_decided"]
    assert note["seeds"] == list(range(7)) and note["group"] == 3


def test_it_stops_as_soon_as_it_is_decided(tmp_path: Path) -> None:
    _, (decision,) = run_until_decided(settings("good", "bad"), tmp_path, max_seeds=12)
    assert decision.possible == ("good",)
    assert decision.n_seeds < 12
    assert seeds_of(tmp_path)["uniform"] == list(range(decision.n_seeds))


def test_seeds_that_were_named_come_first(tmp_path: Path) -> None:
    asked = settings("good", "as good")
    asked = BenchmarkSettings.create(**{**asked.as_dict(), "seeds": [5, 1]})
    run_until_decided(asked, tmp_path, max_seeds=4)
    assert seeds_of(tmp_path)["good"] == [0, 1, 2, 5]


def test_one_agent_leaves_nothing_to_decide(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fewer than two agents"):
        run_until_decided(settings("good"), tmp_path)


def test_fewer_seeds_than_the_first_look_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--max-seeds"):
        run_until_decided(settings("good", "bad"), tmp_path, max_seeds=2)
    assert not list(tmp_path.iterdir())


def test_looks_by_another_plan_are_refused(tmp_path: Path) -> None:
    run_until_decided(settings("good", "as good"), tmp_path, max_seeds=4)
    with pytest.raises(ValueError, match="by another plan .*at most 4.*another folder"):
        run_until_decided(settings("good", "as good"), tmp_path, max_seeds=6)
    assert max(seeds_of(tmp_path)["good"]) < 4
