"""Scenarios by name, id, class and instance; and what is said of names that nobody knows."""

import subprocess
import sys

import gymnasium
import pytest

import recsim_env
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv, resolve_scenario
from recsim_env.envs.resolving import scenario_id
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction


@pytest.mark.parametrize(
    "name",
    [
        "InterestEvolution",
        "InterestEvolution-v0",
        "recsim_env/InterestEvolution-v0",
        "recsim_env:recsim_env/InterestEvolution-v0",
    ],
)
def test_scenarios_are_known_by_short_and_full_names(name):
    assert scenario_id(name) == "recsim_env/InterestEvolution-v0"


def test_an_id_keeps_the_settings_it_fixes():
    scenario = resolve_scenario("RecSim-InterestEvolution", n_topics=5)
    assert (scenario.choice, scenario.n_topics) == ("proportional", 5)


def test_a_scenario_of_one_s_own_is_known_by_its_path():
    path = "recsim_env.scenarios.interest_evolution:InterestEvolution"
    assert resolve_scenario(path, n_topics=5) == resolve_scenario("InterestEvolution", n_topics=5)
    with pytest.raises(ValueError, match="there is no module recsim_env.scenarios.nowhere"):
        resolve_scenario("recsim_env.scenarios.nowhere:Nothing")
    with pytest.raises(ValueError, match="there is no module nowhere"):
        resolve_scenario("nowhere:me/Nothing-v0")


@pytest.mark.parametrize("env", [RecommendationEnv, RecommendationVectorEnv])
def test_environments_take_names_as_all_else_does(env):
    made = env("RecSim-LongTermSatisfaction", time_budget=5)
    assert made.scenario == LongTermSatisfaction(sensitivity=0.01, time_budget=5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MusicStraming", r"known are BernoulliBandit-v0, .*mean 'MusicStreaming-v0'\?"),
        ("recsim_env/MusicStraming-v0", r"did you mean 'MusicStreaming-v0'\?"),
        ("recsim_env:MusicStraming-v0", r"did you mean 'MusicStreaming-v0'\?"),
        ("me/Coffee-v0", r"import what registers it, or name that: module:me/Coffee-v0"),
        ("nowhere:me/Coffee-v0", "there is no module nowhere"),
        ("nowhere.py:Coffee", r"there is no file nowhere\.py"),
    ],
)
def test_unknown_names_are_answered_with_what_there_is(name, message):
    for make in (resolve_scenario, RecommendationEnv, RecommendationVectorEnv):
        with pytest.raises(ValueError, match=message):
            make(name)


def test_what_is_no_scenario_is_refused():
    with pytest.raises(TypeError, match=r"or its name, such as 'MusicStreaming' or 'module:Class'"):
        RecommendationVectorEnv(5)


def test_an_id_of_ones_own_is_a_name():
    recsim_env.register("me/Patient-v0", LongTermSatisfaction, time_budget=99)
    try:
        assert resolve_scenario("me/Patient").time_budget == 99
    finally:
        del gymnasium.registry["me/Patient-v0"]


def test_an_id_that_names_its_module_needs_no_import():
    """As in the worker processes of other libraries, which import nothing of ours."""
    code = (
        "import gymnasium; env = gymnasium.make('recsim_env:recsim_env/WheelBandit-v0', "
        "compiled=False); env.reset(seed=0); print(env.spec.id)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["recsim_env/WheelBandit-v0"]
