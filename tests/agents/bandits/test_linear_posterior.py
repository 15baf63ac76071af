"""The posterior of a linear model against its closed form, and what is drawn from it."""

import numpy as np
import pytest
from scipy import stats

from recsim_env.agents.bandits.linear_posterior import LinearPosterior

D, RIDGE = 12, 2.0


def observations(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, D)), rng.normal(size=n), rng.uniform(0.0, 1.5, n)


def solved(batches, discount=1.0):
    """Returns mean and covariance, observation by observation; later batches make earlier fade."""
    precision, moment = RIDGE * np.eye(D), np.zeros(D)
    for age, batch in enumerate(reversed(batches)):
        for x, reward, weight in zip(*batch, strict=True):
            precision += discount**age * weight * np.outer(x, x)
            moment += discount**age * weight * reward * x
    return np.linalg.solve(precision, moment), np.linalg.solve(precision, np.eye(D))


@pytest.mark.parametrize("sizes", [[1], [100], [1, 2, 3, 1], [50, 1, 2], [2, 50], [0, 1]])
def test_mean_and_covariance_are_the_closed_form(sizes):
    """Up to three observations here are a correction of the inverse, more are a new inverse."""
    batches = [observations(n, seed) for seed, n in enumerate(sizes)]
    posterior = LinearPosterior.prior(D, ridge=RIDGE)
    for batch in batches:
        posterior.add(*batch)
    mean, covariance = solved(batches)
    assert posterior.mean == pytest.approx(mean, abs=1e-12)
    assert posterior.covariance == pytest.approx(covariance, abs=1e-12)


def test_an_observation_of_weight_two_is_two_observations_and_of_weight_zero_none():
    x, rewards, _ = observations(4)
    weighed, repeated = (LinearPosterior.prior(D, ridge=RIDGE) for _ in range(2))
    weighed.add(x, rewards, np.array([2.0, 0.0, 1.0, 0.0]))
    repeated.add(x[[0, 0, 2]], rewards[[0, 0, 2]], np.ones(3))
    assert weighed.precision == pytest.approx(repeated.precision)
    assert weighed.mean == pytest.approx(repeated.mean, abs=1e-12)


def test_what_fades_is_what_was_observed_and_not_the_prior():
    batches = [observations(n, seed) for seed, n in enumerate([1, 40, 2])]
    posterior = LinearPosterior.prior(D, ridge=RIDGE)
    for batch in batches:
        posterior.fade(0.8)
        posterior.add(*batch)
    mean, covariance = solved(batches, discount=0.8)
    assert posterior.mean == pytest.approx(mean, abs=1e-12)
    assert posterior.covariance == pytest.approx(covariance, abs=1e-12)
    posterior.fade(1e-300)
    assert posterior.covariance == pytest.approx(np.eye(D) / RIDGE)
    assert posterior.mean == pytest.approx(np.zeros(D))


def test_one_of_a_stack_learns_as_if_it_were_alone():
    stack = LinearPosterior.prior(D, ridge=RIDGE, stack=(3,))
    alone = LinearPosterior.prior(D, ridge=RIDGE)
    for seed, n in enumerate([2, 60, 1]):
        stack[1].add(*observations(n, seed))
        alone.add(*observations(n, seed))
        stack.fade(0.9)
        alone.fade(0.9)
    assert np.array_equal(stack.mean[1], alone.mean)
    assert np.array_equal(stack.covariance[1], alone.covariance)
    untouched = LinearPosterior.prior(D, ridge=RIDGE)
    assert stack.covariance[2] == pytest.approx(untouched.covariance)
    assert not stack.mean[[0, 2]].any()


def test_a_copy_changes_by_itself():
    posterior = LinearPosterior.prior(D, ridge=RIDGE)
    other = posterior.copy()
    other.add(*observations(2))
    assert np.array_equal(posterior.precision, RIDGE * np.eye(D))
    assert not posterior.mean.any()
    assert posterior.n_corrections == 0


def test_draws_have_the_posteriors_mean_and_covariance():
    """Whitened draws are standard normal; each bound fails by chance once in 10^7 runs or less."""
    n, scale = 20_000, 1.7
    posterior = LinearPosterior.prior(D, ridge=RIDGE)
    posterior.add(*observations(20))
    drawn = posterior.draw(np.random.default_rng(1), n, scale=scale)
    factor = np.linalg.cholesky(np.linalg.inv(posterior.precision))
    white = np.linalg.solve(factor, (drawn - posterior.mean).T).T / scale
    rate = 1e-7
    sums = np.abs(white.sum(axis=0)) / np.sqrt(n)
    assert sums.max() < stats.norm.isf(rate / 2 / D)
    assert stats.chi2.cdf((white**2).sum(), n * D) == pytest.approx(0.5, abs=0.5 - rate / 2)
    squares = (white**2).sum(axis=0)
    assert (np.abs(stats.chi2.cdf(squares, n) - 0.5) < 0.5 - rate / 2 / D).all()
    products = (white.T @ white)[np.triu_indices(D, 1)] / np.sqrt(n)
    # A sum of n products of normal numbers has lighter tails than this t with 30 freedoms.
    assert np.abs(products).max() < stats.t.isf(rate / 2 / len(products), 30)


def test_each_draw_may_have_a_scale_of_its_own():
    posterior = LinearPosterior.prior(D, ridge=RIDGE)
    posterior.add(*observations(20))
    drawn = posterior.draw(np.random.default_rng(1), 3, scale=np.array([0.0, 1.0, 2.0]))
    once = posterior.draw(np.random.default_rng(1), 3, scale=1.0)
    assert drawn[0] == pytest.approx(posterior.mean)
    assert drawn[1] == pytest.approx(once[1])
    assert drawn[2] - posterior.mean == pytest.approx(2.0 * (once[2] - posterior.mean))


def test_what_was_saved_goes_on_as_it_was():
    posterior = LinearPosterior.prior(D, ridge=RIDGE)
    posterior.add(*observations(2))
    other = LinearPosterior.prior(D, ridge=RIDGE)
    other.load_state_dict({name: value.copy() for name, value in posterior.state_dict().items()})
    for each in (posterior, other):
        each.add(*observations(1, seed=5))
    assert np.array_equal(posterior.mean, other.mean)
    assert posterior.n_corrections == other.n_corrections == 2
