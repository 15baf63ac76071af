"""Ranking topics by their mean quality earns what no published agent does."""

from typing import Any

import gymnasium
import numpy as np
import pytest

from recsim_env.agents.bandits.epsilon_greedy import TopicQuality
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

pytestmark = pytest.mark.published


def test_recsim_interest_evolution_beyond_the_published_agents():
    """264 where slate Q-learning's best has 174.6 (Ie et al. 2019) and uniform slates 160.5."""
    people: Any = gymnasium.make_vec("recsim_env/RecSim-InterestEvolution-v0", num_envs=64)
    found = evaluate(
        TopicQuality(people).learn(5_000), people.scenario, n_episodes=2_000, seed=10**6
    )
    assert found.return_mean == pytest.approx(264, rel=0.01)  # 4 standard errors


def test_the_mean_is_that_of_all_that_was_shown_clicked_or_not():
    env = RecommendationVectorEnv(InterestEvolution(), num_envs=50)
    agent = TopicQuality(env, epsilon=1.0)
    agent.learn(20_000)
    env.reset(seed=0)
    mean = np.zeros(20)
    for topic in range(20):
        mean[topic] = env.items["quality"][env.items["topic"] == topic].mean()
    assert agent.outcome == "quality"
    assert agent.tally.looks.sum() == 3 * agent.num_timesteps
    # about 25 items a topic here and 3,000 there, of standard deviation 0.1 each
    assert agent.tally.mean[0] == pytest.approx(mean, abs=0.1)


def test_without_a_quality_it_is_the_reward_and_without_topics_the_items():
    agent = TopicQuality(RecommendationVectorEnv(RatedCatalogue))
    assert (agent.outcome, agent.arms.kind) == ("reward", "item")
