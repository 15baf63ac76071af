"""Logistic Thompson sampling against a general minimiser, and the Laplace approximation by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize

from recsim_env.agents import make_agent
from recsim_env.agents.bandits.linear_posterior import LinearPosterior
from recsim_env.agents.bandits.logistic_thompson import LogisticThompson, laplace

D = 6


def most_likely(precision, mean, x, is_clicked, weights):
    """Returns the weights that minimise the loss as the class states it, by BFGS."""
    y = np.where(is_clicked, 1.0, -1.0)

    def loss(w):
        prior = (w - mean) @ precision @ (w - mean) / 2
        return prior + sum(weights * np.log1p(np.exp(-y * (x @ w))))

    def slope(w):
        return precision @ (w - mean) - (weights * y / (1 + np.exp(y * (x @ w)))) @ x

    return minimize(loss, mean, jac=slope, method="BFGS", options={"gtol": 1e-9}).x


def observations(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, D))
    return x, rng.random(n) < 1 / (1 + np.exp(-2 * x[:, 0])), rng.uniform(0.1, 1.0, n)


@pytest.mark.parametrize("sizes", [[1], [60], [1, 30, 1, 1]])
def test_mean_is_the_minimum_and_precision_the_curvature_there(sizes):
    posterior = LinearPosterior.prior(D, ridge=0.5)
    precision, mean = 0.5 * np.eye(D), np.zeros(D)
    for seed, n in enumerate(sizes):
        x, is_clicked, weights = observations(n, seed)
        posterior = laplace(posterior, x, is_clicked, weights)
        mean = most_likely(precision, mean, x, is_clicked, weights)
        chance = 1 / (1 + np.exp(-(x @ mean)))
        for row, p, weight in zip(x, chance, weights, strict=True):
            precision = precision + weight * p * (1 - p) * np.outer(row, row)
        assert posterior.mean == pytest.approx(mean, abs=1e-6)
        assert posterior.precision == pytest.approx(precision, abs=1e-5)
        assert posterior.covariance == pytest.approx(np.linalg.inv(precision), abs=1e-5)


def test_a_surprise_after_much_certainty_is_taken_in_without_overshooting():
    """Newton's full steps would jump to and fro here for ever."""
    x = np.full((1, 1), 7.0)
    prior = LinearPosterior.prior(1, ridge=1.0)
    prior.moment[...] = prior.mean[...] = -5.0 / 7.0
    found = laplace(prior, x, np.array([True]), np.ones(1))
    expected = most_likely(np.eye(1), prior.mean, x, np.array([True]), np.ones(1))
    assert found.mean == pytest.approx(expected, abs=1e-5)


def test_nothing_seen_changes_nothing():
    prior = LinearPosterior.prior(D, ridge=0.5)
    found = laplace(prior, np.empty((0, D)), np.empty(0, bool), np.empty(0))
    assert np.array_equal(found.precision, prior.precision)
    assert np.array_equal(found.mean, prior.mean)


class Recorded(LogisticThompson):
    """It keeps its batches as the model sees them."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.batches = []

    def update(self, feedback):
        super().update(feedback)
        x = self.model.features.of_slates(feedback.observation, feedback.slates)
        is_clicked = feedback.next_observation["response"][:, :, 0] > 0
        flat = (
            x.reshape(-1, x.shape[2]),
            is_clicked.ravel(),
            feedback.examination_probability.ravel(),
        )
        self.batches.append((*flat, len(feedback.rewards)))


@pytest.mark.parametrize("kind", ["full", "diagonal"])
@pytest.mark.parametrize("discount", [1.0, 0.95])
def test_equals_the_reference_batch_by_batch(checkerboard, kind, discount):
    agent = Recorded(checkerboard(3), precision=kind, discount=discount, ridge=2.0).learn(24)
    precision, mean = 2.0 * np.eye(9), np.zeros(9)
    for x, is_clicked, weights, n_steps in agent.batches:
        keep = discount**n_steps
        moment = keep * precision @ mean
        precision = 2.0 * np.eye(9) + keep * (precision - 2.0 * np.eye(9))
        mean = np.linalg.solve(precision, moment)
        mean = most_likely(precision, mean, x, is_clicked, weights)
        chance = 1 / (1 + np.exp(-(x @ mean)))
        grown = (weights * chance * (1 - chance) * x.T) @ x
        precision = precision + (grown if kind == "full" else np.diag(np.diag(grown)))
    posterior = agent.model.posterior
    assert posterior.mean == pytest.approx(mean, abs=1e-5)
    assert posterior.precision == pytest.approx(precision, abs=1e-3)
    assert posterior.covariance @ posterior.precision == pytest.approx(np.eye(9), abs=1e-9)


def test_learns_how_likely_clicks_are(checkerboard, share_of_matches):
    """The log-odds of a click are ln(0.8 / 0.2) for the own colour and ln(0.1 / 0.9) else."""
    people = checkerboard(500)
    for kind in ("full", "diagonal"):
        agent = LogisticThompson(checkerboard(), precision=kind, ridge=0.1).learn(4_000)
        uniform = make_agent("uniform", checkerboard())
        assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.45, kind
    agent = LogisticThompson(checkerboard(), exploration=1.0, ridge=0.01).learn(8_000)
    agent.set_env(people)
    observation, _ = people.reset(seed=3)
    odds = agent.scores(observation, None, deterministic=True)
    likes = people.expected_reward() == 0.8
    assert odds[likes] == pytest.approx(np.log(4.0), abs=0.25)  # over five standard errors
    assert odds[~likes] == pytest.approx(-np.log(9.0), abs=0.25)


@pytest.mark.parametrize(("setting", "value"), [("precision", "half"), ("ridge", 0.0), ("v", -1.0)])
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        LogisticThompson(checkerboard(), **{setting: value})


def test_there_is_one_model(checkerboard):
    with pytest.raises(ValueError, match="has no setting model"):
        LogisticThompson(checkerboard(), model="hybrid")
