"""The encoder by hand against torch, alone and in the agents that learn by it."""

from typing import Any

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.core.session import SessionMemory
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.short_video import ShortVideo

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')


@pytest.mark.parametrize("observe_state", [False, True])
def test_outputs_and_gradients_are_those_of_torch(observe_state):
    """Of fields with blocks, rows, and (with the state) more of each candidate."""
    from recsim_env.agents.networks.encoder import CandidateEncoder, compute_by_hand

    space = SessionMemory(ShortVideo(observe_state=observe_state)).seen_space
    torch.manual_seed(0)
    seen = {name: 3.0 * torch.randn(9, *each.shape) for name, each in space.items()}
    encoder = CandidateEncoder(space, 8)
    assert bool(encoder.beside) == observe_state
    found = []
    for by_hand in (False, True):
        if by_hand:
            compute_by_hand(encoder)
            assert encoder.by_hand
        encoder.zero_grad()
        person, items = encoder(seen)
        (person.square().sum() + items[:, 1:].sin().sum()).backward()
        gradients = [each.grad.clone() for each in encoder.parameters()]
        found.append([person.detach(), items.detach(), *gradients])
        with torch.no_grad():
            assert torch.equal(encoder(seen)[1], items)
    for plain, by_hand in zip(*found, strict=True):
        assert plain.abs().max() > 0.1
        assert torch.allclose(plain, by_hand, rtol=1e-5, atol=1e-5)


def test_large_and_small_numbers_are_tempered():
    from recsim_env.agents.networks.fused_inputs import temper

    sizes = np.float32(10.0) ** np.linspace(-8, 30, 5_001, dtype=np.float32)
    x = np.concatenate([[0.0], sizes, -sizes]).astype(np.float32)
    expected = np.copysign(np.log1p(np.abs(x.astype(float))), x)
    magnitude, exponent = np.empty((2, len(x)), np.float32)
    temper(x, magnitude, np.empty(len(x), np.int32), exponent)
    np.testing.assert_allclose(x, expected, rtol=2e-7, atol=1.2e-7)


def test_what_is_no_finite_number_is_tempered_to_itself():
    from recsim_env.agents.networks.fused_inputs import temper

    wrong = np.array([np.nan, np.inf, -np.inf], np.float32)
    largest = np.finfo(np.float32).max
    x = np.tile(np.append(wrong, [1.0, largest]), 5).astype(np.float32)
    magnitude, exponent = np.empty((2, len(x)), np.float32)
    temper(x, magnitude, np.empty(len(x), np.int32), exponent)
    for row in x.reshape(5, 5):
        assert np.array_equal(row[:3], wrong, equal_nan=True)
        assert row[3:] == pytest.approx(np.log1p([1.0, largest]), rel=1e-6)


def test_what_is_no_number_is_described_and_scored_as_none():
    """Of the candidate concerned, and of the moment, by ppo's loop and by the encoder alone."""
    from recsim_env.agents.networks.encoder import compute_by_hand

    agent: Any = make_agent("ppo", RecommendationVectorEnv(InterestEvolution, num_envs=4), width=8)
    seen = {name: value.copy() for name, value in agent.env.reset(seed=0)[0].items()}
    seen["candidates"][2, 1, 0] = np.nan
    heads = agent._judged(seen, agent.begin_state(4))
    assert heads.scores.isnan().argwhere().tolist() == [[2, 1]]
    assert heads.values.isnan().tolist() == [False, False, True, False]
    encoder = agent.network.encoder
    compute_by_hand(encoder)
    with torch.no_grad():
        _, items = encoder(
            agent._differentiation.inputs(agent.memory.seen(agent.begin_state(4), seen))
        )
    assert encoder.by_hand and items.isnan().any(dim=2).argwhere().tolist() == [[2, 1]]


@pytest.mark.parametrize("kind", ["slateq", "dqn", "qrdqn"])
def test_agents_learn_by_the_gradients_of_torch(kind):
    """The same weights and replay, and one gradient step, of Stable-Baselines3 for the last two."""
    if kind != "slateq":
        pytest.importorskip("sb3_contrib", reason='needs pip install "recsim-env[agents]"')
    env = RecommendationVectorEnv(InterestEvolution, num_envs=16)
    agent: Any = make_agent(kind, env, learning_starts=64, width=8).learn(256)
    network = agent.network if kind == "slateq" else agent.model.policy
    ours = [part for part in network.modules() if hasattr(part, "by_hand")]
    assert ours and all(part.by_hand for part in ours)
    learned = [each for each in network.parameters() if each.requires_grad]
    batch = agent.trainer.on_device(agent.replay.sample(64, agent.rng)) if kind == "slateq" else {}
    found = []
    for by_hand in (True, False):
        for part in ours:
            part.by_hand = by_hand
        network.zero_grad()
        if kind == "slateq":
            agent.loss(batch).backward()
        else:
            np.random.seed(0)
            before = [each.detach().clone() for each in network.parameters()]
            agent.model.train(1, 64)
            with torch.no_grad():
                for each, kept in zip(network.parameters(), before, strict=True):
                    each.copy_(kept)
        found.append([each.grad.clone() for each in learned if each.grad is not None])
    assert len(found[0]) > 6 and max(each.abs().max() for each in found[0]) > 1e-3
    for hand, plain in zip(*found, strict=True):
        assert torch.allclose(hand, plain, rtol=1e-4, atol=1e-6)
