"""Tianshou's people and networks: `pip install tianshou` beside this checkout runs these."""

import gymnasium
import numpy as np
import pytest

import recsim_env  # noqa: F401  # registers the ids

pytest.importorskip("tianshou", reason="Tianshou is not installed")

import torch
from tianshou.algorithm import DQN, PPO
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.utils.torch_utils import policy_within_training_step

from recsim_env.agents.frameworks.tianshou import (
    CandidateCritic,
    CandidateNet,
    TianshouVectorEnv,
    slates,
)
from recsim_env.envs.wrappers import enumerate_slates, point_at_items

ID = "recsim_env/InterestEvolution-v0"
SHORT = {"n_candidates": 5, "slate_size": 2, "n_topics": 4, "time_budget": 12.0}
WRAPPERS = {"plain": lambda env: env, "numbers": enumerate_slates, "points": point_at_items}


def people(n: int, **settings):
    return gymnasium.make_vec(ID, num_envs=n, autoreset_mode="Disabled", **(SHORT | settings))


def same(batch, singles) -> bool:
    """Whether rows of what a batch sees are what single environments see."""
    return all(
        np.array_equal(batch[name][row], one[name])
        for row, one in enumerate(singles)
        for name in one
    )


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_it_equals_single_environments_whoever_is_stepped(wrap):
    env = TianshouVectorEnv(WRAPPERS[wrap](people(4)))
    singles = [WRAPPERS[wrap](gymnasium.make(ID, **SHORT)) for _ in range(4)]
    env.seed(3)
    observation, _ = env.reset()
    assert same(observation, [one.reset(seed=3 + i)[0] for i, one in enumerate(singles)])
    rng = np.random.default_rng(0)
    space = singles[0].action_space
    space.seed(0)
    n_ended = 0
    for _ in range(60):
        ids = np.sort(rng.choice(4, rng.integers(1, 5), replace=False))
        actions = np.array([space.sample() for _ in ids])
        observation, rewards, terminated, truncated, infos = env.step(actions, ids)
        steps = [singles[i].step(action) for i, action in zip(ids, actions, strict=True)]
        assert same(observation, [step[0] for step in steps])
        assert rewards.tolist() == [step[1] for step in steps]
        assert terminated.tolist() == [step[2] for step in steps]
        assert len(truncated) == len(infos) == len(ids)
        ended = ids[terminated | truncated]
        n_ended += len(ended)
        if len(ended):
            assert same(env.reset(ended)[0], [singles[i].reset()[0] for i in ended])
    assert n_ended > 4


def test_infos_are_handed_on_where_they_are_wanted():
    name = "recsim_env/MusicStreaming-v0"
    batch = gymnasium.make_vec(name, num_envs=3, autoreset_mode="Disabled")
    told = TianshouVectorEnv(batch, keep_infos=True).reset(seed=1)[1]
    single = gymnasium.make(name)
    assert told.tolist() == [single.reset(seed=1 + i)[1] for i in range(3)]
    assert TianshouVectorEnv(batch).reset(seed=1)[1].tolist() == [{}, {}, {}]


def test_spaces_are_those_of_one_person():
    env = TianshouVectorEnv(people(3))
    assert env.action_space == [gymnasium.make(ID, **SHORT).action_space] * 3
    assert len(env) == 3


def test_other_environments_are_refused():
    with pytest.raises(ValueError, match=r"NEXT_STEP does not fit Tianshou; make .*'Disabled'"):
        TianshouVectorEnv(gymnasium.make_vec(ID, num_envs=2))
    with pytest.raises(TypeError, match="is not a batch of environments"):
        TianshouVectorEnv(gymnasium.make(ID))


def collected(algorithm, people, n_step: int) -> VectorReplayBuffer:
    buffer = VectorReplayBuffer(n_step, people.num_envs)
    collector = Collector(algorithm, TianshouVectorEnv(people), buffer)
    collector.reset()
    collector.collect(n_step=n_step)
    return buffer


def batch(name: str):
    return gymnasium.make_vec(f"recsim_env/{name}", num_envs=4, autoreset_mode="Disabled")


def weights(module: torch.nn.Module) -> list[np.ndarray]:
    return [each.detach().numpy().copy() for each in module.parameters()]


def test_q_values_learn_and_choose():
    people = batch("MusicStreaming-v0")
    model = CandidateNet(people.single_observation_space, width=8)
    policy = DiscreteQLearningPolicy(model=model, action_space=people.single_action_space)
    algorithm = DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-2), target_update_freq=2)
    buffer = collected(algorithm, people, 40)
    rows, _ = buffer.sample(16)
    assert np.array_equal(policy(rows).act, model(rows.obs)[0].argmax(dim=1))
    before = weights(model)
    with policy_within_training_step(policy):
        algorithm.update(buffer=buffer, sample_size=16)
    assert any((old != new).any() for old, new in zip(before, weights(model), strict=True))


@pytest.mark.parametrize("name", ["InterestEvolution-v0", "MusicStreaming-v0"])
def test_actors_draw_slates_and_learn(name):
    people = batch(name)
    space, actions = people.single_observation_space, people.single_action_space
    actor, critic = CandidateNet(space, width=8), CandidateCritic(space, width=8)
    policy = ProbabilisticActorPolicy(
        actor=actor,
        dist_fn=slates(actions),
        action_space=actions,
        action_scaling=False,
        action_bound_method=None,
    )
    algorithm = PPO(policy=policy, critic=critic, optim=AdamOptimizerFactory(lr=1e-2))
    buffer = collected(algorithm, people, 40)
    shown = buffer.act.reshape(40, -1)
    assert all(len(set(slate)) == len(slate) for slate in shown.tolist())  # no repeats
    assert critic(buffer.obs).shape == (40, 1)
    before = [*weights(actor), *weights(critic)]
    with policy_within_training_step(policy):
        algorithm.update(buffer=buffer, batch_size=20, repeat=2)
    after = [*weights(actor), *weights(critic)]
    assert all((old != new).any() for old, new in zip(before, after, strict=True))
