"""Linear Thompson sampling against an independent statement of what its scores are drawn from."""

import numpy as np
import pytest
from scipy import stats

from recsim_env.agents import make_agent
from recsim_env.agents.bandits.linear_bandit import LinThompson, LinUCB

RATE = 1e-6


def joint_features(agent, observation, person):
    """Returns x of one person's candidates, (n_candidates, ...), own weights as further columns."""
    flat = np.append(1.0, observation["user"][person].astype(float))
    items = observation["candidates"][person].astype(float)
    ids = observation["item_id"][person]
    joint = [np.kron(flat, np.append(1.0, item)) for item in items]
    own = [np.kron(np.eye(agent.env.scenario.n_items)[one], flat) for one in ids]
    return {"shared": np.array(joint), "disjoint": np.array(own), "hybrid": np.hstack([joint, own])}


class Recorded(LinThompson):
    """It keeps what it learned from, row by row, as one vector of all weights would see it."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.rows = []

    def update(self, feedback):
        super().update(feedback)
        for person, slate in enumerate(feedback.slates):
            x = joint_features(self, feedback.observation, person)[self.settings.model]
            self.rows += zip(
                x[slate],
                feedback.place_rewards[person],
                feedback.examination_probability[person],
                strict=True,
            )


@pytest.mark.parametrize("model", ["shared", "disjoint", "hybrid"])
def test_scores_of_a_person_are_one_draw_of_the_weights(checkerboard, model):
    """Mean and covariance of candidates' scores are those of x·w under the joint posterior.

    Whitened scores of 10,000 people who look alike are standard normal.
    """
    env = checkerboard(10, n_items=12, n_users=9)
    agent = Recorded(env, model=model, v=0.5, ridge=2.0).learn(60)
    observation, _ = env.reset(seed=1)
    x, rewards, weights = (np.array(column) for column in zip(*agent.rows, strict=True))
    precision = 2.0 * np.eye(x.shape[1]) + (weights[:, None] * x).T @ x
    weight_mean = np.linalg.solve(precision, (weights * rewards) @ x)
    seen = joint_features(agent, observation, 0)[model]
    mean = seen @ weight_mean
    covariance = 0.25 * seen @ np.linalg.solve(precision, seen.T)
    found = agent.scores(observation, None, deterministic=True)[0]
    assert found == pytest.approx(mean, abs=1e-9)

    n = 10_000
    crowd = {name: np.repeat(value[:1], n, axis=0) for name, value in observation.items()}
    drawn = agent.scores(crowd, None, deterministic=False) - mean
    values, vectors = np.linalg.eigh(covariance)
    is_certain = values < 1e-9 * values.max()  # two items of one colour have the same x
    assert np.abs(drawn @ vectors[:, is_certain]).max(initial=0.0) < 1e-6
    white = drawn @ vectors[:, ~is_certain] / np.sqrt(values[~is_certain])
    d = white.shape[1]
    assert d >= (2 if model == "shared" else 8)
    sums = np.abs(white.sum(axis=0)) / np.sqrt(n)
    assert sums.max() < stats.norm.isf(RATE / 2 / d)
    assert (np.abs(stats.chi2.cdf((white**2).sum(axis=0), n) - 0.5) < 0.5 - RATE / 2 / d).all()
    products = np.abs((white.T @ white)[np.triu_indices(d, 1)]) / np.sqrt(n)
    # Sums of products of normal numbers have lighter tails than this t with 30 freedoms.
    assert products.max() < stats.t.isf(RATE / 2 / len(products), 30)


def test_learns_as_linucb_does_from_the_same_feedback(checkerboard):
    env = checkerboard(5)
    thompson, ucb = LinThompson(env, v=0.0), LinUCB(env, alpha=0.0)
    observation, _ = env.reset(seed=1)
    thompson.learn(100)
    ucb.load_state_dict(thompson.state_dict())
    assert np.array_equal(
        thompson.scores(observation, None, deterministic=False),
        ucb.scores(observation, None, deterministic=True),
    )


def test_slate_probability_is_how_often_slates_are_served(checkerboard):
    """Served slates are draws as well: the chance is met within 6 standard errors."""
    env = checkerboard(1, n_candidates=4, slate_size=1)
    agent = LinThompson(env).learn(20)
    observation, _ = env.reset(seed=1)
    n, n_draws = 2_000, 300
    crowd = {name: np.repeat(value[:1], n, axis=0) for name, value in observation.items()}
    served, _ = agent.predict(crowd)
    for slate in range(4):
        one = {name: value[0] for name, value in observation.items()}
        chance = agent.slate_probability(one, np.array([slate]), n_draws=n_draws)
        share = (served == slate).mean()
        assert 0 < share < 1
        error = np.sqrt(share * (1 - share) * (1 / n + 1 / n_draws))
        assert abs(chance - share) < 6 * error


def test_learns_that_people_like_their_own_colour(checkerboard, share_of_matches):
    people = checkerboard(500)
    uniform = share_of_matches(make_agent("uniform", checkerboard()), people)
    for model in ("shared", "disjoint", "hybrid"):
        agent = LinThompson(checkerboard(), model=model, v=0.5).learn(4_000)
        assert share_of_matches(agent, people) > uniform + 0.4, model


def test_settings_out_of_range_are_named(checkerboard):
    with pytest.raises(ValueError, match=r"v=-1\.0 is not allowed"):
        LinThompson(checkerboard(), v=-1)
