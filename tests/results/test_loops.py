"""What feedback loops did, from tables whose every difference can be worked out by hand."""

import pytest

from recsim_env.results.loops import agents_in, label_of, loops_in
from recsim_env.results.metrics import metric_table
from recsim_env.results.table import ResultTable

SCENARIO = "recsim_env/Toy-v0"
LUCK = (0.0, 1.0, 5.0)


def run(agent, seed, values, column):
    """Rows of a run with one value a round of 100 interactions; the seed's luck is everybody's."""
    name = {"scenario": SCENARIO, "agent": agent, "seed": seed, "config_hash": "c0"}
    rounds = [(100 * (place + 1), value + LUCK[seed]) for place, value in enumerate(values)]
    rows = [
        {**name, "phase": "evaluation", "interactions": n, column: value} for n, value in rounds
    ]
    return [*rows, {**name, "phase": "final", "interactions": rounds[-1][0], column: rounds[-1][1]}]


@pytest.fixture
def folder(tmp_path):
    table, metrics = ResultTable(tmp_path), metric_table(tmp_path)
    returns = {"ials, own log": (2.0, 3.0), "ials, random log": (2.0, 4.0), "oracle": (10.0,)}
    overlaps = {"ials, own log": (-4.8, -4.5), "ials, random log": (-4.8, -4.9)}
    for seed in range(3):
        for agent, values in returns.items():
            table.append_run(run(agent, seed, values, "return_mean"))
        for agent, values in overlaps.items():
            metrics.append_run(run(agent, seed, values, "homogenization"))
    return tmp_path


def test_utility_is_the_return_less_the_oracles_with_the_same_seed(folder):
    (loop,) = loops_in(ResultTable(folder), metric_table(folder), SCENARIO)
    assert loop.agent == "ials"
    assert loop.interactions == [100, 200]
    assert [each.mean for each in loop.utility.own] == pytest.approx([-8, -7])
    assert [each.mean for each in loop.utility.random] == pytest.approx([-8, -6])
    assert loop.utility.own[0].high - loop.utility.own[0].low == pytest.approx(0)
    assert loop.utility.excess.mean == pytest.approx(-1)
    assert loop.utility.change.mean == pytest.approx(1)


def test_homogeneity_is_what_was_measured(folder):
    (loop,) = loops_in(ResultTable(folder), metric_table(folder), SCENARIO)
    assert loop.homogeneity.own[-1].mean == pytest.approx(-4.5 + 2)
    assert loop.homogeneity.excess.mean == pytest.approx(0.4)
    assert loop.homogeneity.change.mean == pytest.approx(0.3)
    assert loop.homogeneity.excess.low == pytest.approx(0.4)  # paired: the seed's luck cancels


def test_an_agent_needs_both_logs_and_the_oracle(tmp_path):
    table = ResultTable(tmp_path)
    table.append_run(run(label_of("ials", "own"), 0, (1.0, 2.0), "return_mean"))
    assert agents_in(table) == []
    with pytest.raises(ValueError, match="oracle has not finished"):
        loops_in(table, metric_table(tmp_path), SCENARIO)
    table.append_run(run("oracle", 0, (3.0,), "return_mean"))
    with pytest.raises(ValueError, match="both logs"):
        loops_in(table, metric_table(tmp_path), SCENARIO)
