"""A small result table whose every mean can be worked out by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recsim_env.results.layout import Row
from recsim_env.results.table import ResultTable

SCENARIO = "recsim_env/Toy-v0"
FINAL_RETURNS = {"uniform": 10.0, "ials": 14.0, "popularity": 12.0, "oracle": 20.0}


def toy_run(agent: str, seed: int, final_return: float, scenario: str = SCENARIO) -> list[Row]:
    """Rewards per step are a twentieth of returns; the seed's luck is added to every agent."""
    name = {"scenario": scenario, "agent": agent, "seed": seed, "config_hash": "c0"}
    luck = (0.0, 1.0, 5.0)[seed]
    start = final_return - 2.0
    rows: list[Row] = []
    for interactions, value in ((500, start), (1000, final_return)):
        online = {"reward_per_step": (value + luck) / 20}
        oracle = {"oracle_reward_per_step": (20.0 + luck) / 20}
        evaluation = {"return_mean": value + luck}
        rows.append({**name, "phase": "online", "interactions": interactions, **online, **oracle})
        rows.append({**name, "phase": "evaluation", "interactions": interactions, **evaluation})
    final = {"return_mean": final_return + luck, "click_rate": 0.25, "wall_seconds": 2.0}
    return [*rows, {**name, "phase": "final", "interactions": 1000, **final}]


@pytest.fixture
def fill(tmp_path: Path) -> Callable[..., ResultTable]:
    """Returns a function that writes agents and seeds of a scenario into the test's table."""

    def filled(
        returns: dict[str, float], n_seeds: int = 3, scenario: str = SCENARIO
    ) -> ResultTable:
        table = ResultTable(tmp_path / "bench")
        for agent, final_return in returns.items():
            for seed in range(n_seeds):
                table.append_run(toy_run(agent, seed, final_return, scenario))
        return table

    return filled


@pytest.fixture
def table(fill: Callable[..., ResultTable]) -> ResultTable:
    """Four agents, three seeds."""
    return fill(FINAL_RETURNS)
