"""Every agent learns on another reward, however it is told of it."""

import numpy as np
import pytest
from gymnasium.wrappers.vector import TransformReward

from recsim_env.agents import AGENTS, agent_class, make_agent
from recsim_env.agents.core.restoring import flattened
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

pytestmark = pytest.mark.learns

SMALL = {"n_users": 20, "n_items": 30, "max_slates": 5, "world_seed": 1}

# Of clicks, however much they bring, or nothing at all.
LEARNS_NO_REWARD = ("logistic_thompson", "uniform", "oracle")


def turned(config, user, items, slate, response, own_reward):
    return 1.0 - 2.0 * own_reward


def people(**settings):
    return RecommendationVectorEnv(RatedCatalogue(**SMALL, **settings), num_envs=4)


def learned(env, name):
    return flattened(make_agent(name, env, seed=2).learn(100).state_dict())


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("name", AGENTS)
def test_a_wrapper_teaches_what_such_a_reward_does(name):
    if agent_class(name).unsuitable(RatedCatalogue(**SMALL, reward=turned)):
        pytest.skip("it looks into people, or has no use for such items")
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    envs = (
        TransformReward(people(), lambda rewards: 1.0 - 2.0 * rewards),
        people(reward=turned),
        people(),
    )
    wrapped, paid, own = (learned(env, name) for env in envs)
    assert same(wrapped, paid)
    assert same(wrapped, own) == (name in LEARNS_NO_REWARD)
