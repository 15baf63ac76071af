"""PPO, A2C and recurrent PPO: their probabilities, where they go on, and what they recall."""

from typing import Any

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.sb3.ppo import ProximalSettings
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
pytest.importorskip("sb3_contrib", reason='needs pip install "recsim-env[agents]"')

KINDS = ("sb3_ppo", "a2c", "recurrent_ppo")


@pytest.mark.parametrize(
    ("rollout", "n_minibatches", "num_envs"),
    [(1_024, 4, 16), (1_000, 3, 7), (1, 4, 64), (5, 1, 1), (3, 3, 1), (1, 1, 1)],
)
def test_minibatches_divide_the_rollout(rollout, n_minibatches, num_envs):
    settings = ProximalSettings(rollout=rollout, n_minibatches=n_minibatches).of_model(num_envs)
    n_steps, batch_size = settings["n_steps"], settings["batch_size"]
    assert (n_steps * num_envs) % batch_size == 0
    assert batch_size > 1
    assert abs(n_steps * num_envs - rollout) <= n_minibatches * max(num_envs, 2)


@pytest.mark.parametrize("kind", ["sb3_ppo", "a2c"])
@pytest.mark.parametrize(("n_candidates", "slate_size"), [(4, 1), (10, 3)])
def test_a_model_trains_with_the_probabilities_that_the_agent_states(
    kind, n_candidates, slate_size
):
    scenario = InterestEvolution(n_candidates=n_candidates, slate_size=slate_size)
    env = RecommendationVectorEnv(scenario, num_envs=8)
    agent: Any = make_agent(kind, env, seed=0).learn(600)
    observation, _ = env.reset(seed=1)
    tensors = agent.tensors(observation, agent.begin_state(8))
    policy = agent.model.policy
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        slates, values, log_prob = policy(tensors)
        again, evaluated, entropy = policy.evaluate_actions(tensors, slates)
    assert slates.shape == (8, slate_size)[: 1 + (slate_size > 1)]
    stated = agent.slate_probability(observation, slates.numpy().astype(np.uint8))  # any integers
    np.testing.assert_allclose(log_prob.exp().numpy(), stated, rtol=1e-5)
    assert torch.allclose(evaluated, log_prob)
    assert torch.equal(again, values)
    assert (entropy > 0).all()


@pytest.mark.parametrize("kind", (*KINDS, "dqn"))
def test_after_a_callback_stopped_it_learning_sees_what_is_there(kind):
    """Stable-Baselines3 would choose the next slates by the observation before the last."""
    from recsim_env.agents.sb3.training import people_in

    env = RecommendationVectorEnv(InterestEvolution, num_envs=4, max_episode_steps=3)
    agent: Any = make_agent(kind, env, seed=0)
    forward, recalled = agent.model.policy.forward, []
    if kind == "recurrent_ppo":
        agent.model.policy.forward = lambda *given: recalled.append(forward(*given)) or recalled[-1]
    for n_steps in (20, 12, 24):
        goal = agent.num_timesteps + n_steps
        agent.learn(10_000, callback=lambda learner, goal=goal: learner.num_timesteps < goal)
        assert agent.num_timesteps == goal
        shown = people_in(agent.model).observe()
        seen = agent.model._last_obs
        assert {"candidates", "response"} <= shown.keys() & seen.keys()
        assert all(np.array_equal(seen[name], shown[name]) for name in shown.keys() & seen.keys())
        has_begun = agent.model.env.venv.tracker.memories[:, 0] == 0.0
        assert np.array_equal(agent.model._last_episode_starts, has_begun)
        if recalled:
            assert torch.equal(agent.model._last_lstm_states.vf[0], recalled[-1][3].vf[0])


def test_a_flat_network_knows_candidates_by_their_place():
    env = RecommendationVectorEnv(InterestEvolution, num_envs=8)
    observation, _ = env.reset(seed=0)
    turned = observation | {"candidates": np.roll(observation["candidates"], 1, axis=1)}
    for network, is_moved in (("candidates", True), ("flat", False)):
        agent: Any = make_agent("sb3_ppo", env, network=network)
        with torch.no_grad():
            found = [
                agent.scores(agent.tensors(seen, agent.begin_state(8)))
                for seen in (observation, turned)
            ]
        assert np.allclose(np.roll(found[0], 1, axis=1), found[1], atol=1e-6) == is_moved


@pytest.mark.parametrize(
    ("kind", "setting", "value"),
    [
        ("sb3_ppo", "network", "round"),
        ("sb3_ppo", "n_epochs", 0),
        ("recurrent_ppo", "clip_range", 0.0),
        ("recurrent_ppo", "n_minibatches", 0),
        ("a2c", "rollout", 0),
        ("a2c", "entropy", -1.0),
        ("a2c", "gae_lambda", 1.1),
    ],
)
def test_settings_out_of_range_are_refused(kind, setting, value):
    env = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    with pytest.raises(ValueError, match=f"{setting}=.* is not allowed"):
        make_agent(kind, env, **{setting: value})


# What is recalled --------------------------------------------------------------------------------


def test_sequences_at_once_are_what_steps_one_by_one_are():
    """Against sb3-contrib's own loop, with memories that are empty at some sequences' begin."""
    from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy

    from recsim_env.agents.sb3.recurrent_score_policy import RecurrentScorePolicy

    with torch.random.fork_rng():
        torch.manual_seed(0)
        lstm = torch.nn.LSTM(3, 5)
        features, states = torch.randn(4 * 6, 3), (torch.randn(1, 4, 5), torch.randn(1, 4, 5))
    starts = torch.zeros(4, 6)
    starts[[0, 2], 0] = 1.0
    arguments = features, states, starts.flatten(), lstm
    found, after = RecurrentScorePolicy._process_sequence(*arguments)
    expected, expected_after = RecurrentActorCriticPolicy._process_sequence(*arguments)
    assert torch.allclose(found, expected, atol=1e-6)
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(after, expected_after, strict=True))


def test_prediction_recalls_what_training_does():
    """The state that `predict` hands on, against the actor's LSTM over a whole session."""
    env = RecommendationVectorEnv(InterestEvolution, num_envs=3)
    agent: Any = make_agent("recurrent_ppo", env, seed=0).learn(300)
    policy = agent.model.policy
    observation, _ = env.reset(seed=4)
    state, read = None, []
    for _ in range(6):
        slates, state = agent.predict(observation, state)
        seen = agent.tensors(observation, state)
        read.append(policy.features_extractor(seen).detach())
        observation, *_ = env.step(slates)
    with torch.no_grad():
        recalled, _ = policy.lstm_actor(torch.stack(read))
    np.testing.assert_allclose(state.hidden, recalled[-1].numpy(), atol=1e-6)
    restarted = agent.next_state(state, observation, np.array([True, False, True]))
    fresh = agent.next_state(agent.begin_state(3), observation, np.ones(3, bool))
    assert np.array_equal((restarted.hidden == fresh.hidden).all(axis=1), [True, False, True])
