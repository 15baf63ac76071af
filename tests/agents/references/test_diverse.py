"""The diverse oracle fills places one by one and discounts categories that were just shown."""

import numpy as np
import pytest

from recsim_env.agents.references.oracle import DiverseOracle, Oracle
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.testing import check_agent


def made(**settings):
    env = RecommendationVectorEnv(InterestEvolution, n_topics=4, num_envs=12)
    return env, DiverseOracle(env, **settings), env.reset(seed=0)[0]


def test_a_repeated_category_keeps_the_discount_once_for_each_repetition():
    env, agent, observation = made(discount=0.5, window=4)
    state, shown = None, [[] for _ in range(12)]
    for _ in range(4):
        expected_reward, topic = env.expected_reward(), env.items["topic"]
        slates, state = agent.predict(observation, state, np.zeros(12, bool), deterministic=True)
        for row in range(12):
            placed, window = [], shown[row][-4:]
            for index in slates[row]:
                repeats = [(window + placed).count(each) for each in topic[row]]
                value = expected_reward[row] * 0.5 ** np.array(repeats)
                free = np.setdiff1d(np.arange(10), slates[row][: len(placed)])
                assert value[index] == pytest.approx(value[free].max())
                placed.append(topic[row, index])
            shown[row] += placed
        observation = env.step(slates)[0]


def test_without_a_discount_it_is_the_oracle():
    env, agent, observation = made(discount=1.0)
    slates, _ = agent.predict(observation, deterministic=True)
    best, _ = Oracle(env).predict(observation, deterministic=True)
    values = env.expected_reward()
    assert np.take_along_axis(values, slates, 1) == pytest.approx(
        np.take_along_axis(values, best, 1)
    )


def test_a_new_episode_has_shown_nothing():
    _, agent, _ = made()
    state = agent.remember(agent.begin_state(12), {}, np.zeros((12, 3), int))
    assert (state[:, -3:] >= 0).all()
    begun = agent.next_state(state, {}, np.arange(12) < 5)
    assert (begun[:5] == -1).all() and (begun[5:] == state[5:]).all()


@pytest.mark.parametrize(("name", "value"), [("discount", 0.0), ("discount", 1.2), ("window", 0)])
def test_settings_out_of_range_say_what_is_allowed(name, value):
    with pytest.raises(ValueError, match=f"{name}={value}.* use"):
        made(**{name: value})


def test_a_scenario_without_categories_is_refused():
    assert "category" in DiverseOracle.unsuitable(RatedCatalogue())


def test_it_keeps_the_contract_of_agents():
    check_agent("diverse_oracle", InterestEvolution(horizon=10))
