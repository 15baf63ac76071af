"""Agents learn on what Gymnasium's reward wrappers pay as on a reward that pays it."""

import copy

import gymnasium
import numpy as np
import pytest
from gymnasium import RewardWrapper
from gymnasium.vector import SyncVectorEnv, VectorRewardWrapper
from gymnasium.wrappers import ClipReward, NormalizeReward, TransformReward
from gymnasium.wrappers.vector import ClipReward as ClipRewards
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from gymnasium.wrappers.vector import TransformReward as TransformRewards

from recsim_env.agents import make_agent
from recsim_env.agents.core.restoring import flattened
from recsim_env.benchmark import evaluate
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

ID = "recsim_env/LongTermSatisfaction-v0"


def turned(config, user, items, slate, response, own_reward):
    return 1.0 - 2.0 * own_reward


def turned_and_clipped(config, user, items, slate, response, own_reward):
    return min(max(1.0 - 2.0 * own_reward, -9.0), 2.0)


def turn(rewards):
    return 1.0 - 2.0 * rewards


class Turned(VectorRewardWrapper):
    def rewards(self, rewards):
        return turn(rewards)


class TurnedOne(RewardWrapper):
    def reward(self, reward):
        return turn(reward)


def batch(**settings):
    return gymnasium.make_vec(ID, **({"num_envs": 4} | settings))


def singles(*wrappers, n=4):
    def make():
        env = gymnasium.make(ID)
        for wrapper in wrappers:
            env = wrapper(env)
        return env

    return SyncVectorEnv([make] * n)


def learned(env, name="linucb", n=100, **settings):
    return flattened(make_agent(name, env, seed=2, **settings).learn(n).state_dict())


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize(
    "env",
    [
        lambda: TransformRewards(batch(), turn),
        lambda: Turned(batch()),
        lambda: RecordEpisodeStatistics(Turned(batch())),
        lambda: Turned(RecordEpisodeStatistics(batch())),
        lambda: singles(TurnedOne),
        lambda: singles(lambda env: TransformReward(env, turn)),
        lambda: Turned(singles()),
        lambda: RecordEpisodeStatistics(Turned(RecordEpisodeStatistics(singles()))),
    ],
)
def test_wrappers_of_batches_and_of_single_environments_are_alike(env):
    assert same(learned(env()), learned(batch(reward=turned)))


@pytest.mark.parametrize(
    "env",
    [
        lambda: ClipRewards(Turned(batch()), -9.0, 2.0),
        lambda: ClipRewards(singles(TurnedOne), -9.0, 2.0),
        lambda: singles(TurnedOne, lambda env: ClipReward(env, -9.0, 2.0)),
    ],
)
def test_wrappers_apply_in_their_order(env):
    assert same(learned(env()), learned(batch(reward=turned_and_clipped)))
    assert not same(learned(env()), learned(batch(reward=turned)))


def test_a_single_environment_with_another_reward_is_learned_in():
    one = TransformReward(gymnasium.make(ID), turn)
    assert same(learned(one), learned(batch(num_envs=1, reward=turned)))


def test_networks_learn_from_single_environments_too():
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    assert same(learned(singles(TurnedOne), "ppo"), learned(batch(reward=turned), "ppo"))


@pytest.mark.parametrize("name", ["linucb", "a2c"])
def test_learning_goes_on_in_a_copy(name):
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    agent = make_agent(name, Turned(batch()), seed=2).learn(60)
    copied = copy.deepcopy(agent)
    assert same(*(flattened(each.learn(60).state_dict()) for each in (agent, copied)))


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            lambda: TransformRewards(batch(), lambda rewards: rewards * np.nan),
            r"TransformReward made a reward of nan; return finite",
        ),
        (
            lambda: singles(lambda env: TransformReward(env, lambda _: np.inf)),
            r"TransformReward made a reward of inf; return finite",
        ),
        (
            lambda: TransformRewards(batch(), lambda _: 1.0),
            r"TransformReward made rewards of shape \(\) of 4 .*of shape \(4,\)",
        ),
    ],
)
def test_what_wrappers_must_not_pay_is_told_with_their_name(env, message):
    with pytest.raises(ValueError, match=message):
        learned(env())


def test_evaluation_is_of_the_own_reward():
    agent = make_agent("linucb", Turned(batch()), seed=2)
    plain = make_agent("linucb", batch(), seed=2)
    found, expected = (
        evaluate(each, LongTermSatisfaction, n_episodes=4, seed=1) for each in (agent, plain)
    )
    assert np.array_equal(found.returns, expected.returns)
    assert isinstance(agent.stage, Turned)  # it was given back what it learns in


class Sneaky(Turned):
    def step(self, actions):
        return self.env.step(actions * 0)


class SneakyOne(TurnedOne):
    def reset(self, **arguments):
        return self.env.reset()


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (lambda: Sneaky(batch()), "through Sneaky, which may change"),
        (lambda: SneakyOne(gymnasium.make(ID)), "through SneakyOne, which may change"),
        (lambda: NormalizeReward(gymnasium.make(ID)), "NormalizeReward.*with TransformReward"),
        (lambda: Turned(singles(SneakyOne)), "through SneakyOne"),
    ],
)
def test_wrappers_that_do_more_are_refused(env, said):
    with pytest.raises(TypeError, match=said):
        make_agent("linucb", env())
