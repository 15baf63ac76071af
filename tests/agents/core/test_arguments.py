"""What agents are given that cannot be meant is refused, with what is allowed."""

import copy

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.core.memories import leaves, rebuilt
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from tests.agents.test_contract import each


@pytest.fixture(scope="module")
def env():
    return RecommendationVectorEnv(LongTermSatisfaction, num_envs=4, n_items=30, n_users=6)


@pytest.fixture(scope="module")
def agent(env):
    return make_agent("popularity", env).learn(8)


@pytest.mark.parametrize("name", each(["linucb", "ppo", "dqn", "slateq"]))
def test_an_observation_may_be_of_lists_or_of_wider_numbers(env, name):
    seen, agent = env.reset(seed=1)[0], make_agent(name, env)
    listed = {name: value.tolist() for name, value in seen.items()}
    wide = {
        name: value.astype(float) if value.dtype.kind == "f" else value
        for name, value in seen.items()
    }
    expected, *found = (
        copy.deepcopy(agent).predict(one, deterministic=True)[0] for one in (seen, listed, wide)
    )
    assert all(np.array_equal(expected, slates) for slates in found)


@pytest.mark.parametrize("name", each(["uniform", "linucb", "ppo"]))
def test_observations_of_nobody_are_refused(env, name):
    nobody = {name: value[:0] for name, value in env.reset(seed=1)[0].items()}
    with pytest.raises(ValueError, match="is given observations of nobody, whose fields have no r"):
        make_agent(name, env).predict(nobody)


@pytest.mark.parametrize("name", each(["popularity", "ppo"]))
def test_memories_that_do_not_fit_are_refused(env, name):
    """Compiled loops would read and write beyond them."""
    agent, seen = make_agent(name, env), env.reset(seed=1)[0]
    own = agent.predict(seen)[1]
    agent.predict(seen, own)
    n_seen = r"is due for 4 observations; pass what predict\(\) of this agent"
    for wrong in (changed(own, lambda rows: rows[:2]), changed(own, lambda rows: rows[:, :1])):
        with pytest.raises(ValueError, match=n_seen):
            agent.predict(seen, wrong)
    slates = np.zeros((4, env.scenario.slate_size), int)
    with pytest.raises(ValueError, match=rf"complex64 of shape \(4, .* {n_seen}"):
        agent.place_propensities(seen, slates, changed(own, lambda rows: rows.astype("c8")))
    with pytest.raises(ValueError, match="state of type tuple is no memory of this agent"):
        agent.predict(seen, (own,))


def changed(memory, change):
    """Returns a memory with another first array."""
    rows = iter([change(leaves(memory)[0]), *leaves(memory)[1:]])
    return rebuilt(memory, rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"item_id": -1}, r"item_id=-1 is out of range; use 0 to 29, the ids of"),
        ({"item_id": 30}, r"item_id=30 is out of range; use 0 to 29"),
        ({"user_id": 6}, r"user_id=6 is out of range; use 0 to 5"),
        ({"item_id": 2.0}, r"item_id of type float64 holds no ids; use integers, 0 to 29"),
    ],
)
def test_ids_that_are_none_are_refused(env, agent, changes, message):
    seen = env.reset(seed=1)[0]
    wrong = {name: np.full(seen[name].shape, value) for name, value in changes.items()}
    with pytest.raises(ValueError, match=message):
        agent.predict(seen | wrong)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"deterministic": "no"}, "deterministic='no' is of type str; use bool"),
        ({"state": "x"}, "state of type str is no memory of this agent; pass what predict"),
        ({"episode_start": np.ones(2, bool)}, r"episode_start of shape \(2,\) does not fit 4 obs"),
    ],
)
def test_what_predict_cannot_mean_is_refused(env, agent, given, message):
    with pytest.raises(ValueError, match=message):
        agent.predict(env.reset(seed=1)[0], **given)


@pytest.mark.parametrize("name", ["linucb", "ppo", "dqn"])
def test_who_cannot_be_called_is_refused_before_anything_is_learned(env, name):
    agent = make_agent(name, env)
    with pytest.raises(TypeError, match=r"callback=\[\] cannot be called; use a function of the a"):
        agent.learn(8, callback=[])
    assert agent.num_timesteps == 0


def test_what_is_no_name_of_an_agent_is_refused(env, agent, tmp_path):
    for wrong in (3, None, type(agent)):
        with pytest.raises(
            TypeError, match=r"is no name; use one of uniform, .*Class\(env, seed=0"
        ):
            make_agent(wrong, env)
    agent.save(tmp_path / "kept.agent")
    assert make_agent(tmp_path / "kept.agent", env).num_timesteps == agent.num_timesteps
