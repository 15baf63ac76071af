"""Agents behind Stable-Baselines3 see what they remember, continue, and are kept whole."""

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest

from recsim_env.agents import agent_class, load_agent, make_agent
from recsim_env.agents.core.restoring import flattened
from recsim_env.agents.core.session import SESSION, TRACES, SessionMemory
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')

KINDS = ("dqn", "qrdqn", "sb3_ppo", "a2c", "recurrent_ppo", "sac")

#: With agents that are not meant to learn so fast, or to overlook the order of candidates.
ALL_KINDS = (*KINDS, "full_slate_q")


def learned(agent) -> dict[str, np.ndarray]:
    """Returns what an agent learned, without the sessions that it is amid."""
    return flattened(agent.state_dict() | {"learning": {}})


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_candidates_does_not_matter(kind):
    env = RecommendationVectorEnv(InterestEvolution, num_envs=6, n_candidates=6, slate_size=2)
    agent = make_agent(kind, env, seed=0).learn(200)
    observation, _ = env.reset(seed=1)
    observation["candidates"] = np.tile(np.eye(20, dtype=np.float32)[:6], (6, 1, 1))  # no ties
    slates, _ = agent.predict(observation, deterministic=True)
    order = np.random.default_rng(0).permutation(6)
    shuffled = observation | {"candidates": observation["candidates"][:, order]}
    others, _ = agent.predict(shuffled, deterministic=True)
    assert np.array_equal(np.sort(order[others]), np.sort(slates))


def trained_anew(kind, noise):
    """Returns an agent that learned while others draw `noise`, and left them alone."""
    np.random.seed(noise)
    torch.manual_seed(noise)
    # some sessions end, others are cut, which values tell apart
    env = RecommendationVectorEnv(InterestEvolution, num_envs=8, max_episode_steps=20)
    agent = make_agent(kind, env, seed=3)
    expected = np.random.get_state()[1].copy(), torch.get_rng_state()
    agent.learn(1_500)
    assert np.array_equal(expected[0], np.random.get_state()[1])
    assert torch.equal(expected[1], torch.get_rng_state())
    return agent


@pytest.fixture(scope="module", params=ALL_KINDS)
def trained(request):
    """Returns a kind, and an agent that learned; tests that change it take a copy."""
    return request.param, trained_anew(request.param, noise=0)


def test_saved_agents_recommend_and_learn_on_as_the_original(trained, tmp_path):
    agent = copy.deepcopy(trained[1])
    env = agent.env
    agent.save(tmp_path / "agent.npz")
    loaded = load_agent(tmp_path / "agent.npz", env)
    assert loaded.num_timesteps == agent.num_timesteps
    observation, _ = env.reset(seed=2)
    state = other = None
    for _ in range(10):
        slates, state = agent.predict(observation, state)
        copies, other = loaded.predict(observation, other)
        assert np.array_equal(slates, copies)
        observation = env.step(slates)[0]
    kept, again = learned(agent), learned(loaded)
    assert kept.keys() == again.keys()
    assert any(name.startswith("optimizers.") for name in kept)
    assert all(np.array_equal(kept[name], again[name]) for name in kept)
    goal = loaded.num_timesteps + 300
    found, expected = (learned(each.learn(300)) for each in (loaded, agent))
    assert loaded.num_timesteps >= goal
    assert any(not np.array_equal(kept[name], value) for name, value in found.items())
    assert all(np.array_equal(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_learning_goes_on_where_it_stopped(kind):
    env = RecommendationVectorEnv(InterestEvolution, num_envs=8)
    is_short = {"rollout": 256} if "rollout" in agent_class(kind).Settings.defaults() else {}
    agent = make_agent(kind, env, seed=0, **is_short)
    steps = []
    agent.learn(600, callback=lambda learner: steps.append(learner.num_timesteps))
    assert steps == list(range(8, agent.num_timesteps + 1, 8))
    first = agent.num_timesteps
    assert first >= 600
    agent.learn(600)
    assert agent.num_timesteps >= first + 600
    before = agent.num_timesteps
    agent.learn(5_000, callback=lambda learner: learner.num_timesteps < before + 100)
    assert agent.num_timesteps == before + 104


def test_same_seed_same_agent_whatever_others_draw(trained):
    kind, agent = trained
    found, again = learned(agent), learned(trained_anew(kind, noise=1))
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_unsuitable_scenarios_are_told_apart():
    many = InterestEvolution(n_candidates=60, slate_size=3)
    for kind in KINDS:
        assert agent_class(kind).unsuitable(many) is None
    assert "34,220, more than 20,000" in (agent_class("full_slate_q").unsuitable(many) or "")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("dqn", {"tau": 0.0}),
        ("dqn", {"exploration": 2.0}),
        ("qrdqn", {"n_quantiles": 0}),
        ("sb3_ppo", {"clip_range": 0.0}),
        ("sb3_ppo", {"gamma": 1.5}),
        ("sb3_ppo", {"width": 0}),
        ("sac", {"device": "gpu"}),
    ],
)
def test_settings_out_of_range_are_refused(kind, settings):
    env = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    with pytest.raises(ValueError, match=f"{next(iter(settings))}=.* is not allowed"):
        make_agent(kind, env, **settings)


@pytest.mark.parametrize("kind", ["dqn", "sb3_ppo", "slateq"])
def test_a_missing_gpu_is_told_at_once(kind, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    env = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    with pytest.raises(ValueError, match="device='cuda', but torch finds no GPU"):
        make_agent(kind, env, device="cuda")
    made: Any = make_agent(kind, env, device="auto")
    assert getattr(made, "trainer", made).device.type == "cpu"


@pytest.mark.parametrize("kind", ["dqn", "sb3_ppo", "slateq"])
def test_what_was_saved_with_a_gpu_is_loaded_without(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    env = RecommendationVectorEnv(InterestEvolution, num_envs=2)
    agent = make_agent(kind, env)
    agent.settings = dataclasses.replace(agent.settings, device="cuda")
    agent.save(tmp_path / "agent.npz")
    with pytest.raises(ValueError, match="device='cuda', but torch finds no GPU; use device='cpu'"):
        load_agent(tmp_path / "agent.npz", env)
    loaded = load_agent(tmp_path / "agent.npz", env, device="cpu")
    observation, _ = env.reset(seed=0)
    slates = [each.predict(observation, deterministic=True)[0] for each in (agent, loaded)]
    assert np.array_equal(*slates)


def test_memory_adds_up_the_session():
    """Against sums over a trajectory written down beside it."""
    env = RecommendationVectorEnv(
        InterestEvolution, num_envs=1, n_candidates=6, slate_size=2, no_click_score=0.0
    )
    memory = SessionMemory(env.scenario)
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=4)
    state, sums, recent, passing = memory.begin(1), np.zeros(4), np.zeros(4), np.zeros((2, 20))
    shown, responses, n_clicks = [], [], 0
    for step in range(1, 16):
        slate = rng.permutation(6)[:2]
        state = memory.showing(state, observation, slate[None])
        features = observation["candidates"][0, slate]
        observation, *_ = env.step(slate[None])
        state = memory.after(state, observation)
        response = observation["response"][0]
        is_clicked = response[:, 0] > 0
        n_clicks += is_clicked.sum()
        sums += response[is_clicked].sum(axis=0)
        recent = 0.8 * recent + 0.2 * response[is_clicked].sum(axis=0)
        now = np.stack([features[is_clicked].sum(axis=0), features.sum(axis=0)])
        passing = 0.8 * passing + 0.2 * now
        shown.extend(features)
        responses.extend(response)
        x, y = np.array(shown), np.array(responses)
        slopes = (y - y.mean(axis=0)).T @ x / (1.0 + (x**2).sum(axis=0))
        seen = memory.seen_with(state, observation)
        assert all(seen[name].shape[1:] == space.shape for name, space in memory.spaces.items())
        expected = [step / 100, *(sums / 100), *recent]
        np.testing.assert_allclose(seen[SESSION][0], expected, rtol=1e-5, atol=1e-6)
        expected = np.concatenate([passing, slopes])
        np.testing.assert_allclose(seen[TRACES][0], expected, rtol=1e-4, atol=1e-5)
    assert n_clicks > 3


def test_memory_knows_a_taste_that_clicks_showed():
    """Somebody who clicks all of one feature and nothing else has that as their taste."""
    scenario = InterestEvolution(n_candidates=6, slate_size=2)
    memory = SessionMemory(scenario)
    state = memory.begin(1)
    for _ in range(50):
        seen = {"candidates": np.eye(20, dtype=np.float32)[None, :6]}
        state = memory.showing(state, seen, np.array([[3, 1]]))
        response = np.zeros((1, 2, scenario.schema.spaces["response"].shape[1]), np.float32)
        response[0, 0] = 1.0
        state = memory.after(state, {"response": response})
    taste = memory.seen_with(state, {})[TRACES][0, 2]
    assert taste[3] == pytest.approx(0.5, abs=0.02)
    assert taste[1] == pytest.approx(-0.5, abs=0.02)
    assert not taste[[0, 2, *range(4, 20)]].any()


def test_training_sees_what_prediction_remembers():
    """The observations that a model trains on are those that `predict` would hand it."""
    scenario = InterestEvolution(n_candidates=4, slate_size=1, horizon=10)
    env = RecommendationVectorEnv(scenario, num_envs=3)
    agent: Any = make_agent("dqn", env, seed=0)
    training, twin = agent.model.env, env.twin(num_envs=3)
    given, (expected, _) = training.reset(), twin.reset(seed=0)
    memory = SessionMemory(env.scenario)
    state = memory.begin(3)
    rng = np.random.default_rng(1)
    for step in range(1, 11):
        numbers = rng.integers(0, 4, 3)
        state = memory.showing(state, expected, numbers[:, None])
        expected = twin.step(numbers)[0]
        given, _, ended, infos = training.step(numbers)
        state = memory.after(state, expected)
        seen = memory.seen_with(state, expected)
        if step < 10:
            assert all(np.array_equal(seen[name], given[name]) for name in given)
    assert ended.all()
    for index in range(3):
        last = infos[index]["terminal_observation"]
        assert all(np.array_equal(seen[name][index], last[name]) for name in given)
    assert not given[SESSION].any()


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_one_thread_computes_and_others_keep_theirs(kind):
    """Small networks crawl where threads wait for each other, and sums depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        env = RecommendationVectorEnv(InterestEvolution, num_envs=4, n_candidates=4, slate_size=1)
        agent: Any = make_agent(kind, env, seed=0)
        found = set()
        agent.learn(40, callback=lambda _: found.add(torch.get_num_threads()))
        choose = agent.choose
        agent.choose = lambda *a, **k: (found.add(torch.get_num_threads()), choose(*a, **k))[1]
        agent.predict(env.reset(seed=0)[0])
        assert found == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
