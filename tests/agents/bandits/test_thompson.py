"""Thompson sampling: the posterior in closed form, and as many tries as an arm is likely best."""

import numpy as np
import pytest
from scipy import integrate, stats

from recsim_env.agents.bandits.thompson import Thompson
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.scenarios.interest_exploration import InterestExploration


def test_the_posterior_is_beta_of_successes_and_failures():
    env = RecommendationVectorEnv(BernoulliBandit(), num_envs=1)
    agent, shown = Thompson(env, seed=2), []
    observation, _ = env.reset(seed=0)
    while len(shown) < 300:
        item = int(agent.predict(observation)[0][0])
        agent.learn(1, callback=lambda agent: None)
        shown.append(item)
    successes, failures = agent.posterior(agent.tally)
    looks, earned = agent.tally.looks[0], agent.tally.earned[0]
    assert looks.sum() == 300 and np.array_equal(earned, np.round(earned))
    assert np.array_equal(successes[0], 1 + earned)
    assert np.array_equal(failures[0], 1 + looks - earned)


def with_evidence(env, **settings):
    """Returns an agent that saw 3 of 5 clicks on item 0, 1 of 2 on item 1, and nothing else."""
    agent = Thompson(env, seed=1, **settings)
    arm = np.array([[0, 0, 0, 0, 0, 1, 1]])
    clicked = np.array([[1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0]])
    agent.tally.add(arm, np.ones((1, 7)), clicked, discount=1.0)
    return agent


def test_each_arm_is_shown_as_often_as_it_is_likely_to_be_the_best():
    n = 40_000
    env = RecommendationVectorEnv(BernoulliBandit(n_items=3), num_envs=n)
    agent = with_evidence(env)
    observation, _ = env.reset(seed=0)
    slates, _ = agent.predict(observation)
    beliefs = [stats.beta(4, 3), stats.beta(2, 2), stats.beta(1, 1)]
    for item, belief in enumerate(beliefs):
        others = [other for other in beliefs if other is not belief]
        chance, _ = integrate.quad(
            lambda x, b=belief, o=others: b.pdf(x) * o[0].cdf(x) * o[1].cdf(x), 0, 1
        )
        # 5 standard errors: a false alarm in a million
        assert (slates == item).mean() == pytest.approx(chance, abs=5 * 0.5 / np.sqrt(n))


def test_draws_follow_the_posterior_under_any_prior():
    env = RecommendationVectorEnv(BernoulliBandit(n_items=3), num_envs=20_000)
    agent = with_evidence(env, prior_successes=0.5, prior_failures=2.0)
    observation, _ = env.reset(seed=0)
    scores = agent.scores(observation, None, deterministic=False)
    for item, belief in enumerate([(3.5, 4.0), (1.5, 3.0), (0.5, 2.0)]):
        assert stats.kstest(scores[:, item], stats.beta(*belief).cdf).pvalue > 1e-6


def test_items_of_a_topic_share_one_draw_and_people_have_their_own():
    env = RecommendationVectorEnv(InterestExploration(), num_envs=500)
    agent = Thompson(env)
    observation, _ = env.reset(seed=0)
    arm = agent.arms.of(observation)
    draws = agent.index(agent.tally, arm)
    assert len(np.unique(draws)) > 900
    for topic in range(2):
        held = np.where(arm == topic, draws, np.nan)
        has = (arm == topic).any(axis=1)
        assert np.array_equal(np.nanmin(held[has], axis=1), np.nanmax(held[has], axis=1))


def test_outcomes_between_0_and_1_count_by_their_expectation():
    env = RecommendationVectorEnv(BernoulliBandit(n_items=2), num_envs=1)
    agent = Thompson(env)
    agent.tally.add(
        np.array([[0, 0, 1]]), np.array([[1.0, 0.5, 1.0]]), np.array([[2.0, 4.0, 0.0]]), discount=1
    )
    agent.range = np.array([0.0, 4.0])
    successes, failures = agent.posterior(agent.tally)
    assert successes == pytest.approx(np.array([[1 + 0.5 + 0.5, 1.0]]))
    assert failures == pytest.approx(np.array([[1 + 0.5 + 0.0, 2.0]]))


@pytest.mark.parametrize("setting", ["prior_successes", "prior_failures"])
def test_settings_out_of_range_are_named(setting):
    with pytest.raises(ValueError, match=rf"{setting}=0.0 is not allowed; use more than 0"):
        Thompson(RecommendationVectorEnv(BernoulliBandit), **{setting: 0.0})
