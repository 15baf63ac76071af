"""Q-learning on slates against NumPy: what values are regressed on, and what is averaged."""

import itertools
from typing import Any

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
pytest.importorskip("sb3_contrib", reason='needs pip install "recsim-env[agents]"')

N_CANDIDATES, SLATE_SIZE = 5, 2


def learned(kind="dqn", num_envs=8, **settings) -> Any:
    """Returns an agent of sessions of which some end and some are cut."""
    scenario = InterestEvolution(
        n_candidates=N_CANDIDATES, slate_size=SLATE_SIZE, n_topics=4, time_budget=15.0
    )
    env = RecommendationVectorEnv(scenario, num_envs=num_envs, max_episode_steps=6)
    agent = make_agent(kind, env, seed=0, learning_starts=100, **settings)
    return agent.learn(600)


def all_values(network, observation):
    """Returns the values of all slates, (n_slates, n, n_quantiles)."""
    n = len(observation["candidates"])
    slates = itertools.combinations(range(N_CANDIDATES), SLATE_SIZE)
    with torch.no_grad():
        found = [network.values(observation, torch.tensor([slate] * n)) for slate in slates]
    return torch.stack(found).numpy()


@pytest.mark.parametrize("kind", ["dqn", "qrdqn"])
def test_values_are_regressed_on_rewards_and_the_best_slate_then(kind, monkeypatch):
    agent = learned(kind)
    model, buffer = agent.model, agent.model.replay_buffer
    n, n_kept = 200, buffer.size()
    with agent.generators() as seed:
        np.random.seed(seed)
        steps, people = np.random.randint(0, n_kept, n), np.random.randint(0, 8, n)
        np.random.seed(seed)
        taken = {}
        loss = model.loss
        monkeypatch.setattr(
            model,
            "loss",
            lambda values, targets: taken.update(found=targets.numpy()) or loss(values, targets),
        )
        following = {
            name: torch.as_tensor(column[steps, people])
            for name, column in buffer.next_observations.items()
        }
        best = all_values(model.policy.q_net, following).mean(axis=2).argmax(axis=0)
        ahead = all_values(model.policy.q_net_target, following)[best, np.arange(n)]
        model.train(1, batch_size=n)

    is_over, is_cut = buffer.dones[steps, people] > 0, buffer.timeouts[steps, people] > 0
    assert (is_over & ~is_cut).any()
    assert is_cut.any()
    rewards = buffer.rewards[steps, people] / np.sqrt(model.env.ret_rms.var)
    goes_on = np.where(is_over & ~is_cut, 0.0, 1.0)
    expected = rewards[:, None] + goes_on[:, None] * agent.settings.gamma * ahead
    np.testing.assert_allclose(taken["found"], expected, rtol=1e-4, atol=1e-5)


def test_the_steps_that_are_kept_end_with_what_the_session_ended_with():
    """What follows the last step of a session is not the first observation of the next."""
    buffer = learned().model.replay_buffer
    n = buffer.size()
    before, after = buffer.observations["session"][:n], buffer.next_observations["session"][:n]
    np.testing.assert_allclose(after[:, :, 0], before[:, :, 0] + 0.01, rtol=1e-5)
    is_over = buffer.dones[:n] > 0
    assert (before[1:, :, 0][is_over[:-1]] == 0.0).all()
    assert np.array_equal(before[1:][~is_over[:-1]], after[:-1][~is_over[:-1]])


@pytest.mark.parametrize("num_envs", [1, 64])
def test_weights_are_averaged_at_every_gradient_step(num_envs):
    """However many people there are: as often as there are gradient steps, and no oftener."""
    agent = learned(num_envs=num_envs, tau=0.25)
    model, policy = agent.model, agent.model.policy
    averaged = [weight.detach().clone() for weight in policy.q_net_target.parameters()]
    n_before, train = model._n_updates, model.train

    def one_by_one(gradient_steps, batch_size):
        for _ in range(gradient_steps):
            train(1, batch_size)
            for place, weight in enumerate(policy.q_net.parameters()):
                averaged[place] = 0.75 * averaged[place] + 0.25 * weight.detach()

    model.train = one_by_one
    agent.learn(128)
    assert model._n_updates > n_before
    for weight, expected in zip(policy.q_net_target.parameters(), averaged, strict=True):
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("num_envs", [4, 16, 64])
def test_gradient_steps_keep_pace_with_people(num_envs):
    agent = learned(num_envs=num_envs, update_every=16)
    before = agent.model._n_updates
    agent.learn(1_024)
    assert agent.model._n_updates - before == 1_024 // 16


def test_random_slates_give_way_to_the_best():
    """From all of them before learning, along a line, to as many as are to stay."""
    agent = learned(exploration=0.1, exploration_steps=1_000)
    expected = {0: 1.0, 99: 1.0, 100: 0.91, 500: 0.55, 1_000: 0.1, 50_000: 0.1}
    for num_timesteps, share in expected.items():
        agent.num_timesteps = num_timesteps
        assert agent.explored_share() == pytest.approx(share)


def test_the_averaged_network_is_served():
    agent = learned(num_envs=8, tau=0.01)
    observation, _ = agent.env.reset(seed=1)
    slates, _ = agent.predict(observation, deterministic=True)
    seen = agent.tensors(observation, agent.begin_state(8))
    with torch.no_grad():
        found = [
            getattr(agent.model.policy, name).best(seen).numpy()
            for name in ("q_net_target", "q_net")
        ]
    assert np.array_equal(slates, found[0])
    assert not np.array_equal(slates, found[1])
