"""Two folders of results, on numbers whose differences are known."""

import pytest

from recsim_env.results.comparison import BETTER, OPEN, SAME, UNKNOWN, WORSE, compare_tables
from recsim_env.results.table import ResultTable

LUCK = (0.0, 5.0, 9.0, 2.0)
RETURNS = {"uniform": 1.0, "oracle": 30.0, "linucb": 10.0, "content": 12.0}


def run(agent, seed, value, config):
    about = {"scenario": "Toy", "agent": agent, "seed": seed, "config_hash": config}
    return [{**about, "phase": "final", "interactions": 100, "return_mean": value}]


@pytest.fixture
def folder(tmp_path):
    """Returns a function that writes a folder of results."""

    def filled(name, returns, *, seeds=(0, 1, 2, 3), noise=0.01, episodes=100, **settings):
        table = ResultTable(tmp_path / name)
        agents = {agent: {"agent": agent, "agent_settings": {}} for agent in returns}
        config = {"scenario": "Toy", "scenario_settings": settings, "agents": agents}
        config["protocol"] = {"eval_episodes": episodes, "interactions": 100}
        table.write_settings({"runs": {"Toy": config}, "left_out": []}, {"numpy": name})
        for agent, value in returns.items():
            for seed in seeds:
                own = noise * (seed % 2) * len(agent)
                hashed = f"{agent} {settings} {episodes}"
                table.append_run(run(agent, seed, value + LUCK[seed] + own, hashed))
        return ResultTable(table.folder)

    return filled


def changes(found):
    (scenario,) = found.scenarios
    return {change.agent: change for change in scenario.changes}


def test_on_the_same_people_luck_cancels_seed_by_seed(folder):
    before = folder("a", RETURNS)
    after = folder("b", RETURNS | {"linucb": 10.5, "content": 11.5}, noise=0.02)
    found = compare_tables(before, after)
    (scenario,) = found.scenarios
    assert scenario.are_same_people and scenario.did_people_change  # noise is of the code
    by_agent = changes(found)
    assert by_agent["linucb"].verdict == BETTER and by_agent["content"].verdict == WORSE
    assert by_agent["linucb"].difference.mean == pytest.approx(0.53)
    assert by_agent["linucb"].is_paired and not by_agent["linucb"].has_other_settings
    assert found.versions == {"numpy": ("a", "b")}


def test_what_repeats_is_the_same_and_no_comparison(folder):
    found = compare_tables(folder("a", RETURNS), folder("b", RETURNS, seeds=(1, 2)))
    (scenario,) = found.scenarios
    assert {change.verdict for change in scenario.changes} == {SAME}
    assert scenario.seeds == ((0, 3), ()) and not scenario.did_people_change


def test_other_people_are_independent_and_what_differs_is_named(folder):
    found = compare_tables(folder("a", RETURNS, n_items=5), folder("b", RETURNS, n_items=6))
    (scenario,) = found.scenarios
    assert scenario.are_same_people is False
    assert scenario.settings == {"n_items": (5, 6)}
    for change in scenario.changes:
        assert not change.is_paired and change.difference.method == "95 % Welch t"
        assert change.has_other_settings and change.verdict in (OPEN, SAME)
    other = compare_tables(folder("c", RETURNS), folder("d", RETURNS, episodes=200))
    assert other.scenarios[0].are_same_people is False
    assert other.scenarios[0].settings == {"eval_episodes": (100, 200)}


def test_another_agent_is_compared_with_the_best_that_is_no_reference(folder):
    found = compare_tables(
        folder("a", RETURNS), folder("b", {"uniform": 1.0, "oracle": 30.0, "ppo": 14.0})
    )
    ppo = changes(found)["ppo"]
    assert ppo.before is None and ppo.rival == "content" and ppo.is_paired
    assert ppo.difference.mean == pytest.approx(1.98) and ppo.verdict == BETTER
    assert found.scenarios[0].only_before == ("linucb", "content")


def test_without_shared_seeds_or_with_one_seed_it_says_so(folder):
    before = folder("a", RETURNS, seeds=(0, 1))
    apart = changes(compare_tables(before, folder("b", RETURNS, seeds=(2, 3))))
    assert not apart["linucb"].is_paired and apart["linucb"].verdict == OPEN
    single = folder("c", RETURNS | {"linucb": 20.0}, seeds=(0,))
    assert changes(compare_tables(before, single))["linucb"].verdict == UNKNOWN


def test_what_is_not_recorded_is_not_taken_as_the_same(folder):
    before, after = folder("a", RETURNS), folder("b", RETURNS, n_items=3)
    after.write_settings({"left_out": []}, {})
    (scenario,) = compare_tables(before, ResultTable(after.folder)).scenarios
    assert scenario.are_same_people is None and scenario.settings == {}


def test_verdicts_hold_of_all_comparisons_together(folder):
    """One difference with p = 0.02 by itself is none among forty."""
    names = {f"agent{place}": 5.0 for place in range(40)}
    before = folder("a", names, noise=0.0)
    after = folder("b", names, noise=0.0, seeds=())
    for agent in names:
        for seed, own in enumerate((0.1, 0.2, 0.4, 0.2) if agent == "agent7" else (1, -1, 1, -1)):
            value = 5.0 + LUCK[seed] + own
            after.append_run(run(agent, seed, value, f"{agent} {{}} 100"))
    found = changes(compare_tables(before, after))["agent7"]
    assert found.p_value < 0.05 and found.difference.low > 0 and found.verdict == OPEN


def test_nothing_to_compare_is_an_error(folder, tmp_path):
    before = folder("a", RETURNS)
    with pytest.raises(ValueError, match="has no finished run"):
        compare_tables(before, ResultTable(tmp_path / "none"))
    other = ResultTable(tmp_path / "other")
    other.append_run([{**run("uniform", 0, 1.0, "c")[0], "scenario": "Elsewhere"}])
    with pytest.raises(ValueError, match=r"no scenario is in both: .* has Toy, .* has Elsewhere"):
        compare_tables(before, other)
