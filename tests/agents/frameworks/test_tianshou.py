"""Tianshou's networks: `pip install tianshou` beside this checkout runs these tests."""

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

from recsim_env.agents.frameworks.tianshou import CandidateCritic, CandidateNet, slates
from recsim_env.envs.tianshou import TianshouVectorEnv


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
