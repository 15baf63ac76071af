"""Gymnasium's specs: written as JSON and read again, they make the same environment."""

import json
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode

import recsim_env
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.envs.wrappers import (
    SlateWrapper,
    enumerate_slates,
    point_at_items,
    score_candidates,
    weigh_features,
)
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

ENV_IDS = sorted(f"recsim_env/{name}" for name in ENVIRONMENTS)
HORIZONS = {"recsim_env/BernoulliBandit-v0": 100, "recsim_env/Sardine-SlateRerank-Bored-v0": 10}
ID = "recsim_env/InterestEvolution-v0"

SETTINGS = {"n_candidates": np.int64(5), "slate_size": 2, "n_topics": 4}

WRAPPERS = {
    "plain": lambda env: env,
    "ordered": lambda env: enumerate_slates(env, max_slates=500),
    "unordered": lambda env: enumerate_slates(env, ordered=False),
    "scores": lambda env: score_candidates(env, bound=2),
    "points": lambda env: point_at_items(env),
    "weights": lambda env: weigh_features(env),
    "twice": lambda env: gymnasium.wrappers.RecordEpisodeStatistics(score_candidates(env), 7),
}


class Outer:
    class Own(BernoulliBandit):
        """Named by way of the class that it is in."""


def again(spec: EnvSpec) -> EnvSpec:
    read = EnvSpec.from_json(spec.to_json())
    assert read == spec
    return read


def same(one, other, n_steps: int = 8) -> bool:
    """Whether both make the same steps."""
    one.action_space.seed(1)
    met = [one.reset(seed=2), other.reset(seed=2)]
    for _ in range(n_steps):
        if not data_equivalence(met[0], met[1]):
            return False
        if len(met[0]) == 5 and np.any(met[0][2] or met[0][3]):
            return True
        action = one.action_space.sample()
        met = [one.step(action), other.step(action)]
    return True


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_a_wrapped_environment_is_made_again(wrap):
    made = gymnasium.make(ID, **SETTINGS)
    env = WRAPPERS[wrap](made)
    other = gymnasium.make(again(env.spec))
    assert other.spec == env.spec
    assert str(other) == str(env)
    assert other.action_space == env.action_space
    assert same(env, other)


@pytest.mark.parametrize("scenario", [InterestEvolution, RatedCatalogue, Outer.Own])
def test_classes_are_registered_by_name(scenario):
    env_id = f"tests/By{scenario.__name__}-v0"
    recsim_env.register(env_id, scenario)
    assert gymnasium.spec(env_id).kwargs["scenario"].endswith(scenario.__qualname__)
    again(gymnasium.spec(env_id))
    env = gymnasium.make(env_id)
    assert type(env.unwrapped.scenario) is scenario
    assert gymnasium.make(again(env.spec)).unwrapped.scenario == env.unwrapped.scenario


def test_scenarios_with_settings_are_registered_by_name_and_settings():
    recsim_env.register("tests/Made-v0", RatedCatalogue(n_candidates=0, n_items=30), n_users=7)
    env = gymnasium.make("tests/Made-v0", compiled=False)
    made = gymnasium.make(again(env.spec)).unwrapped.scenario
    assert made == env.unwrapped.scenario
    assert (made.n_users, made.n_candidates, made.n_items) == (7, 30, 30)
    assert (
        gymnasium.make("tests/Made-v0", n_items=25, compiled=False).unwrapped.scenario.n_candidates
        == 25
    )


def test_an_argument_of_make_is_named_too():
    env = gymnasium.make(ID, scenario=BernoulliBandit, n_candidates=3)
    assert gymnasium.make(again(env.spec)).unwrapped.scenario == BernoulliBandit(n_candidates=3)


def test_batches_are_made_again():
    env = gymnasium.make_vec(
        ID, np.int64(3), autoreset_mode=AutoresetMode.SAME_STEP, max_episode_steps=4, **SETTINGS
    )
    other = gymnasium.make_vec(EnvSpec.from_json(env.spec.to_json()))
    assert (other.num_envs, other.autoreset_mode) == (3, AutoresetMode.SAME_STEP)
    assert other.spec.max_episode_steps == 4
    assert data_equivalence(env.reset(seed=1), other.reset(seed=1))


def test_what_nobody_can_import_is_made_but_not_written():
    class Local(BernoulliBandit):
        """Known to this function only."""

    recsim_env.register("tests/Local-v0", Local)
    env = gymnasium.make("tests/Local-v0")
    assert type(gymnasium.make(env.spec).unwrapped.scenario) is Local
    for spec in (gymnasium.spec("tests/Local-v0"), env.spec, gymnasium.make_vec(env.spec.id).spec):
        with pytest.raises(TypeError, match=r"Local is defined in .*; move the class to the top"):
            spec.to_json()


def test_a_class_of_a_script_is_made_there():
    script = """
import gymnasium, recsim_env
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
class Own(BernoulliBandit): pass
recsim_env.register("own/Own-v0", Own)
env = gymnasium.make(gymnasium.make("own/Own-v0").spec)
env.reset(seed=0)
try:
    env.spec.to_json()
except TypeError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "its scenario Own is defined in __main__" in ran.stdout


def test_a_form_of_ones_own_says_that_it_cannot_be_made_again():
    env = score_candidates(gymnasium.make(ID))
    own = SlateWrapper(env.env, env.form)
    with pytest.raises(ValueError, match="cannot be recreated"):
        gymnasium.make(own.spec)


@pytest.mark.parametrize("env_id", HORIZONS)
def test_the_horizon_stands_in_the_spec(env_id):
    """And Gymnasium's wrapper, where the spec is made again, cuts where the environment does."""
    env = gymnasium.make(env_id)
    batch = gymnasium.make_vec(env_id, 2)
    assert env.spec.max_episode_steps == batch.spec.max_episode_steps == HORIZONS[env_id]
    assert json.loads(env.spec.to_json())["max_episode_steps"] == HORIZONS[env_id]
    check_env(env.unwrapped, skip_render_check=True)
    other = gymnasium.make(again(env.spec))
    env.action_space.seed(0)
    env.reset(seed=3), other.reset(seed=3), batch.reset(seed=3)
    for step in range(1, HORIZONS[env_id] + 1):
        action = env.action_space.sample()
        one, two = env.step(action), other.step(action)
        many = batch.step(np.array([action, action]))
        assert data_equivalence(one, two)
        assert one[3] is (step == HORIZONS[env_id]) and many[3][0] == one[3]
        assert one[1] == many[1][0]


def test_another_limit_stands_there_instead():
    env_id = "recsim_env/BernoulliBandit-v0"
    assert gymnasium.make(env_id, max_episode_steps=7).spec.max_episode_steps == 7
    assert gymnasium.make(env_id, horizon=300).spec.max_episode_steps == 300
    assert gymnasium.make_vec(env_id, 2, max_episode_steps=7).spec.max_episode_steps == 7
    assert gymnasium.make(env_id, horizon=0).spec.max_episode_steps is None
    assert gymnasium.make(ID).spec.max_episode_steps is None


@pytest.mark.parametrize("env_id", ENV_IDS)
def test_every_id_is_written(env_id):
    again(gymnasium.spec(env_id))
