"""Content learns what a person likes from the log, and what a stranger likes within the visit."""

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.content import Content


def test_learns_the_colour_of_returning_people(checkerboard, share_of_matches):
    """Every item's raw features point in nearly one direction; only centred ones tell colours."""
    agent = Content(checkerboard(), seed=1).learn(3_000)
    uniform = make_agent("uniform", checkerboard())
    people = checkerboard(500)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4


def test_learns_the_colour_of_strangers_within_the_visit(checkerboard):
    env = checkerboard(n_users=0, n_items=0)
    agent = Content(env, seed=1).learn(1_000)
    people = checkerboard(400, n_users=0, n_items=0)
    agent.set_env(people)
    observation, _ = people.reset(seed=5)
    state, matches = None, []
    for step in range(8):
        slates, state = agent.predict(
            observation, state, np.full(400, step == 0), deterministic=True
        )
        matches.append((np.take_along_axis(people.appeal(), slates, axis=1) > 0.5).mean())
        observation, *_ = people.step(slates)
    assert matches[0] < 0.65
    assert matches[-1] > 0.9


def test_a_new_visit_forgets_the_last_one(checkerboard):
    env = checkerboard(3, n_users=0, n_items=0)
    agent = Content(env, seed=1).learn(300)
    observation, _ = env.reset(seed=5)
    _, state = agent.predict(observation, deterministic=True)
    clicks = dict(observation, response=np.ones_like(observation["response"]))
    same = agent.next_state(state, clicks, np.array([False, False, True]))
    assert same.counts.tolist() == [[0, 2], [0, 2], [0, 0]]
    assert same.sums[:2, 1].all() and not same.sums[2].any()
    assert not state.counts.any()


def test_unseen_people_get_the_mean_profile(checkerboard, share_of_matches):
    """Of a million people who all like one colour, those who come now were never seen."""
    env = checkerboard(n_users=1_000_000, is_alike=True)
    agent = Content(env, seed=1).learn(1_000)
    people = checkerboard(300, n_users=1_000_000, is_alike=True)
    observation, _ = people.reset(seed=10_000)
    assert np.isin(observation["user_id"], agent.model["user_id"]).mean() < 0.05
    assert np.abs(agent.model["mean_profile"]).max() > 0.1
    assert share_of_matches(agent, people) > 0.95


def test_features_in_large_units_drown_nothing(checkerboard):
    env = checkerboard(4)
    agent = Content(env, seed=1).learn(400)
    observation, _ = env.reset(seed=3)
    state = agent.begin_state(4)
    scores = agent.scores(observation, state, deterministic=True)
    unit = np.array([1.0, 1_000.0])
    agent._pool *= [[1.0], [1.0], [1.0]] * np.stack([np.ones(2), unit, unit**2])
    agent.log["candidates"][:] *= unit.astype(np.float32)
    agent.model = agent.fit()
    scaled = dict(observation, candidates=observation["candidates"] * unit.astype(np.float32))
    assert agent.scores(scaled, state, deterministic=True) == pytest.approx(scores, abs=1e-4)


def test_a_feature_that_never_varies_says_nothing(checkerboard):
    agent = Content(checkerboard(), seed=1).learn(400)
    agent._pool[1:, 0] = agent._pool[0, 0] * np.array([3.0, 9.0])
    agent.log["candidates"][:, 0] = 3.0
    model = agent.fit()
    assert model["profile"].shape[1] == 2
    assert not model["profile"][:, 0].any() and model["profile"][:, 1].any()


def test_says_that_it_needs_item_features(checkerboard):
    with pytest.raises(UnsuitableScenario, match="content needs item features"):
        Content(checkerboard(is_seen=False))


def test_settings_out_of_range_are_named(checkerboard):
    with pytest.raises(ValueError, match="prior_likes=0 is not allowed"):
        Content(checkerboard(), prior_likes=0)
