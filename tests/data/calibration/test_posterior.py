"""Drawn tastes vary between people as true ones do; the best guesses of them do not."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from recsim_env.data import CalibrationWarning, calibrate, fidelity_table
from recsim_env.data.calibration.convergence import AGREED, split_r_hat
from recsim_env.data.calibration.factorization import (
    FactorModel,
    consumed_taste_sd,
    fit_factors,
    taste_sd,
)
from recsim_env.data.calibration.posterior import draw_factors
from recsim_env.data.calibration.prediction import rmse
from recsim_env.data.calibration.rating_noise import RatingScale, rating_scale
from recsim_env.data.calibration.taste_draws import _von_mises, cut_normal, draw_turn

pytestmark = pytest.mark.learns

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
    scale = rating_scale(log, None)
    likings = []
    for seed in range(4):
        draw = draw_factors(train.matrix(), scale, n_factors=3, seed=seed)
        assert draw.has_converged
        likings.append(draw.model.liking(held_out.user, held_out.item))
    mean, variance = np.mean(likings, axis=0), np.var(likings, axis=0, ddof=1).mean()
    # The mean of 4 draws lies off the posterior mean by a quarter of their variance.
    noise = np.sqrt(rmse(mean, held_out.rating) ** 2 - 5 / 4 * variance)
    # Five standard errors of a standard deviation estimated from 2,400 rows.
    assert abs(noise - NOISE) < 5 * NOISE / np.sqrt(2 * len(held_out))
    error = rmse(mean, truth.liking(held_out.user, held_out.item)) ** 2
    assert error == pytest.approx(5 / 4 * variance, rel=0.15)


def filmtrust_like(*, taste, n_users=1508, n_items=2071, n_rows=35_494, seed=0):
    """Ratings from .5 to 4 by half, most of few items, many at the upper end; and their truth."""
    rng = np.random.default_rng(seed)
    popularity = np.minimum(np.arange(1, n_items + 1) ** -1.1, 0.2)
    activity = np.exp(rng.normal(size=n_users))
    pairs = np.empty(0, np.int64)
    while len(pairs) < n_rows:
        user = rng.choice(n_users, size=2 * n_rows, p=activity / activity.sum())
        item = rng.choice(n_items, size=2 * n_rows, p=popularity / popularity.sum())
        pairs = np.unique(np.append(pairs, user * n_items + item))
    user, item = np.divmod(rng.permutation(pairs)[:n_rows], n_items)
    own = np.sqrt(taste) / 4**0.25
    truth = FactorModel(
        global_mean=3.1,
        user_bias=rng.normal(0, 0.45, n_users),
        item_bias=rng.normal(0, 0.45, n_items),
        user_factors=rng.normal(0, own, (n_users, 4)),
        item_factors=rng.normal(0, own, (n_items, 4)),
    )
    felt = truth.liking(user, item) + rng.normal(0, 0.6, n_rows)
    return truth, user, item, np.clip(np.rint(2 * felt) / 2, 0.5, 4.0)


def check_recovery(truth, user, item, rating, starts, make_log, *, rel, n_factors=16):
    """Asserts that everything is found as it was planted, wherever the chains start."""
    log = make_log(user, item, rating, n_users=len(truth.user_bias), n_items=len(truth.item_bias))
    matrix, scale = log.matrix(), rating_scale(log, None)
    wanted = consumed_taste_sd(truth, user, item)
    for k, penalties in enumerate(starts):
        fits = penalties and [
            fit_factors(matrix, n_factors=n_factors, factor_penalty=penalty, seed=seed)
            for seed, penalty in enumerate(penalties)
        ]
        draw = draw_factors(matrix, scale, n_factors=n_factors, starts=fits, seed=k)
        assert draw.has_converged and max(draw.r_hat.values()) < AGREED, (penalties, draw.r_hat)
        found = consumed_taste_sd(draw.model, user, item)
        assert found == pytest.approx(wanted, rel=rel), penalties
        assert draw.rating_noise == pytest.approx(0.6, rel=0.08), penalties
        assert draw.model.user_bias.std() == pytest.approx(truth.user_bias.std(), rel=0.1)


def test_known_tastes_are_recovered_from_every_start(make_log):
    """In a log that is small, dense, and cut at its upper end."""
    planted = filmtrust_like(taste=0.6, n_users=200, n_items=120, n_rows=8_000, seed=3)
    check_recovery(*planted, [None, (6.0, 18.0)], make_log, rel=0.15, n_factors=6)


def test_people_do_not_depend_on_the_penalty_of_the_predictions(make_log, monkeypatch):
    _, user, item, rating = filmtrust_like(taste=0.6, n_users=150, n_items=80, n_rows=4_000)
    log = make_log(user, item, rating, n_users=150, n_items=80)
    worlds = []
    for penalty in (6.0, 18.0):
        monkeypatch.setattr("recsim_env.data.calibration.held_out._FACTOR_PENALTIES", (penalty,))
        worlds.append(calibrate(log, n_factors=3))
    assert [world.report["penalties"]["factor"] for world in worlds] == [6.0, 18.0]
    np.testing.assert_array_equal(worlds[0].user_factors, worlds[1].user_factors)
    assert worlds[0].rating_noise == worlds[1].rating_noise
    predicted, other = (world.report["tastes"]["sd_of_predictions"] for world in worlds)
    assert predicted > 1.2 * other


@pytest.mark.slow
@pytest.mark.parametrize("taste", [0.3, 0.5])
def test_known_tastes_of_a_skewed_log_are_recovered_from_every_start(taste, make_log):
    """From penalty 6 the sampler once gave .41 for these, and .02 from penalty 18."""
    planted = filmtrust_like(taste=taste)
    starts = [None, (6.0, 6.0), (18.0, 18.0), (6.0, 18.0, 100.0)]
    check_recovery(*planted, starts, make_log, rel=0.2)


def test_ratings_without_tastes_get_none(make_log):
    rng = np.random.default_rng(8)
    user, item = np.divmod(rng.permutation(250 * 100)[:10_000], 100)
    log = make_log(user, item, rng.integers(1, 6, 10_000).astype(float))
    draw = draw_factors(log.matrix(), RatingScale(1, 5, 1, 4), n_factors=2)
    liking = draw.model.liking(user, item)
    assert consumed_taste_sd(draw.model, user, item) < 0.25 * log.rating.std()
    assert liking.std() < 0.3 * log.rating.std()
    assert draw.rating_noise > 0.97 * log.rating.std()


def test_chains_that_have_not_met_are_seen_and_told(make_log, monkeypatch):
    _, user, item, rating = filmtrust_like(taste=0.6, n_users=150, n_items=80, n_rows=4_000)
    log = make_log(user, item, rating, n_users=150, n_items=80)
    draw = draw_factors(log.matrix(), rating_scale(log, None), n_factors=4, max_sweeps=4)
    assert not draw.has_converged and max(draw.r_hat.values()) > AGREED and draw.n_sweeps == 4
    monkeypatch.setattr(
        "recsim_env.data.calibration.calibrate.draw_factors", lambda *args, **settings: draw
    )
    with pytest.warns(CalibrationWarning, match="after 4 sweeps, chains .* still disagree"):
        world = calibrate(log, n_factors=4)
    assert "disagree" in world.report["warnings"][0]
    assert not world.report["tastes"]["have_converged"]


def test_tastes_that_are_drawn_weaker_than_predicted_are_told(planted, monkeypatch):
    """As a sampler leaves them that has collapsed."""
    _, log = planted
    draw = draw_factors(log.matrix(), rating_scale(log, None), n_factors=3, max_sweeps=100)
    model = dataclasses.replace(draw.model, user_factors=0.01 * draw.model.user_factors)
    weak = dataclasses.replace(draw, model=model, has_converged=True)
    monkeypatch.setattr(
        "recsim_env.data.calibration.calibrate.draw_factors", lambda *args, **settings: weak
    )
    with pytest.warns(CalibrationWarning, match="vary less on consumed pairs than predicted"):
        world = calibrate(log, n_factors=3)
    tastes = world.report["tastes"]
    assert tastes["consumed_sd"] < tastes["consumed_sd_of_predictions"]


def test_split_r_hat_is_one_for_draws_from_one_law_and_sees_drift_and_distance():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4, 1000))
    assert split_r_hat(draws) == pytest.approx(1.0, abs=0.01)
    assert split_r_hat(draws + np.array([[0], [0], [0], [1]])) > 1.05
    assert split_r_hat(draws + np.linspace(0, 2, 1000)) > 1.1, "all drift alike"
    assert split_r_hat(np.ones((2, 10))) == 1.0
    assert split_r_hat(np.repeat([[1.0], [2.0]], 10, axis=1)) == np.inf


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.5, 1.5), (-1.5, -0.5), (-0.3, 0.4), (-2.0, np.inf), (1.0, np.inf), (3.0, 9.0)],
)
def test_draws_between_bounds_are_a_cut_normal(low, high):
    state = np.array([1], np.uint64)
    draws = np.array([cut_normal(state, low, high) for _ in range(5_000)])
    assert low <= draws.min() and draws.max() <= high
    # False alarm: about 1 in 10 million.
    assert stats.kstest(draws, stats.truncnorm(low, high).cdf).pvalue > 1e-7


def test_draws_between_bounds_are_near_however_far_these_lie():
    state = np.array([1], np.uint64)
    for low, high in ((5e3, np.inf), (-np.inf, -5e3), (6e3, 7e3)):
        draw = cut_normal(state, low, high)
        assert low <= draw <= high and abs(draw) < 6e3 + 1


@pytest.mark.parametrize("concentration", [1e-7, 0.5, 4.0, 300.0])
def test_angles_of_turns_are_von_mises(concentration):
    rng = np.random.default_rng(1)
    draws = [_von_mises(rng, concentration) for _ in range(3_000)]
    # False alarm: about 1 in 10 million.
    assert stats.kstest(draws, stats.vonmises(concentration).cdf).pvalue > 1e-7


def test_turns_change_no_liking_and_line_factors_up_with_unlike_spreads():
    rng = np.random.default_rng(2)
    spread = np.array([1.0, 0.1])
    own, other = rng.normal(size=(2, 500)) * spread[::-1, None], rng.normal(size=(2, 300))
    turn = draw_turn(rng, own @ own.T, spread)
    np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose((turn @ own).T @ (turn @ other), own.T @ other, atol=1e-9)
    assert (turn @ own).std(axis=1) == pytest.approx(spread, rel=0.2)


def test_a_log_of_two_ratings_gives_finite_tastes(make_log):
    """Only the ratio of liking to noise shows in it, so that the noise is set."""
    rng = np.random.default_rng(4)
    user, item = np.divmod(rng.permutation(150 * 60)[:4_000], 60)
    rating = (rng.random(4_000) < np.where(user % 2 == item % 2, 0.8, 0.3)).astype(float)
    world = calibrate(make_log(user, item, rating), n_factors=2)
    assert world.rating_noise == pytest.approx(0.4)
    liking = world.liking(user, item)
    assert np.corrcoef(liking, rating)[0, 1] > 0.45 and np.abs(liking).max() < 5


def test_a_seed_gives_one_draw_and_another_seed_another(planted):
    _, log = planted
    scale = rating_scale(log, None)
    first, same, other = (
        draw_factors(log.matrix(), scale, n_factors=3, max_sweeps=3, seed=seed).model
        for seed in (1, 1, 2)
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
