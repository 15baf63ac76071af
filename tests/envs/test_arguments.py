"""Arguments that cannot be meant are refused before anything happens, with name and remedy."""

import inspect

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.registry import ARGUMENTS, BATCH_ARGUMENTS
from recsim_env.scenarios.interest_evolution import InterestEvolution

ID = "recsim_env/InterestEvolution-v0"

NAN, INFINITY = float("nan"), float("inf")

WRONG = {
    "max_episode_steps": [NAN, INFINITY, 1.5, 7.0, -1, 2**63, 10**30, True, "9", [3], b"3"],
    "compiled": ["no", "False", 0, 1, NAN, [], np.array([True, False])],
    "flat": ["x", None, 1, 0.0, [True]],
    "num_envs": [0, -4, 2.0, NAN, INFINITY, True, "3", None, [2], (2,), 10**13, 10**30],
    "threads": [0, -1, 2.5, 2.0, INFINITY, NAN, True, "2", None, 10**6, [2]],
    "autoreset_mode": ["same_step", "", None, 1, True, [], {}, "SameStep ", NAN],
    "render_mode": ["rgb_array", "ansi", "human", 3, True, []],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_batch_refuses_what_cannot_be_meant(name):
    for value in WRONG[name]:
        with pytest.raises(ValueError, match=rf"^{name}=.*; (use|leave) ") as raised:
            RecommendationVectorEnv(InterestEvolution, **{name: value})
        assert repr(value) in str(raised.value)


@pytest.mark.parametrize("name", ["max_episode_steps", "compiled", "flat", "render_mode"])
def test_a_single_environment_refuses_what_cannot_be_meant(name):
    values = ["huamn", 3, True, [], "rgb"] if name == "render_mode" else WRONG[name]
    for value in values:
        with pytest.raises(ValueError, match=rf"^{name}=.*; use ") as raised:
            RecommendationEnv(InterestEvolution, **{name: value})
        assert repr(value) in str(raised.value)


def test_numbers_of_numpy_are_numbers():
    env = RecommendationVectorEnv(
        InterestEvolution,
        num_envs=np.int32(3),
        threads=np.uint8(1),
        max_episode_steps=np.int64(2),
        autoreset_mode=AutoresetMode.DISABLED,
    )
    assert type(env.num_envs) is int
    env.reset(seed=0)
    env.step(np.zeros((3, 3), int))
    assert env.step(np.zeros((3, 3), np.uint8))[3].all()


SEEDS = [-1, 1.9, 2.0, NAN, "3", b"3", True, np.True_, 2**64, {1}, {}, 1j, np.float64(1)]


@pytest.mark.parametrize("seed", SEEDS, ids=repr)
def test_seeds_that_are_none_are_refused(seed):
    single = RecommendationEnv(InterestEvolution)
    batch = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    for env, given in [(single, seed), (batch, seed), (batch, [0, seed]), (batch, (seed, None))]:
        with pytest.raises(ValueError, match=r"^seed.*is not allowed; use a whole number"):
            env.reset(seed=given)
        with pytest.raises(RuntimeError, match="call reset"):
            env.step(env.action_space.sample())


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3], [], np.arange(4), (1,), range(9)], ids=repr)
def test_lists_of_seeds_of_another_length_are_refused(seeds):
    env = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    with pytest.raises(ValueError, match=rf"seed lists {len(seeds)} for 2 environments"):
        env.reset(seed=seeds)


def test_seeds_of_a_batch_stay_below_64_bits():
    env = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    env.reset(seed=2**64 - 2)
    with pytest.raises(ValueError, match=r"0 to 2\*\*64 - 2"):
        env.reset(seed=2**64 - 1)


def test_every_kind_of_integer_is_a_seed():
    single = RecommendationEnv(InterestEvolution)
    batch = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    expected = batch.reset(seed=[5, 6])[0]
    for given in (5, np.int64(5), np.uint64(5), np.array(5), (5, 6), np.array([5, 6]), range(5, 7)):
        assert data_equivalence(batch.reset(seed=given)[0], expected)
    for given in (5, np.int64(5), np.uint8(5), np.array(5)):
        alone = single.reset(seed=given)[0]
        assert all(np.array_equal(alone[name], expected[name][0]) for name in alone)


def test_arguments_of_a_batch_are_not_those_of_one_person():
    own, all_of_a_batch = (
        set(inspect.signature(kind).parameters) - {"scenario", "settings"}
        for kind in (RecommendationEnv, RecommendationVectorEnv)
    )
    assert own == set(ARGUMENTS)
    assert all_of_a_batch - own == set(BATCH_ARGUMENTS)
    with pytest.raises(TypeError, match=r"'threads', which a batch takes; make one by .*make_vec;"):
        gymnasium.make(ID, threads=2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"frameskip": 4}, "unexpected keyword argument 'frameskip'; InterestEvolution has no "),
        ({"n_topic": 3}, "'n_topic'; did you mean 'n_topics'"),
        ({"max_episode_step": 3}, "did you mean 'max_episode_steps'"),
        ({"seed": 3}, "did you mean 'world_seed'"),
        ({"n_topics": 3, "a": 1, "b": 2}, "argument 'a'; .* no setting a, b; known are n_cand"),
    ],
)
def test_unknown_arguments_raise_in_the_words_of_python(given, message):
    """By these words TorchRL tells that an environment does not take its `frameskip`."""
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(TypeError, match=rf"__init__\(\) got an .*{message}"):
            make(ID, **given)


@pytest.mark.parametrize("scenario", ["boredom", ":Boredom", "no_such_module:Boredom", "a:b"])
def test_scenarios_that_cannot_be_found_are_named(scenario):
    for env in (RecommendationEnv, RecommendationVectorEnv):
        with pytest.raises(ValueError, match=f"'{scenario}'"):
            env(scenario)


@pytest.mark.parametrize("scenario", [None, 3, int, [], b"recsim_env.scenarios.boredom:Boredom"])
def test_what_is_no_scenario_is_refused(scenario):
    for env in (RecommendationEnv, RecommendationVectorEnv):
        with pytest.raises(TypeError, match="is not a Scenario"):
            env(scenario)
