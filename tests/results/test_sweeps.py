"""What a table says of a sweep, on numbers that can be worked out by hand."""

import pytest

from recsim_env.results.sweeps import SWEPT, sweeps, swept_scenarios
from recsim_env.results.table import ResultTable


def run(scenario, agent, seed, value):
    about = {"scenario": scenario, "agent": agent, "seed": seed, "config_hash": "c"}
    return [{**about, "phase": "final", "interactions": 100, "return_mean": value}]


def made(label, of, **settings):
    return {label: {"of": of, "settings": settings}}


@pytest.fixture
def table(tmp_path):
    """Content gains with the number of candidates, and linucb with alpha."""
    table = ResultTable(tmp_path / "sweep")
    noted = {
        "scenarios": made("Toy n=100", "Toy", n=100) | made("Toy n=20", "Toy", n=20),
        "agents": made("linucb a=3", "linucb", a=3.0) | made("linucb a=0.5", "linucb", a=0.5),
    }
    table.write_settings({SWEPT: noted}, {})
    gains = {"uniform": 0.0, "oracle": 10.0, "linucb a=3": 6.0, "linucb a=0.5": 4.0}
    for n in (100, 20):
        for agent, gain in (gains | {"content": 0.05 * n}).items():
            for seed in range(3):
                table.append_run(run(f"Toy n={n}", agent, seed, n + seed + gain))
    return table


def test_points_are_in_order_of_rank_and_of_values(table):
    (sweep,) = sweeps(table)
    assert sweep.values == {"n": (20, 100), "linucb.a": (0.5, 3.0)}
    assert sweep.of_scenario == ("n",) and sweep.is_scored
    assert [(point.agent, point.settings["n"]) for point in sweep.points] == [
        *[("linucb a=0.5", 20), ("linucb a=0.5", 100), ("linucb a=3", 20), ("linucb a=3", 100)],
        *[("content", 20), ("content", 100), ("oracle", 20), ("oracle", 100)],
        *[("uniform", 20), ("uniform", 100)],
    ]
    assert [(p.scenario, p.agent) for p in sweep.best] == [
        ("Toy n=20", "linucb a=3"),
        ("Toy n=100", "linucb a=3"),
    ]
    scores = {(p.agent, p.settings["n"]): p.score.mean for p in sweep.points}
    assert scores["linucb a=3", 20] == pytest.approx(0.6)
    assert scores["content", 20] == pytest.approx(0.1)
    assert scores["content", 100] == pytest.approx(0.5)
    assert {p.of_agent for p in sweep.points if p.agent.startswith("linucb")} == {"linucb"}


def test_runs_without_a_sweep_have_no_part_in_it(table):
    for agent, value in {"uniform": 1.0, "oracle": 2.0}.items():
        table.append_run(run("Toy", agent, 0, value))
    assert swept_scenarios(table) == {"Toy n=100", "Toy n=20"}
    assert [each.scenario for each in sweeps(table)] == ["Toy"]
    assert {point.scenario for point in sweeps(table)[0].points} == {"Toy n=100", "Toy n=20"}


def test_most_tables_have_none(tmp_path):
    table = ResultTable(tmp_path)
    table.append_run(run("Toy", "uniform", 0, 1.0))
    assert sweeps(table) == [] and swept_scenarios(table) == set()


def test_a_sweep_that_goes_on_shows_what_is_there(table):
    later = ResultTable(table.folder)
    later.remove_runs([key for key in later.config_hashes() if "n=20" in key[0]])
    (sweep,) = sweeps(later)
    assert sweep.values["n"] == (100,)
