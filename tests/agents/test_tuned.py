"""Tuned settings: those of the package are right, and used in no other scenario than their own."""

import json

import pytest

import recsim_env.agents.tuned as data
from recsim_env.agents import AGENTS, agent_class, make_agent
from recsim_env.agents.tuned import NotTuned, digest_of, entries, tuned
from recsim_env.benchmark import BenchmarkSettings
from recsim_env.benchmark.experiment import plan as planning
from recsim_env.benchmark.experiment.plan import make_plan
from recsim_env.core.search import searches
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario

WHEEL, BANDIT = "recsim_env/WheelBandit-v0", "recsim_env/BernoulliBandit-v0"


def entry(agent, scenario, *, is_better=True, **settings):
    where = resolve_scenario(scenario)
    about = {"kind": type(where).__name__, "digest": digest_of(where), "budget": {"trials": 8}}
    return {
        "agent": agent,
        "scenario": scenario,
        "settings": settings,
        "is_better": is_better,
        **about,
    }


@pytest.fixture
def kept(monkeypatch):
    found = (
        entry("linucb", WHEEL, alpha=0.25),
        entry("epsilon_greedy", WHEEL, epsilon=0.2, is_better=False),
        entry("ucb", BANDIT, alpha=0.5),
    )
    monkeypatch.setattr(data, "entries", lambda: found)
    monkeypatch.setattr(planning, "tuned_entries", lambda: found)


def test_what_is_kept_fits_the_scenarios_and_the_spaces_of_today():
    for each in entries():
        scenario = resolve_scenario(each["scenario"], **each["scenario_settings"])
        assert each["digest"] == digest_of(scenario), each["scenario"]
        kind = agent_class(each["agent"])
        assert kind.unsuitable(scenario) is None
        space = searches(kind.Settings)
        assert set(each["settings"]) == set(space)
        assert all(value in space[name] for name, value in each["settings"].items())
        kind.Settings(**each["settings"])
        assert f" --trials {each['budget']['trials']} " in each["command"]
        if each["is_better"]:
            assert each["validation"]["difference"][1] > 0
    keys = [(each["agent"], each["digest"]) for each in entries()]
    assert len(set(keys)) == len(keys)


def test_the_file_is_as_the_command_writes_it():
    text = data.FILE.read_text(encoding="utf-8")
    found = json.loads(text)
    assert text == json.dumps(found, indent=1) + "\n"


def test_an_agent_is_made_with_tuned_settings_and_what_is_given_over_them(kept):
    env = RecommendationVectorEnv(WHEEL, num_envs=2)
    assert make_agent("linucb", env, tuned=True).settings.alpha == 0.25
    assert make_agent("linucb", env).settings.alpha == 1.0
    assert make_agent("linucb", env, tuned=True, alpha=2.0).settings.alpha == 2.0
    assert make_agent(AGENTS["linucb"], env, tuned=True).settings.alpha == 0.25
    assert make_agent("epsilon_greedy", env, tuned=True).settings.epsilon == 0.1
    env.close()


def test_the_seed_of_the_world_does_not_count():
    assert digest_of(resolve_scenario(WHEEL)) == digest_of(resolve_scenario(WHEEL, world_seed=7))
    assert digest_of(resolve_scenario(WHEEL)) != digest_of(resolve_scenario(WHEEL, delta=0.9))


@pytest.mark.parametrize(
    ("agent", "scenario", "settings", "said"),
    [
        ("linucb", WHEEL, {"delta": 0.9}, "tuned in recsim_env/WheelBandit-v0 as it is by default"),
        ("linucb", BANDIT, {}, "linucb was not tuned in BernoulliBandit, only in WheelBandit-v0"),
        ("lin_ucb", WHEEL, {}, "did you mean 'linucb'"),
        ("ppo", WHEEL, {}, "known are those of epsilon_greedy, linucb, ucb"),
    ],
)
def test_what_was_not_tuned_is_said(kept, agent, scenario, settings, said):
    with pytest.raises(NotTuned, match=said) as refused:
        tuned(agent, resolve_scenario(scenario, **settings))
    assert "`recsim-env tune " in str(refused.value)


# In a benchmark --------------------------------------------------------------------------------


def settings(**changes):
    agents = ["linucb", "epsilon_greedy", "ucb", "thompson"]
    return BenchmarkSettings.create(scenarios=WHEEL, agents=agents, seeds=1, **changes)


def hashes_of(asked):
    return {run.agent_label: run.config_hash for run in make_plan(asked).runs}


def test_tuned_agents_run_beside_themselves_under_the_hash_of_plain_settings(kept):
    hashes = hashes_of(settings(tuned=True))
    assert list(hashes) == [
        *("uniform", "oracle", "linucb", "linucb (tuned)"),
        *("epsilon_greedy", "ucb", "thompson"),
    ]
    assert hashes["linucb (tuned)"] == hashes_of(by_hand_settings())["bold"]
    assert hashes["linucb"] == hashes_of(settings())["linucb"]


def by_hand_settings():
    agents = {"bold": {"agent": "linucb", "alpha": 0.25}}
    return BenchmarkSettings.create(scenarios=WHEEL, agents=agents, seeds=1)


def test_who_has_no_tuned_settings_is_said_to_have_none(kept):
    reasons = {each.agent: each.reason for each in make_plan(settings(tuned=True)).left_out}
    assert set(reasons) == {"epsilon_greedy (tuned)", "ucb (tuned)", "others (tuned)"}
    assert reasons["others (tuned)"].startswith("thompson: `recsim-env tune` finds settings")
    assert reasons["epsilon_greedy (tuned)"] == (
        "of 8 settings of epsilon_greedy, none was better than the default"
    )
    assert "not tuned in WheelBandit" in reasons["ucb (tuned)"]


def test_settings_that_are_given_count_in_both(kept):
    agents = {"linucb": {"ridge": 3.0}}
    plan = make_plan(BenchmarkSettings.create(scenarios=WHEEL, agents=agents, seeds=1, tuned=True))
    given = {run.agent_label: run.agent_settings for run in plan.runs}
    assert given["linucb"] == {"ridge": 3.0}
    assert given["linucb (tuned)"] == {"alpha": 0.25, "ridge": 3.0}


def test_a_sweep_and_tuned_settings_are_refused_together():
    with pytest.raises(ValueError, match="do not go together"):
        settings(tuned=True, sweep={"agent": {"linucb": {"alpha": [0.1, 1.0]}}})
