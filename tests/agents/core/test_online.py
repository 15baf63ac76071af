"""Steps that an agent takes, as others learn from them: what was known, when, and how likely."""

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.core.online import collect
from recsim_env.agents.core.restoring import flattened
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

SCENARIO = InterestEvolution(n_candidates=4, slate_size=2, horizon=6)


def made(name="linucb", **settings):
    return make_agent(name, RecommendationVectorEnv(SCENARIO, num_envs=8), seed=2, **settings)


def test_collecting_steps_is_learning():
    one, other = made(exploration=0.3), made(exploration=0.3)
    steps = list(collect(one, 200))
    other.learn(200)
    assert one.num_timesteps == sum(len(each.index) for each in steps) == other.num_timesteps
    found, expected = flattened(one.state_dict()), flattened(other.state_dict())
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    assert all(each.propensity is None for each in steps)


def test_a_share_of_uniform_slates_is_in_the_propensities():
    chances = np.concatenate([each.propensity for each in collect(made(), 400, exploration=0.6)])
    assert chances.min() == pytest.approx(0.6 / 12)
    assert chances.max() == pytest.approx(0.4 + 0.6 / 12)
    uniform = np.concatenate([each.propensity for each in collect(made(), 400, exploration=1.0)])
    assert uniform == pytest.approx(1 / 12)


def test_steps_tell_where_sessions_begin_and_what_was_remembered():
    agent = made("topic_ucb")
    n_shown = np.zeros(8)
    for step in collect(agent, 300):
        assert np.array_equal(step.begins, n_shown[step.index] == 0)
        assert np.array_equal(step.state.tally.steps[:, 0], n_shown[step.index])
        n_shown[step.index] += 1
        n_shown[step.index[step.is_over]] = 0


def test_the_learner_is_asked_whether_to_go_on():
    learner, asked = made("uniform"), []
    steps = collect(
        made(), 300, learner=learner, callback=lambda agent: asked.append(agent) or len(asked) < 3
    )
    assert len(list(steps)) == 3
    assert asked == [learner] * 3
