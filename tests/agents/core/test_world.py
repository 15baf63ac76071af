"""Where agents may act: in worlds like the one they learned in, and elsewhere when it is meant."""

import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from recsim_env.agents import load_agent, make_agent
from recsim_env.agents.core.agent_file import read_about
from recsim_env.agents.core.world import describe_world, difference, is_of
from recsim_env.benchmark import evaluate
from recsim_env.cli import main
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.array_file import read_arrays, write_arrays
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.news_feed import NewsFeed
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from tests.formats.test_rated_world import small_world

WORLD = RatedCatalogue(n_users=40, n_items=60, max_slates=20)
OTHERS = {
    "world_seed": {"world_seed": 5},
    "n_items": {"n_items": 61},
    "n_users": {"n_users": 41},
    "n_candidates": {"n_candidates": 10},
    "slate_size": {"slate_size": 2},
    "reward": {"reward": "clicks"},
    "choice_slope": {"choice_slope": 2.0},
}


def people(scenario=WORLD, num_envs=4, **settings):
    return RecommendationVectorEnv(scenario, num_envs=num_envs, **settings)


@pytest.fixture
def agent():
    """Returns an agent that learned in WORLD."""
    return make_agent("linucb", people()).learn(40)


@pytest.fixture
def file(agent, tmp_path):
    agent.save(tmp_path / "a.agent")
    return tmp_path / "a.agent"


@pytest.mark.parametrize("name", OTHERS)
def test_another_world_is_refused_naming_both(name, agent, file):
    (value,) = OTHERS[name].values()
    env = people(**OTHERS[name])
    said = rf"another world \({name}={getattr(WORLD, name)!r} there, {value!r} here\); use the same"
    with pytest.raises(ValueError, match=said):
        agent.set_env(env)
    with pytest.raises(ValueError, match=rf"a\.agent: the agent learned in {said}"):
        load_agent(file, env)
    with pytest.raises(ValueError, match=said):
        evaluate(agent, env.scenario, n_episodes=4, seed=0)


def test_another_scenario_is_refused_naming_both(agent, file):
    env = people(InterestEvolution)
    for act in (lambda: agent.set_env(env), lambda: load_agent(file, env, another_world=True)):
        with pytest.raises(ValueError, match="RatedCatalogue|item_id of shape"):
            act()


@pytest.mark.parametrize("change", [{"horizon": 5}, {"num_envs": 7}, {"max_episode_steps": 3}])
def test_what_may_differ_may(change, agent, file):
    env = people(**change)
    agent.set_env(env)
    loaded = load_agent(file, env)
    observation, _ = env.reset(seed=3)
    slates = [each.predict(observation, deterministic=True)[0] for each in (agent, loaded)]
    assert np.array_equal(*slates)
    assert evaluate(loaded, env.scenario, n_episodes=4, seed=0).n_episodes == 4


def test_another_world_can_be_meant_where_shapes_are_alike(agent, file):
    env = people(world_seed=5)
    loaded = load_agent(file, env, another_world=True)
    assert evaluate(loaded, env.scenario, n_episodes=4, seed=0).n_episodes == 4  # it is there now
    assert evaluate(loaded, WORLD, n_episodes=4, seed=0).n_episodes == 4  # and learned there
    agent.set_env(env, another_world=True)
    for bigger in (people(n_items=61), people(slate_size=2)):
        with pytest.raises(ValueError, match="another world, too, must show what has the same"):
            agent.set_env(bigger, another_world=True)
    found = evaluate(agent, people(world_seed=6).scenario, n_episodes=4, seed=0, another_world=True)
    assert found.n_episodes == 4


def test_the_file_tells_where_it_learned_last(agent, file, tmp_path):
    assert read_about(file)["world"] == describe_world(WORLD)
    env = people(world_seed=5)
    loaded = load_agent(file, env, another_world=True)
    loaded.save(tmp_path / "b")
    assert read_about(tmp_path / "b")["world"]["scenario_settings"]["world_seed"] == 0
    loaded.learn(20).save(tmp_path / "b")
    assert read_about(tmp_path / "b")["world"]["scenario_settings"]["world_seed"] == 5
    load_agent(tmp_path / "b", env)


def test_who_learned_nothing_may_be_anywhere_that_looks_alike():
    agent = make_agent("linucb", people())
    agent.set_env(people(world_seed=5))
    agent.learn(20)
    with pytest.raises(ValueError, match="world_seed=5 there, 0 here"):
        agent.set_env(people())


def test_who_learned_on_another_reward_is_refused(tmp_path):
    def doubled(config, user, items, slate, response, own_reward):
        return 2.0 * own_reward

    def people(reward):
        return RecommendationVectorEnv("LongTermSatisfaction", num_envs=4, reward=reward)

    file = tmp_path / "an.agent"
    agent = make_agent("linucb", people(doubled)).learn(40)
    agent.save(file)
    assert load_agent(file, people(doubled)).num_timesteps == 40
    for reward in (None, "clicks"):
        with pytest.raises(ValueError, match=rf"doubled \(\w+\)' there, {reward!r} here"):
            load_agent(file, people(reward))
        with pytest.raises(ValueError, match=rf"another world .* there, {reward!r} here"):
            evaluate(agent, people(reward), n_episodes=4, seed=1)
        found = evaluate(agent, people(reward), n_episodes=4, seed=1, another_world=True)
        assert (found.returns == found.clicks).all() == (reward == "clicks")


def test_a_calendar_may_move_on_as_evaluations_let_it():
    learning = NewsFeed(n_users=20)
    later = NewsFeed.create(**(learning.settings | learning.evaluation_settings()))
    assert difference(describe_world(learning), describe_world(later)) == ""
    agent = make_agent("linucb", people(learning)).learn(20)
    assert evaluate(agent, later, n_episodes=4, seed=0).n_episodes == 4


def test_a_world_in_a_file_counts_by_its_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_world().save(tmp_path / "one.npz")
    small_world().save(tmp_path / "two.npz")
    small_world(choice_slope=0.9).save(tmp_path / "three.npz")
    sizes = {"n_candidates": 2, "slate_size": 1}
    one, two, three = (
        describe_world(RatedCatalogue(world=f"{name}.npz", **sizes))
        for name in ("one", "two", "three")
    )
    assert difference(one, two) == ""
    assert difference(one, three) == "world='three.npz' was another file there"


PRICE = 1.0


def priced(config, user, items, slate, response, own_reward):
    return PRICE * own_reward


def test_a_reward_counts_by_its_content(monkeypatch):
    scenario = InterestEvolution(reward=f"{__name__}:priced")
    before = describe_world(scenario)
    assert difference(before, describe_world(scenario)) == ""
    monkeypatch.setattr(sys.modules[__name__], "PRICE", 2.0)
    assert "priced' was another function there" in difference(before, describe_world(scenario))


@dataclass(frozen=True, kw_only=True)
class Own(InterestEvolution):
    """Somebody's own scenario, with a setting that JSON has no word for."""

    sizes: tuple = (1, 2)


def test_own_scenarios_are_found_again():
    world = describe_world(Own())
    assert json.loads(json.dumps(world)) == world
    notebook = world | {"scenario": "__main__:Own"}
    assert difference(world, notebook) == ""
    assert is_of(notebook, Own)
    assert not is_of(notebook, InterestEvolution)


# Files that say wrong things ----------------------------------------------------------------------

DEEP = json.loads("[" * 200 + "]" * 200)
WRONG: dict[str, list[Any]] = {
    "num_timesteps": ["x", float("nan"), -1, 1.5, True, None, 10**30, DEEP],
    "seed": ["x", -1, 0.5, None],
    "settings": [None, [], "x", {"alpha": "x"}, {"none": 1}, {"alpha": -1}, {"ridge": [1.0]}],
    "generator": [None, {}, {"bit_generator": "PCG64"}, "x", DEEP],
    "world": [None, {}, [], {"scenario": "x"}],
    "agent": [None, 5, "x", "os:system", "recsim_env.agents.bandits.ucb:UCB"],
    "notes": [None],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]]
)
def test_a_file_that_says_what_cannot_be_is_refused_in_a_sentence(name, value, file):
    arrays, about = read_arrays(file, kind="agent", version=1)
    write_arrays(file, arrays, about | {name: value}, kind="agent", version=1)
    with pytest.raises(ValueError, match=r"a\.agent") as caught:
        load_agent(file, people())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("key", ["scenario", "shapes", "free_settings", "scenario_settings"])
@pytest.mark.parametrize("value", [None, 5, "x", [], {}, [5]])
def test_a_file_with_a_damaged_world_is_refused(key, value, file):
    arrays, about = read_arrays(file, kind="agent", version=1)
    about["world"][key] = value
    write_arrays(file, arrays, about, kind="agent", version=1)
    if (key, value) != ("free_settings", []):
        with pytest.raises(ValueError, match=r"a\.agent"):
            load_agent(file, people())


# The command line ---------------------------------------------------------------------------------

SMALL = ["--set", "n_topics=4", "--set", "time_budget=20"]


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Returns the file of an agent that learned where there are four topics."""
    monkeypatch.chdir(tmp_path)
    train = ["train", "InterestEvolution", "linucb", *SMALL, "--interactions", "100"]
    assert main([*train, "--num-envs", "4"]) == 0
    return "linucb.agent"


def test_files_are_evaluated_where_they_learned_and_names_are_said_to_be_untrained(trained, capsys):
    def evaluated(*more):
        status = main(["evaluate", "InterestEvolution", trained, *more, "--episodes", "20"])
        return status, capsys.readouterr().out

    plain = evaluated("uniform")
    assert evaluated("uniform", *SMALL) == plain
    assert "untrained" not in plain[1]
    assert evaluated("lin_thompson", "--agent-set", "none=1")[0] == 2
    assert "lin_thompson: untrained; --learn N" in evaluated("lin_thompson")[1]
    assert "untrained" not in evaluated("lin_thompson", "--learn", "200")[1]


@pytest.mark.parametrize("command", ["evaluate", "run", "log"])
def test_every_command_refuses_another_world_unless_it_is_meant(command, trained, capsys):
    told = {"evaluate": ["--episodes", "20"], "run": [], "log": ["--interactions", "20"]}[command]
    told += ["--out", "steps.npz", "--overwrite"] if command == "log" else []
    asked = [command, "InterestEvolution", trained, *told]
    assert main(asked) == 0
    assert main([*asked, "--set", "n_topics=5"]) == 2
    assert main([*asked, "--set", "world_seed=5"]) == 2
    said = capsys.readouterr().err
    assert "n_topics=4 there, 5 here" in said
    assert "world_seed=0 there, 5 here" in said
    assert "--another-world" in said
    assert main([*asked, "--set", "world_seed=5", "--another-world"]) == 0
    assert main(["evaluate", "LongTermSatisfaction", trained]) == 2
    assert "LongTermSatisfaction here" in capsys.readouterr().err
    assert main(["evaluate", "RecSim-InterestEvolution", trained]) == 2  # the id says otherwise
    assert "choice=" in capsys.readouterr().err


def test_a_log_by_a_file_says_how_to_learn_from_it(trained, capsys):
    assert (
        main(["log", "InterestEvolution", trained, "--out", "s.npz", "--interactions", "40"]) == 0
    )
    command = capsys.readouterr().out.splitlines()[-1].removeprefix("next: recsim-env ").split()
    assert "n_topics=4" in command
    assert main(command) == 0
