"""PPO: its gradients against Stable-Baselines3's, its advantages, and what it goes on from."""

from typing import Any

import numpy as np
import pytest

from recsim_env.agents import load_agent, make_agent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')


def people(num_envs=8, **settings):
    return RecommendationVectorEnv(InterestEvolution, num_envs=num_envs, **settings)


@pytest.mark.parametrize(("slate_size", "entropy"), [(1, 0.0), (3, 0.01)])
def test_gradients_are_those_of_stable_baselines3(slate_size, entropy):
    """One minibatch of its own rollout and the same weights: its `train` against ours."""
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    from recsim_env.agents.policy_gradient.differentiation import ByHand, ByTorch
    from recsim_env.agents.policy_gradient.update import take_steps

    env = people(slate_size=slate_size)
    given: dict[str, Any] = {"n_minibatches": 1, "n_epochs": 1, "entropy": entropy, "rollout": 256}
    theirs: Any = make_agent("sb3_ppo", env, seed=1, **given)
    ours: Any = make_agent("ppo", env, seed=2, **given)
    model, network = theirs.model, ours.network
    network.values = lambda seen: network(seen)[1][:, None]  # as its policy asks for them
    model.policy.network = network
    kept: list[Any] = []

    class Kept(torch.optim.SGD):
        def step(self, closure=None):
            kept.append([each.grad.clone() for each in network.parameters()])

    model.policy.optimizer = Kept(network.parameters(), lr=0.0)
    theirs.learn(256)
    buffer = model.rollout_buffer
    seen = {name: torch.as_tensor(each) for name, each in buffer.observations.items()}
    rows = network.inputs(seen) | {
        "slate": torch.as_tensor(buffer.actions).long(),
        "log_prob": torch.as_tensor(buffer.log_probs)[:, 0],
        "advantage": torch.as_tensor(buffer.advantages)[:, 0],
        "return": torch.as_tensor(buffer.returns)[:, 0],
    }
    more = ours.settings.of_update(256)
    for way in (ByHand(network), ByTorch(network, torch.device("cpu"))):
        take_steps(way, Kept(network.parameters(), lr=0.0), rows, ours.rng, **more)
    assert len(kept) == 3
    assert max(each.abs().max() for each in kept[0]) > 0.01
    for their, by_hand, by_torch in zip(*kept, strict=True):
        assert torch.allclose(their, by_hand, rtol=0.0, atol=1e-6)
        assert torch.allclose(their, by_torch, rtol=0.0, atol=1e-6)


def test_gradients_with_redundancy_are_those_of_torch():
    """Its encoder is computed by hand, and what follows by torch."""
    from recsim_env.agents.policy_gradient.differentiation import ByTorch

    agent: Any = make_agent("ppo", people(slate_size=3), width=8, redundancy=True)
    agent.learn(500)
    rows = {name: column[:40] for name, column in agent.rollout.columns.items()}
    torch.manual_seed(0)
    rows |= {"advantage": torch.randn(40), "return": torch.randn(40)}
    encoder, found = agent.network.encoder, []
    assert encoder.by_hand
    for by_hand in (True, False):
        encoder.by_hand = by_hand
        way = ByTorch(agent.network, torch.device("cpu"))
        way.differentiate(rows, clip_range=0.4, entropy=0.01)
        found.append([each.grad.clone() for each in agent.network.parameters()])
    assert max(each.abs().max() for each in found[0]) > 0.01
    assert all(torch.allclose(*each, rtol=1e-4, atol=1e-6) for each in zip(*found, strict=True))


def test_threads_change_nothing():
    """A minibatch of three parts, the last of which is not full."""
    from recsim_env.agents.policy_gradient.differentiation import ByHand
    from recsim_env.engine.threads import splitting_always

    agent: Any = make_agent("ppo", people(150), width=8)
    seen = agent.memory.seen(agent.begin_state(150), agent.env.reset(seed=0)[0])
    found = []
    for n_threads in (1, 3):
        way = ByHand(agent.network, n_threads)
        with splitting_always():
            heads = way.judge(seen)
            rows = way.inputs(seen) | {
                "slate": torch.arange(3).tile(150, 1),
                "log_prob": heads.values - 5.0,
            }
            rows |= {"advantage": heads.scores[:, 0], "return": heads.scores[:, 1]}
            losses = way.differentiate(rows, clip_range=0.4, entropy=0.01)
        gradients = [each.grad.clone() for each in agent.network.parameters()]
        found.append([heads.scores, heads.values, torch.tensor(losses), *gradients])
    assert all(torch.equal(*each) for each in zip(*found, strict=True))


def test_scores_are_by_the_weights_as_they_are_now():
    """Changed in place, and put in another place."""
    agent: Any = make_agent("ppo", people(), width=8)
    observation, state = agent.env.reset(seed=0)[0], agent.begin_state(8)
    weight = agent.network.score.weight
    weight.data.mul_(100.0)  # fresh ones are small
    found = [agent.scores(observation, state)]
    weight.data.mul_(2.0)
    found.append(agent.scores(observation, state))
    weight.data = 2.0 * weight.data
    found.append(agent.scores(observation, state))
    apart = [each - agent.network.score.bias.item() for each in found]
    assert np.allclose(2.0 * apart[0], apart[1], atol=1e-5) and np.ptp(apart[0]) > 1e-2
    assert np.allclose(2.0 * apart[1], apart[2], atol=1e-5)


def test_advantages_are_discounted_sums_within_sessions():
    """Of three people: one goes on, one leaves at step 1, and one is cut off there."""
    from recsim_env.agents.policy_gradient.rollout import Rollout

    rng, gamma, gae_lambda = np.random.default_rng(0), 0.9, 0.8
    values, rewards = rng.normal(size=(5, 3)).astype(np.float32), rng.normal(size=(4, 3))
    rollout = Rollout(4, 3, torch.device("cpu"))
    rollout.begin(rng)
    for step in range(4):
        left, over = (np.array([False, step == 1, each]) for each in (False, step == 1))
        number = torch.arange(3) + 3 * step
        rollout.see(torch.from_numpy(values[step]), {"number": number})
        rollout.earn(rewards[step], left, over, np.array([True, step != 2, step != 2]))
    assert rollout.is_full
    found = rollout.batch(values[4], gamma=gamma, gae_lambda=gae_lambda)
    expected = {}
    for person in range(3):
        for step in range(4):
            is_over = person > 0 and step == 1
            following = 0.0 if person == 1 and is_over else values[step + 1, person]
            error = rewards[step, person] + gamma * following - values[step, person]
            expected[step, person] = error, is_over
    for person in range(3):
        after = 0.0
        for step in (3, 2, 1, 0):
            error, is_over = expected[step, person]
            after = error if is_over else error + gamma * gae_lambda * after
            expected[step, person] = after
    steps = [key for key in expected if key not in ((2, 1), (2, 2))]
    numbers = found["number"].tolist()
    assert sorted(numbers) == sorted(3 * step + person for step, person in steps)
    for number, advantage, whole in zip(numbers, found["advantage"], found["return"], strict=True):
        key = divmod(number, 3)
        assert advantage == pytest.approx(expected[key], abs=1e-5)
        assert whole == pytest.approx(expected[key] + values[key], abs=1e-5)


def test_rewards_are_scaled_as_by_stable_baselines3():
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    from stable_baselines3.common.running_mean_std import RunningMeanStd

    from recsim_env.agents.policy_gradient.reward_scale import RewardScale

    rng, scale, theirs = np.random.default_rng(0), RewardScale(0.9), RunningMeanStd(shape=())
    scale.begin(4)
    earned = np.zeros(4)
    for _ in range(20):
        rewards, is_over = 5.0 * rng.random(4), rng.random(4) < 0.3
        earned = 0.9 * earned + rewards
        theirs.update(earned)
        expected = np.clip(rewards / np.sqrt(theirs.var + 1e-8), -10.0, 10.0)
        found = scale.scaled(rewards, is_over, np.ones(4, bool))
        assert found == pytest.approx(expected)
        earned[is_over] = 0.0


@pytest.mark.parametrize("more", [{}, {"profiles": True, "recency": True}, {"response_weight": 1}])
def test_learning_goes_on_amid_a_rollout_as_if_it_had_not_been_saved(tmp_path, more):
    """Rollouts of 64, saved after 100 and 200 interactions."""
    settings: dict[str, Any] = {"rollout": 64, "width": 8, **more}
    whole: Any = make_agent("ppo", people(max_episode_steps=9), seed=3, **settings)
    whole.learn(100).learn(100).learn(100)
    agent: Any = make_agent("ppo", people(max_episode_steps=9), seed=3, **settings)
    for _ in range(3):
        agent.learn(100)
        agent.save(tmp_path / "an.agent")
        agent = load_agent(tmp_path / "an.agent", people(max_episode_steps=9))
    assert agent.num_timesteps == whole.num_timesteps
    for mine, other in zip(agent.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_it_learns_with_any_number_of_people():
    """Settings that are 0 suit the number; a rollout has two steps of everybody at least."""
    for num_envs in (1, 3, 700):
        agent: Any = make_agent("ppo", people(num_envs, max_episode_steps=5), seed=0, width=4)
        before = agent.network.score.weight.clone()
        agent.learn(agent.rollout.n_steps * num_envs + num_envs)
        assert not torch.equal(before, agent.network.score.weight)
    small: Any = make_agent("ppo", people(1), rollout=1, width=4)
    small.learn(4)
    assert all(each.isfinite().all() for each in small.network.parameters())


def test_a_flat_network_knows_candidates_by_their_place():
    env = people()
    observation, _ = env.reset(seed=0)
    turned = observation | {"candidates": np.roll(observation["candidates"], 1, axis=1)}
    for network, is_moved in (("candidates", True), ("flat", False)):
        agent: Any = make_agent("ppo", env, network=network).learn(64)
        found = [agent.scores(seen, agent.begin_state(8)) for seen in (observation, turned)]
        assert np.allclose(np.roll(found[0], 1, axis=1), found[1], atol=1e-6) == is_moved


def test_what_people_respond_is_predicted_of_what_they_were_shown():
    """Two of the three rows' places, and columns that vary differently."""
    from recsim_env.agents.networks.shared_scores import Heads
    from recsim_env.agents.policy_gradient.proximal import proximal_losses

    rng = np.random.default_rng(0)
    predicted, true = rng.normal(size=(3, 4, 2)), rng.random((3, 2, 2)) * [1.0, 50.0]
    slate = np.array([[0, 1], [3, 2], [1, 3]])
    rows = {"slate": torch.as_tensor(slate), "response": torch.as_tensor(true)}
    rows |= {name: torch.zeros(3) for name in ("log_prob", "advantage", "return")}

    class Network:
        def heads(self, _):
            responses = torch.as_tensor(predicted)
            return Heads(torch.zeros(3, 4), torch.zeros(3), None, responses)

    def total(weight):
        given = {"clip_range": 0.4, "entropy": 0.0, "response_weight": weight}
        return float(proximal_losses(Network(), rows, **given).total)

    goal = np.log1p(true)
    error = predicted[np.arange(3)[:, None], slate] - goal
    variance = goal.reshape(6, 2).var(axis=0, ddof=1) + 1e-3
    assert total(2.0) - total(0.0) == pytest.approx(2.0 * (error**2 / variance).mean(), rel=1e-5)


def test_clicks_are_predicted_better_than_by_their_mean():
    agent: Any = make_agent("ppo", people(64), seed=0, response_weight=1.0, width=16).learn(12_000)
    env, errors, clicks = people(64), [], []
    observation, _ = env.reset(seed=5)
    for _ in range(8):
        heads = agent._judged(observation, agent.begin_state(64))
        slates = agent.predict(observation, deterministic=False)[0]
        predicted = heads.responses.numpy()[np.arange(64)[:, None], slates, 0]
        observation, *_ = env.step(slates)
        clicks.append(np.log1p(observation["response"][:, :, 0]))
        errors.append(clicks[-1] - predicted)
    assert np.mean(np.square(errors)) < 0.95 * np.var(clicks)


def test_a_single_response_is_learned_from():
    """It has no variance."""
    given: dict[str, Any] = {"rollout": 4, "n_minibatches": 4, "response_weight": 1.0, "width": 4}
    agent: Any = make_agent("ppo", people(2, slate_size=1), **given).learn(8)
    assert all(each.isfinite().all() for each in agent.network.parameters())


@pytest.mark.parametrize("given", [{"response_weight": 1.0}, {"redundancy": True}])
def test_what_a_flat_network_would_ignore_is_refused(given):
    with pytest.raises(ValueError, match='network="flat" does not'):
        make_agent("ppo", people(), network="flat", **given)


@pytest.mark.parametrize("method", ["described", "inputs"])
def test_an_encoder_that_overrides_any_method_is_heeded(method):
    from recsim_env.agents.networks.encoder import CandidateEncoder

    def nothing(self, given):
        found = getattr(CandidateEncoder, method)(self, given)
        if method == "described":
            return tuple(0.0 * each for each in found)
        return type(found)((name, 0.0 * each) for name, each in found.items())

    blind = type("Blind", (CandidateEncoder,), {method: nothing})
    env = people()
    agent: Any = make_agent("ppo", env, network=blind, width=8)
    agent.network.score.weight.data.mul_(100.0)
    scores = agent.scores(env.reset(seed=0)[0], agent.begin_state(8))
    assert np.ptp(scores) < 1e-6


def test_it_computes_in_the_threads_of_the_environment_it_is_in():
    agent: Any = make_agent("ppo", people(2), width=4)
    agent.set_env(people(2, threads=2))
    assert agent._differentiation._threads.n == 2


def test_the_learning_rate_falls_to_half_after_as_many_interactions_as_decay():
    agent: Any = make_agent("ppo", people(4), rollout=64, learning_rate=0.01, decay=128, width=4)
    agent.learn(128)
    assert agent.trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.005)
    agent.learn(128)
    assert agent.trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.01 / 3)
    steady: Any = make_agent("ppo", people(4), rollout=64, learning_rate=0.01, width=4)
    steady.learn(128)
    assert steady.trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.01)
