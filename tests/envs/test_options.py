"""Options of `reset`: who comes, and nothing else changed by it."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.testing import random_slates

# As compiled for the tests of environments; people have ids.
PEOPLE = {"n_users": 50, "n_items": 40, "n_candidates": 6}


def single(**changes) -> RecommendationEnv:
    return RecommendationEnv(InterestEvolution, **(PEOPLE | changes))


def batch(num_envs=4, **changes) -> RecommendationVectorEnv:
    return RecommendationVectorEnv(InterestEvolution, num_envs=num_envs, **(PEOPLE | changes))


def test_the_person_asked_for_comes_as_they_always_are():
    env = batch(200)
    seen, _ = env.reset(seed=0)
    traits = dict(zip(seen["user_id"].tolist(), seen["user"], strict=True))
    alone = single()
    for user_id in list(traits)[:10]:
        observation, _ = alone.reset(seed=9, options={"user_id": user_id})
        assert observation["user_id"] == user_id
        assert np.array_equal(observation["user"], traits[user_id])


@pytest.mark.parametrize("compiled", [True, False])
def test_only_who_comes_is_changed(compiled):
    """Candidates are drawn without looking at the person; the next episodes are as ever."""
    env, other = single(compiled=compiled), single(compiled=compiled)
    plain, _ = env.reset(seed=4)
    asked, _ = other.reset(seed=4, options={"user_id": (int(plain["user_id"]) + 1) % 50})
    assert np.array_equal(plain["candidates"], asked["candidates"])
    assert not np.array_equal(plain["user"], asked["user"])
    assert data_equivalence(env.reset(), other.reset())
    same, _ = other.reset(seed=4, options={"user_id": int(plain["user_id"])})
    assert data_equivalence(plain, same)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_single_equals_batch(mode):
    people = [7, None, 49, 7]
    singles = [single(max_episode_steps=3) for _ in people]
    together = batch(autoreset_mode=mode, max_episode_steps=3)
    given, _ = together.reset(seed=5, options={"user_id": people})
    alone = [
        env.reset(seed=5 + index, options={"user_id": people[index]})[0]
        for index, env in enumerate(singles)
    ]
    rng = np.random.default_rng(0)
    for step in range(3):
        for index, observation in enumerate(alone):
            assert data_equivalence({name: given[name][index] for name in given}, observation)
        slates = random_slates(together.scenario, 4, rng)
        given, *_, infos = together.step(slates)
        alone = [env.step(slate)[0] for env, slate in zip(singles, slates, strict=True)]
        if step == 2 and mode == AutoresetMode.SAME_STEP:
            given = {name: np.array([last[name] for last in infos["final_obs"]]) for name in given}
    assert given["user_id"][[0, 2, 3]].tolist() == [7, 49, 7]


def test_one_person_can_be_asked_for_everywhere_and_by_any_integer():
    env = batch()
    for user_id in (3, np.int64(3), np.uint8(3), np.array(3)):
        assert (env.reset(options={"user_id": user_id})[0]["user_id"] == 3).all()
    assert env.reset(options={"user_id": np.array([1, 2, 3, 4])})[0]["user_id"].tolist() == [
        1,
        2,
        3,
        4,
    ]
    expected = batch().reset(seed=6)[0]
    for nobody in ({"user_id": None}, {"user_id": [None] * 4}, {}, None):
        assert data_equivalence(env.reset(seed=6, options=nobody)[0], expected)


def test_a_mask_says_whose_episode_begins():
    env = batch(autoreset_mode="Disabled", max_episode_steps=1)
    before, _ = env.reset(seed=2)
    env.step(np.zeros((4, 3), int))
    mask = np.array([True, False, True, False])
    after, _ = env.reset(options={"reset_mask": mask, "user_id": [8, 9, 10, 11]})
    assert after["user_id"][mask].tolist() == [8, 10]
    assert np.array_equal(after["user_id"][~mask], before["user_id"][~mask])
    after, _ = env.reset(options={"reset_mask": ~mask})
    assert after["user_id"][mask].tolist() == [8, 10]


def test_it_lasts_one_episode():
    env = batch(autoreset_mode="SameStep", max_episode_steps=1)
    other = batch(autoreset_mode="SameStep", max_episode_steps=1)
    env.reset(seed=2, options={"user_id": 0})
    other.reset(seed=2)
    slates = np.zeros((4, 3), int)
    assert data_equivalence(env.step(slates)[0], other.step(slates)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user_id": 50}, r"options\['user_id'\]=50 is nobody; use a whole number, 0 to 49"),
        ({"user_id": -1}, "is nobody"),
        ({"user_id": 1.0}, "is nobody"),
        ({"user_id": True}, "is nobody"),
        ({"user_id": "5"}, "is nobody"),
        ({"user_id": 2**70}, "is nobody"),
        ({"user": 5}, "no option 'user'; known are 'user_id'.*; did you mean 'user_id'?"),
        ({1: 5}, "no option 1; known are"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    for env in (single(), batch()):
        with pytest.raises(ValueError, match=message):
            env.reset(seed=0, options=options)


def test_options_of_a_batch_fit_it():
    env = batch()
    with pytest.raises(ValueError, match=r"options\['user_id'\] lists 3 for 4 environments"):
        env.reset(options={"user_id": [1, 2, 3]})
    with pytest.raises(ValueError, match=r"options\['user_id'\]\[2\]=99 is nobody"):
        env.reset(options={"user_id": [1, 2, 99, 3]})
    with pytest.raises(ValueError, match="no option 'reset_mask'"):
        single().reset(options={"reset_mask": np.array([True])})
    with pytest.raises(TypeError, match="use a dict"):
        env.reset(options=[5])


def test_strangers_cannot_be_asked_for():
    for env in (single(n_users=0, compiled=False), batch(n_users=0, compiled=False)):
        with pytest.raises(ValueError, match="everybody is a stranger; set n_users"):
            env.reset(options={"user_id": 0})
        env.reset(options={"user_id": None})


def test_every_id_with_people_takes_the_option():
    """Through `gymnasium.make`, whose wrappers hand it on."""
    env = gymnasium.make("recsim_env/MusicStreaming-v0", n_users=9)
    assert env.reset(seed=0, options={"user_id": 8})[0]["user_id"] == 8
    sync = gymnasium.make_vec("recsim_env/MusicStreaming-v0", 2, "sync", n_users=9)
    native = gymnasium.make_vec("recsim_env/MusicStreaming-v0", 2, n_users=9)
    options = {"user_id": 4}
    assert data_equivalence(
        sync.reset(seed=0, options=dict(options)), native.reset(seed=0, options=options)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
def test_people_come_when_asked_for_in_every_scenario(name):
    env = gymnasium.make_vec(f"recsim_env/{name}", 3)
    if env.scenario.n_users == 0:
        with pytest.raises(ValueError, match="set n_users"):
            env.reset(options={"user_id": 0})
        return
    last = env.scenario.n_users - 1
    observation, _ = env.reset(seed=1, options={"user_id": [0, last, None]})
    assert observation["user_id"][:2].tolist() == [0, last]
    expected, _ = gymnasium.make_vec(f"recsim_env/{name}", 3).reset(seed=1)
    for field, values in expected.items():
        assert np.array_equal(values[2], observation[field][2])
