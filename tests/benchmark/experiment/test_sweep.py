"""A sweep is entries of one benchmark, each as if it were asked for by itself."""

import pytest

from recsim_env.benchmark import BenchmarkSettings
from recsim_env.benchmark.experiment.plan import make_plan

SWEEP = {"n_candidates": [10, 20], "agent": {"linucb": {"alpha": [0.3, 1, 3]}}}
SMALL = {"scenarios": "InterestEvolution", "agents": ["linucb", "content"], "seeds": 2}


def settings(**changes):
    return BenchmarkSettings.create(**(SMALL | {"sweep": SWEEP} | changes))


def hashes(given):
    return {run.key: run.config_hash for run in make_plan(given).runs}


def test_every_combination_is_an_entry_and_references_run_in_each():
    plan = make_plan(settings())
    assert list(plan.scenarios) == [
        "recsim_env/InterestEvolution-v0 n_candidates=10",
        "recsim_env/InterestEvolution-v0 n_candidates=20",
    ]
    agents = [
        "uniform",
        "oracle",
        "far_sighted",
        "linucb alpha=0.3",
        "linucb alpha=1",
        "linucb alpha=3",
    ]
    for label, scenario in plan.scenarios.items():
        assert f"n_candidates={scenario.n_candidates}" in label
        assert set(plan.configs[label]["agents"]) == {*agents, "content"}
    assert len(plan.runs) == 2 * 7 * 2


def test_runs_of_a_sweep_are_decided_by_what_decides_the_same_runs_without_it():
    swept = hashes(settings())
    for alpha in (0.3, 1.0, 3.0):
        plain = hashes(
            settings(
                sweep={},
                scenarios={"InterestEvolution": {"n_candidates": 20}},
                agents={"linucb": {"alpha": alpha}, "content": {}},
            )
        )
        of_scenario = "recsim_env/InterestEvolution-v0"
        there = f"{of_scenario} n_candidates=20", f"linucb alpha={alpha:g}", 1
        assert swept[there] == plain[of_scenario, "linucb", 1]
    by_default = hashes(settings(sweep={}, scenarios={"InterestEvolution": {"n_candidates": 20}}))
    assert (
        swept[f"{of_scenario} n_candidates=20", "linucb alpha=1", 0]
        == (by_default[of_scenario, "linucb", 0])
    )


def test_a_number_decides_the_same_however_it_is_written():
    one, other = (settings(sweep={}, agents={"linucb": {"alpha": alpha}}) for alpha in (1, 1.0))
    assert hashes(one) == hashes(other)


def test_a_file_may_nest_names_or_quote_them(tmp_path):
    file = tmp_path / "benchmark.toml"
    head = 'agents = ["linucb"]\nseeds = 2\n[scenarios]\nInterestEvolution = {}\n[sweep]\n'
    found = []
    for lines in (
        "n_candidates = [10, 20]\nagent.linucb.alpha = [0.3, 1]\n",
        'n_candidates = ["1e1", 20]\n"agent.linucb.alpha" = ["0.3", 1.0]\n',
        "n_candidates = [10, 20]\n[sweep.agent.linucb]\nalpha = [0.3, 1]\n",
    ):
        file.write_text(head + lines)
        found.append(BenchmarkSettings.from_toml(file))
    assert found[0] == found[1] == found[2]
    assert found[0].sweep == {"n_candidates": (10, 20), "agent.linucb.alpha": (0.3, 1.0)}
    assert found[0].folder_name == "InterestEvolution-v0-by-n_candidates-by-linucb.alpha"
    assert hashes(found[0]) == hashes(found[2])


def test_settings_that_were_written_are_read_back():
    given = settings()
    kept = given.as_dict()
    assert BenchmarkSettings.create(**kept) == given


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"n_candidates": [10]}, "n_candidates=.10. needs two or more values; set it instead"),
        ({"n_candidates": []}, "needs two or more values"),
        ({"n_candidates": 10}, "sweep n_candidates=10 is no list"),
        ({"n_candidates": "10,20"}, "is no list"),
        ({"n_candidates": [10, 20, 10]}, "sweep n_candidates has 10 twice"),
        ({"agent.linucb.alpha": [1, 1.0]}, "has 1 twice"),
        ({"n_candidates": [10, "many"]}, "'many' is not a number"),
        ({"n_candidates": [10, 20.5]}, "n_candidates=20.5 is of type float; use int"),
        ({"n_candidates": [10, [20]]}, "is no number, word or true or false"),
        ({"agent.linucp.alpha": [1, 2]}, "no agent that runs; .* did you mean 'linucb'"),
        ({"agent.linucb": [1, 2]}, "names no agent that runs"),
        ({"scenario": ["Boredom", "NewsFeed"]}, "name several scenarios instead"),
        ({"agent.linucb.agent": ["ppo", "dqn"]}, "name several agents instead"),
        ([1], "is not a table of settings and their values"),
        ({key: [1, 2, 3, 4] for key in "abcdefg"}, "has 16,384 combinations; use at most 10,000"),
    ],
)
def test_a_sweep_that_cannot_be_says_what_can(sweep, message):
    with pytest.raises(ValueError, match=message):
        settings(sweep=sweep)


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"n_candidate": [10, 20]}, "no setting n_candidate; .* did you mean 'n_candidates'"),
        ({"agent.linucb.alfa": [1, 2]}, "no setting alfa; known are .*; did you mean 'alpha'"),
        ({"n_candidates": [10, -1]}, "n_candidates=-1 is not allowed"),
    ],
)
def test_unknown_settings_and_values_out_of_range_are_refused_by_the_plan(sweep, message):
    with pytest.raises(ValueError, match=message):
        make_plan(settings(sweep=sweep))


def test_a_setting_is_given_in_one_place():
    with pytest.raises(ValueError, match="scenario .* also has n_candidates=5; set it in one"):
        settings(scenarios={"InterestEvolution": {"n_candidates": 5}})
    with pytest.raises(ValueError, match="agent linucb also has alpha=5; set it in one place"):
        settings(agents={"linucb": {"alpha": 5}})


def test_an_entry_of_a_sweep_does_not_replace_another():
    clash = {"linucb": {}, "linucb alpha=1": {"agent": "ppo"}}
    with pytest.raises(ValueError, match="agent 'linucb alpha=1' is there twice"):
        make_plan(settings(agents=clash))
