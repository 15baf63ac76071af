"""Simulations: the same bytes by any workers, and after any interruption."""

import json

import joblib
import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.benchmark.simulation import blocks, simulate
from recsim_env.benchmark.simulation.blocks import BATCH, BLOCK
from recsim_env.cli import main
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

pytestmark = pytest.mark.processes

SCENARIO = LongTermSatisfaction(horizon=2, n_candidates=4)
N = 2 * BLOCK + BATCH + 7


def report(folder, **settings):
    """Returns the bytes of a report, and what the call says that it did."""
    given = {"people": N, "seed": 3, "jobs": 1} | settings
    outcome = simulate.simulate(SCENARIO, "uniform", folder=folder, **given)
    return (folder / "report.json").read_bytes(), outcome


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Returns the report of one process."""
    return report(tmp_path_factory.mktemp("alone"))[0]


def test_the_report_counts_everybody(alone):
    found = json.loads(alone)
    assert (found["n_people"], found["n_sessions"], found["n_steps"]) == (N, N, 2 * N)
    assert found["returns"]["low"] < found["returns"]["mean"] < found["returns"]["high"]
    assert found["about"]["protocol"]["people"] == N


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_any_number_of_workers_gives_the_same_bytes(backend, alone, tmp_path):
    with joblib.parallel_config(backend=backend):
        found, outcome = report(tmp_path, jobs=2)
    assert outcome.n_blocks == 3
    assert found == alone


def test_an_interrupted_simulation_goes_on_to_the_same_bytes(alone, tmp_path, monkeypatch):
    def interrupted(block):
        if block.number == 1:
            raise KeyboardInterrupt
        return blocks.play(block)

    with monkeypatch.context() as patched:
        patched.setattr(simulate, "play", interrupted)
        with pytest.raises(KeyboardInterrupt):
            report(tmp_path)
    assert not (tmp_path / "report.json").exists()
    found, outcome = report(tmp_path)
    assert outcome.n_kept == 1
    assert found == alone


def test_a_failed_block_is_told_and_tried_again(alone, tmp_path, monkeypatch):
    def evaluated(agent, block, first, n):
        if block.number == 1:
            raise OverflowError("too much")
        return own(agent, block, first, n)

    own = blocks._evaluated
    with monkeypatch.context() as patched:
        patched.setattr(blocks, "_evaluated", evaluated)
        outcome = simulate.simulate(SCENARIO, "uniform", people=N, seed=3, jobs=1, folder=tmp_path)
    assert outcome.report is None
    assert outcome.failed == (("LongTermSatisfaction", "uniform", 1),)
    assert report(tmp_path)[0] == alone


def test_people_are_those_of_an_evaluation():
    scenario = InterestEvolution(horizon=10)
    found = simulate.simulate(scenario, "oracle", people=300, sessions=2, seed=8, jobs=1).report
    agent = make_agent("oracle", RecommendationVectorEnv(scenario, num_envs=1))
    same = evaluate(agent, scenario, n_episodes=600, num_envs=300, seed=8)
    assert found.returns.mean == pytest.approx(same.return_mean, rel=1e-12)
    assert found.returns.n == 300
    assert found.click_rate == same.click_rate
    assert found.n_steps == same.lengths.sum()
    exact = np.quantile(same.returns, 0.5, method="inverted_cdf")
    assert found.return_quantiles["0.5"] == float(f"{exact:.2e}")


def test_other_settings_are_not_mixed_in(tmp_path):
    report(tmp_path, people=10)
    with pytest.raises(ValueError, match="finished runs with other settings .*people=11, there 10"):
        report(tmp_path, people=11)
    assert json.loads(report(tmp_path, people=11, overwrite=True)[0])["n_people"] == 11


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"people": 0}, "people=0"),
        ({"sessions": 0}, "sessions=0"),
        ({"seed": 2**64 - 9}, r"seed=.* 0 to 2\*\*64 - 10"),
        ({"agent": "nobody"}, "agent 'nobody' is neither"),
        ({"agent": "popularity"}, "item ids"),
        ({"agent": "linucb", "agent_settings": {"alpha": -1.0}}, "alpha"),
    ],
)
def test_wrong_requests_are_told_before_the_work(settings, message, tmp_path):
    given = {"agent": "uniform", "people": 10, "folder": tmp_path / "out"} | settings
    with pytest.raises(ValueError, match=message):
        simulate.simulate(SCENARIO, **given)
    assert not (tmp_path / "out").exists()


def test_a_scenario_may_be_named():
    kind = type(SCENARIO)
    found = [
        simulate.simulate(scenario, "uniform", people=3, seed=3, jobs=1).report.returns.mean
        for scenario in (kind(), kind, kind.__name__)
    ]
    assert found[1:] == found[:1] * 2


def test_an_agent_that_workers_cannot_make_is_refused():
    made = make_agent("uniform", RecommendationVectorEnv(SCENARIO))
    for agent in (made, lambda observation: observation["candidates"]):
        with pytest.raises(TypeError, match=r"is no name.*name a file that agent\.save wrote"):
            simulate.simulate(SCENARIO, agent, people=3)


def test_a_trained_agent_is_served_from_its_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    trained = "train LongTermSatisfaction linucb --interactions 500 --set horizon=5"
    assert main(trained.split()) == 0
    command = "simulate LongTermSatisfaction linucb.agent --people 200 --workers 1 --out all"
    assert main(command.split()) == 0
    said = capsys.readouterr().out
    assert "200 people, 200 sessions, 1,000 steps" in said
    assert "peak memory" in said
    assert main(command.split()) == 0
    assert "1 of 1 blocks were finished before and are kept" in capsys.readouterr().out
