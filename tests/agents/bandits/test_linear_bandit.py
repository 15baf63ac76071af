"""What the bandits with a linear model share: how fast they are."""

import time

import pytest

from recsim_env.agents import make_agent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("name", ["linucb", "lin_thompson"])
def test_tens_of_thousands_of_decisions_and_updates_a_second(name):
    """64 features and 20 candidates, 4,096 people at once: 140,000 to 200,000 a second of one core.

    The bar is a sixth of that, in the process's own time, so that a busy machine does not fail it.
    """
    scenario = InterestEvolution(n_topics=7, n_candidates=20, slate_size=1)
    agent = make_agent(name, RecommendationVectorEnv(scenario, num_envs=4096))
    agent.learn(2 * 4096)  # compiles
    assert agent.model.features.n_features == 64
    start = time.process_time()
    agent.learn(15 * 4096)
    assert 15 * 4096 / (time.process_time() - start) > 25_000
