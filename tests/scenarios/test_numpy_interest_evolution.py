"""The kernel agrees with an independent NumPy implementation of interest evolution."""

import numpy as np
import pytest

from recsim_env import RecommendationVectorEnv
from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.scenarios.interest_evolution import InterestEvolution
from tests.scenarios.numpy_interest_evolution import NumpyInterestEvolution

pytestmark = pytest.mark.published

N_EPISODES = 4_000


def uniform_returns(settings, seed):
    """Returns return and length of the first episode of every slot under uniform slates."""
    env = NumpyInterestEvolution(settings, N_EPISODES, seed)
    rng = np.random.default_rng(seed + 1)
    returns, lengths = np.zeros(N_EPISODES), np.zeros(N_EPISODES)
    is_over = np.zeros(N_EPISODES, bool)
    while not is_over.all():
        order = rng.random((N_EPISODES, settings.n_candidates)).argsort(axis=1)
        _, rewards, ended = env.step(order[:, : settings.slate_size])
        returns += np.where(is_over, 0.0, rewards)
        lengths += ~is_over
        is_over |= ended
    return returns, lengths


@pytest.mark.parametrize(
    "settings",
    [
        InterestEvolution(time_budget=40.0),
        InterestEvolution(
            time_budget=40.0,
            choice="proportional",
            interest_scale=1.0,
            no_click_score=1.0,
            step_penalty=0.5,
            n_topics=7,
        ),
    ],
    ids=["defaults", "published"],
)
def test_numpy_and_kernel_agree_on_what_uniform_slates_earn(settings):
    env = RecommendationVectorEnv(settings, num_envs=1)
    found = evaluate(make_agent("uniform", env), settings, n_episodes=N_EPISODES, seed=3)
    returns, lengths = uniform_returns(settings, seed=4)
    for ours, theirs in ((found.returns, returns), (found.lengths, lengths)):
        error = np.sqrt((np.var(ours) + np.var(theirs)) / N_EPISODES)
        assert abs(ours.mean() - theirs.mean()) < 5 * error  # false alarms: 6e-7 each


def test_the_observation_is_the_scenario_s():
    settings = InterestEvolution(n_topics=4, n_candidates=5, slate_size=2)
    env = RecommendationVectorEnv(settings, num_envs=3)
    other = NumpyInterestEvolution(settings, 3, seed=0)
    observation, _, _ = other.step(np.tile([0, 1], (3, 1)))
    expected, _ = env.reset(seed=0)
    assert set(observation) == set(expected)
    for name, values in observation.items():
        assert (values.shape, values.dtype) == (expected[name].shape, expected[name].dtype)
        assert env.observation_space[name].contains(values), name


def test_other_choice_models_are_refused():
    with pytest.raises(ValueError, match="choice='cascade' is not written in NumPy"):
        NumpyInterestEvolution(InterestEvolution(choice="cascade"), 2)
