"""Upper confidence bounds against their definitions, one arm or one slate at a time."""

import numpy as np
import pytest
from scipy.optimize import brentq

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.bandits.arms import Tally
from recsim_env.agents.bandits.ucb import UCB, CascadeUCB, kl_bound
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.testing import check_agent


def kl(p, q):
    """Returns kl(p, q), q inside (0, 1)."""
    first = p * np.log(p / q) if p > 0 else 0.0
    return first + ((1 - p) * np.log((1 - p) / (1 - q)) if p < 1 else 0.0)


def root(p, evidence):
    """Returns the largest q with kl(p, q) <= evidence."""
    low, high = max(p, 1e-15), 1 - 1e-15
    if kl(p, high) <= evidence:
        return 1.0
    return brentq(lambda q: kl(p, q) - evidence, low, high, xtol=1e-13)


def test_the_kl_bound_is_the_root_of_its_equation():
    mean, evidence = np.meshgrid([0.0, 0.01, 0.3, 0.5, 0.99, 1.0], [1e-6, 0.01, 0.2, 1.0, 5.0])
    expected = np.vectorize(root)(mean, evidence)
    assert kl_bound(mean, evidence) == pytest.approx(expected, abs=2e-10)
    # Near its root of two, kl is flat: its rounding of 1e-16 is 1e-8 of the bound.
    assert kl_bound(np.array([0.0, 0.4]), np.zeros(2)) == pytest.approx([0.0, 0.4], abs=1e-7)


@pytest.mark.parametrize("index", ["ucb1", "kl"])
def test_the_index_is_that_of_the_paper(index):
    env = RecommendationVectorEnv(BernoulliBandit(), num_envs=3)
    agent = UCB(env, index=index)
    rng = np.random.default_rng(0)
    agent.tally = Tally(np.floor(rng.random((1, 10)) * 5), np.zeros((1, 10)), np.array([[50.0]]))
    agent.tally.earned[:] = np.floor(rng.random((1, 10)) * (agent.tally.looks + 1))
    observation, _ = env.reset(seed=0)
    scores = agent.scores(observation, None, deterministic=False)
    is_known = agent.tally.looks[0] > 0
    assert 0 < is_known.sum() < 10
    assert np.isinf(scores[:, ~is_known]).all()
    for arm in np.flatnonzero(is_known):
        n, p = agent.tally.looks[0, arm], agent.tally.mean[0, arm]
        hoeffding = p + np.sqrt(2 * np.log(50) / n)
        expected = hoeffding if index == "ucb1" else root(p, np.log(50) / n)
        assert scores[:, arm] == pytest.approx(expected, abs=2e-10)


def test_the_kl_bound_is_never_looser_than_hoeffdings():
    mean, evidence = np.meshgrid(np.linspace(0, 1, 21), np.linspace(0.01, 3, 20))
    assert (kl_bound(mean, evidence) <= mean + np.sqrt(evidence / 2) + 1e-9).all()


@pytest.mark.parametrize("index", ["ucb1", "kl"])
def test_an_arm_that_is_all_but_forgotten_comes_first_like_an_unknown_one(index):
    env = RecommendationVectorEnv(BernoulliBandit(), num_envs=1)
    agent = UCB(env, index=index, discount=0.5)
    agent.tally = Tally(np.full((1, 10), 20.0), np.full((1, 10), 8.0), np.array([[50.0]]))
    agent.tally.looks[0, 3] = agent.tally.earned[0, 3] = 1e-310
    observation, _ = env.reset(seed=0)
    scores = agent.scores(observation, None, deterministic=False)
    assert np.isposinf(scores[0]).tolist() == [arm == 3 for arm in range(10)]


@pytest.mark.parametrize(("setting", "value"), [("index", "klucb"), ("alpha", -1.0)])
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        UCB(RecommendationVectorEnv(BernoulliBandit), **{setting: value})


def test_keeps_the_contract_where_slates_are_read_from_the_top():
    scenario = BernoulliBandit(slate_size=3, examination=0.8)
    for index in ("ucb1", "kl"):
        check_agent("cascade_ucb", scenario, index=index)


def test_counts_what_stands_above_the_click_and_the_click_as_the_paper_does():
    """Kveton et al. 2015, algorithms 1 and 2."""
    env = RecommendationVectorEnv(BernoulliBandit(slate_size=4, horizon=0), num_envs=1)
    agent = CascadeUCB(env)
    looks, clicks = np.zeros(10), np.zeros(10)

    def follow(agent):
        slate = agent.last_slate
        clicked = agent.interaction.observation["response"][0, :, 0] > 0
        first = int(np.argmax(clicked)) if clicked.any() else 3
        looks[slate[: first + 1]] += 1
        if clicked.any():
            clicks[slate[first]] += 1

    recommend = agent.recommend

    def watched(observation, state, *, deterministic):
        slates = recommend(observation, state, deterministic=deterministic)
        agent.last_slate = slates[0]
        n, t = np.maximum(looks, 1), max(agent.num_timesteps, 1)
        bound = np.where(looks > 0, clicks / n + np.sqrt(1.5 * np.log(t) / n), np.inf)
        assert bound[agent.last_slate] == pytest.approx(np.sort(bound)[::-1][:4])
        return slates

    agent.recommend = watched
    agent.learn(300, callback=follow)
    assert agent.tally.looks[0] == pytest.approx(looks)
    assert agent.tally.earned[0] == pytest.approx(clicks)


@pytest.mark.parametrize("index", ["ucb1", "kl"])
def test_loses_less_than_its_bound_and_much_less_than_uniform_slates(index):
    """Theorem 2: at most 12 ln T / gap for each of the worse items, and pi² n_items / 3."""
    n_steps, gap = 4_000, 0.8
    bound = 2 * 12 * np.log(n_steps) / gap + np.pi**2 * 4 / 3
    scenario = BernoulliBandit(
        n_items=4, slate_size=2, n_best=2, best=0.9, others=0.9 - gap, horizon=n_steps
    )
    lost = {}
    for name in ("cascade_ucb", "uniform"):
        env = RecommendationVectorEnv(scenario, num_envs=30)
        settings = {"per": "session", "index": index} if name == "cascade_ucb" else {}
        agent = make_agent(name, env, **settings)
        observation, _ = env.reset(seed=0)
        state, start, total = None, np.ones(30, bool), np.zeros(30)
        for _ in range(n_steps):
            slates, state = agent.predict(observation, state, start)
            observation, _, _, _, info = env.step(slates)
            total += info["regret"]
            start = np.zeros(30, bool)
        lost[name] = total
    assert lost["cascade_ucb"].mean() < bound < 0.5 * lost["uniform"].mean()
    margin = 0.5 * lost["uniform"] - lost["cascade_ucb"]
    assert margin.mean() > 3.3 * margin.std(ddof=1) / np.sqrt(30)


@pytest.mark.parametrize(
    "scenario",
    [
        InterestEvolution(),
        BernoulliBandit(slate_size=2, choice="position_based"),
        BernoulliBandit(slate_size=1),
    ],
)
def test_says_that_it_needs_slates_read_to_the_first_click(scenario):
    with pytest.raises(UnsuitableScenario, match="^CascadeUCB needs slates .* read from the top"):
        CascadeUCB(RecommendationVectorEnv(scenario))
