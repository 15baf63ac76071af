"""CascadeUCB against its pseudocode, one slate at a time, and against its bound on regret."""

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.bandits.cascade_ucb import CascadeUCB
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.testing import check_agent


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
