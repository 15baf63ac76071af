"""Drawn tastes vary between people as true ones do; the best guesses of them do not."""

import numpy as np
import pytest

from recsim_env.data import calibrate, fidelity_table
from recsim_env.data.factorization import FactorModel, fit_factors, solve_side, taste_sd
from recsim_env.data.posterior import draw_factors
from recsim_env.data.prediction import rmse

N_USERS, N_ITEMS, N_ROWS, NOISE = 600, 250, 40, 0.8


@pytest.fixture(scope="module")
def planted(make_log):
    """Three tastes of sd 0.56 in all and noise 0.8, unrounded: as hard as real ratings are."""
    rng = np.random.default_rng(11)
    truth = FactorModel(
        global_mean=3.5,
        user_bias=rng.normal(0, 0.4, N_USERS),
        item_bias=rng.normal(0, 0.4, N_ITEMS),
        user_factors=rng.normal(0, 0.57, (N_USERS, 3)),
        item_factors=rng.normal(0, 0.57, (N_ITEMS, 3)),
    )
    user = np.repeat(np.arange(N_USERS), N_ROWS)
    item = np.concatenate([rng.permutation(N_ITEMS)[:N_ROWS] for _ in range(N_USERS)])
    rating = truth.liking(user, item) + rng.normal(0, NOISE, len(user))
    time = rng.permutation(len(user)) * 60.0
    return truth, make_log(user, item, rating, time, n_users=N_USERS, n_items=N_ITEMS)


@pytest.fixture(scope="module")
def drawn_world(planted):
    return calibrate(planted[1], n_factors=6)


def test_noise_and_spread_of_tastes_are_both_recovered(planted, drawn_world):
    """With twice as many factors as were planted, and though best guesses miss a third of both."""
    true_sd = taste_sd(planted[0])
    tastes = drawn_world.report["tastes"]
    assert tastes["are"] == "one draw from the posterior"
    assert tastes["sd"] == pytest.approx(true_sd, rel=0.08)
    assert tastes["rating_noise"] == drawn_world.rating_noise == pytest.approx(NOISE, rel=0.04)
    assert tastes["sd_of_predictions"] < 0.8 * true_sd
    assert tastes["rating_noise_of_predictions"] > 1.06 * NOISE
    assert drawn_world.user_bias.std() == pytest.approx(planted[0].user_bias.std(), rel=0.08)
    assert drawn_world.item_bias.std() == pytest.approx(planted[0].item_bias.std(), rel=0.12)


def test_liking_and_noise_add_up_to_the_spread_of_ratings(planted, drawn_world):
    _, log = planted
    liking = drawn_world.liking(log.user, log.item)
    assert liking.var() + drawn_world.rating_noise**2 == pytest.approx(log.rating.var(), rel=0.03)
    assert liking.mean() == pytest.approx(log.rating.mean(), abs=0.02)


def test_held_out_error_is_noise_plus_disagreement_of_draws(planted):
    """Draws spread around their mean as far as the truth lies from it, on pairs never rated."""
    truth, log = planted
    train, held_out = log.hold_out_random(0.1, seed=0)
    model = fit_factors(train.matrix(), n_factors=3, factor_penalty=9.0, bias_penalty=2.0)
    likings = []
    for seed in range(10):
        model = draw_factors(train.matrix(), model, n_sweeps=40 if seed else 100, seed=seed)
        likings.append(model.liking(held_out.user, held_out.item))
    mean, variance = np.mean(likings, axis=0), np.var(likings, axis=0, ddof=1).mean()
    # The mean of 10 draws lies off the posterior mean by a tenth of their variance.
    noise = np.sqrt(rmse(mean, held_out.rating) ** 2 - 1.1 * variance)
    # Five standard errors of a standard deviation estimated from 2,400 rows.
    assert abs(noise - NOISE) < 5 * NOISE / np.sqrt(2 * len(held_out))
    error = rmse(mean, truth.liking(held_out.user, held_out.item)) ** 2
    assert error == pytest.approx(1.1 * variance, rel=0.15)


def test_ratings_without_tastes_get_none(make_log):
    rng = np.random.default_rng(8)
    user, item = np.divmod(rng.permutation(400 * 150)[:20_000], 150)
    log = make_log(user, item, rng.integers(1, 6, 20_000).astype(float))
    start = fit_factors(log.matrix(), n_factors=4)
    model = draw_factors(log.matrix(), start)
    residual = log.rating - model.liking(log.user, log.item)
    assert taste_sd(model) < 0.25 < 0.2 * log.rating.std()
    assert residual.std() > 0.97 * log.rating.std()


def test_draws_of_one_side_have_the_mean_and_covariance_of_ridge_regression(make_log):
    rng = np.random.default_rng(3)
    others = rng.normal(size=(12, 3))
    n_draws, noise, penalty, centre = 40_000, 0.7, np.array([2.0, 3.0, 4.0]), 0.5
    row = make_log(np.zeros(12), np.arange(12), rng.normal(size=12)).matrix()
    rows = row[np.zeros(n_draws, int)]
    scatter = noise * rng.normal(size=(n_draws, 3))
    draws = solve_side(rows, others, penalty, centre=centre, scatter=scatter)
    design = np.column_stack([others[:, :2], np.ones(12)])
    normal = design.T @ design + np.diag(penalty)
    moments = design.T @ (row.toarray()[0] - others[:, 2]) + [0, 0, penalty[2] * centre]
    covariance = noise**2 * np.linalg.inv(normal)
    error = (draws.mean(axis=0) - np.linalg.solve(normal, moments)) / np.sqrt(np.diag(covariance))
    # Five standard errors; a variance has a relative one of sqrt(2 / n).
    assert np.abs(error).max() < 5 / np.sqrt(n_draws)
    deviation = np.sqrt(np.diag(covariance))
    scaled = (np.cov(draws.T) - covariance) / np.outer(deviation, deviation)
    assert np.abs(scaled).max() < 5 * np.sqrt(2 / n_draws)


def test_a_seed_gives_one_draw_and_another_seed_another(planted):
    _, log = planted
    start = fit_factors(log.matrix(), n_factors=3)
    first, same, other = (
        draw_factors(log.matrix(), start, n_sweeps=3, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.user_factors, same.user_factors)
    np.testing.assert_array_equal(first.item_bias, same.item_bias)
    assert not np.array_equal(first.user_factors, other.user_factors)


def test_predictions_are_the_people_when_drawing_is_off(planted, drawn_world):
    _, log = planted
    world = calibrate(log, n_factors=6, draws_tastes=False)
    penalties = world.report["penalties"]
    fitted = fit_factors(
        log.matrix(),
        n_factors=6,
        factor_penalty=penalties["factor"],
        bias_penalty=penalties["bias"],
    )
    np.testing.assert_array_equal(world.user_factors, fitted.user_factors.astype(np.float32))
    assert world.report["tastes"]["are"] == "predictions"
    assert world.rating_noise == world.report["tastes"]["rating_noise_of_predictions"]
    assert world.report["held_out"] == drawn_world.report["held_out"]
    assert world.report["choice"] == drawn_world.report["choice"]


def test_simulated_people_are_as_predictable_as_real_ones(planted, drawn_world, replay):
    """The same predictors, fitted the same way to real and to simulated ratings, err alike."""
    _, log = planted
    simulated = replay(drawn_world, 20_000, seed=2)
    table = fidelity_table(log, simulated, drawn_world)
    for name in ("biases", "factors"):
        real, found = table.number("RMSE", name)
        assert found == pytest.approx(real, rel=0.06), name
        real, found = table.number("AUC", name)
        # Three standard errors of the difference, with about 2,000 rows held out on either side.
        assert found == pytest.approx(real, abs=0.05), name
    # Knowing what people truly like beats every prediction, and leaves the noise.
    real, found = table.number("RMSE", "true likings")
    assert real is None and found == pytest.approx(drawn_world.rating_noise, rel=0.03)
    assert found < table.number("RMSE", "factors")[1]
