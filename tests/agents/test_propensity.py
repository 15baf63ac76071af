"""Every agent tells how likely it shows a slate, and it is so; asking changes nothing."""

import copy
import itertools
import math

import numpy as np
import pytest
from scipy.stats import binomtest

from recsim_env.agents import AGENTS, agent_class, make_agent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

SCENARIOS = {
    "strangers": InterestEvolution(n_candidates=4, slate_size=2, horizon=10),
    "catalogue": RatedCatalogue(
        n_users=40, n_items=60, n_candidates=4, slate_size=2, max_slates=20
    ),
}
ALL_SLATES = np.array(list(itertools.permutations(range(4), 2)))
N_PREDICTIONS, N_DRAWS = 10_000, 5_000

#: That any of these tests fails by chance: one for each agent, scenario, slate, and way to predict.
FALSE_ALARM = 1e-6 / (len(AGENTS) * len(SCENARIOS) * len(ALL_SLATES) * 2)

CASES = [
    pytest.param((name, scenario), id=f"{name}-{scenario}")
    for name in AGENTS
    for scenario in SCENARIOS
    if agent_class(name).unsuitable(SCENARIOS[scenario]) is None
]


def learned(name, scenario):
    env = RecommendationVectorEnv(SCENARIOS[scenario], num_envs=8)
    try:
        agent = make_agent(name, env, seed=3)
    except ImportError as error:  # an extra is not installed; it says how to
        pytest.skip(str(error))
    return agent.learn(400)


@pytest.fixture(scope="module", params=CASES)
def trained(request):
    """Returns an agent that learned for a while; tests that change it take a copy."""
    return learned(*request.param)


def meet_the_same_person(agent, n):
    """Lets the agent act among `n` people who are all the same, and returns what it sees."""
    env = RecommendationVectorEnv(agent.env.scenario, num_envs=n)
    agent.set_env(env)
    return env.reset(seed=[7] * n)[0]


def chances(agent, n_draws=N_DRAWS, **arguments):
    """Returns the probabilities of all slates, (12,), for a person met for the first time."""
    if agent.draws_slates is None:
        observation = meet_the_same_person(agent, len(ALL_SLATES))
        return agent.slate_probability(observation, ALL_SLATES, **arguments)
    # Alike rows have draws of their own: one for each row is that many of the one person.
    observation = meet_the_same_person(agent, n_draws)
    for_each = [np.tile(slate, (n_draws, 1)) for slate in ALL_SLATES]
    stated = [agent.slate_probability(observation, s, n_draws=1, **arguments) for s in for_each]
    return np.mean(stated, axis=1)


def test_chances_add_up_to_one_and_are_how_often_slates_are_shown(trained):
    agent = copy.deepcopy(trained)
    for deterministic in (False, True):
        stated = chances(agent, deterministic=deterministic)
        assert stated.min() >= 0.0
        assert stated.sum() == pytest.approx(1.0, abs=1e-9)
        observation = meet_the_same_person(agent, N_PREDICTIONS)
        slates, _ = agent.predict(observation, deterministic=deterministic)
        counts = (slates[:, None] == ALL_SLATES).all(axis=2).sum(axis=0)
        assert counts.sum() == N_PREDICTIONS
        for chance, count in zip(stated, counts, strict=True):
            if agent.draws_slates is None:
                p_value = binomtest(int(count), N_PREDICTIONS, min(chance, 1.0)).pvalue
                assert p_value >= FALSE_ALARM
            else:  # Hoeffding's bound for the difference of two means
                share = 1 / N_PREDICTIONS + 1 / N_DRAWS
                allowed = math.sqrt(math.log(2 / FALSE_ALARM) / 2 * share)
                assert abs(count / N_PREDICTIONS - chance) < allowed


def test_asking_changes_neither_what_is_shown_nor_what_is_learned(trained):
    shown = []
    for asks in (True, False):
        agent = copy.deepcopy(trained)
        learning_env = agent.env
        if asks:
            before = agent.rng.bit_generator.state
            assert np.array_equal(chances(agent, n_draws=50), chances(agent, n_draws=50))
            assert agent.rng.bit_generator.state == before
        agent.set_env(learning_env)
        agent.learn(100)
        observation = meet_the_same_person(agent, 5)
        shown.append(agent.predict(observation)[0])
    assert np.array_equal(*shown)


@pytest.mark.parametrize("name", ["dqn", "ppo", "ials"])
def test_what_happened_in_the_session_counts_as_in_predict(name):
    """One person after two slates: the state says what was shown, as it does to `predict`."""
    agent = learned(name, "catalogue")
    observation = meet_the_same_person(agent, 1)
    state = None
    for _ in range(2):
        slates, state = agent.predict(observation, state, np.array([state is None]))
        observation, *_ = agent.env.step(slates)
    start = np.zeros(1, bool)
    best, _ = agent.predict(observation, state, start, deterministic=True)
    one = {field: value[0] for field, value in observation.items()}
    stated = [
        float(agent.slate_probability(one, slate, state, start, deterministic=True))
        for slate in ALL_SLATES
    ]
    assert sum(stated) == pytest.approx(1.0)
    assert ALL_SLATES[np.argmax(stated)].tolist() == best[0].tolist()


def test_an_unordered_slate_of_full_slate_q_is_never_shown():
    agent = learned("full_slate_q", "strangers")
    stated = chances(agent)
    is_ascending = ALL_SLATES[:, 0] < ALL_SLATES[:, 1]
    assert (stated[~is_ascending] == 0.0).all()
    assert (stated[is_ascending] > 0.0).all()
