"""Calibration finds what was planted in a log, and says how well it predicts."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import sparse

from recsim_env.data import CalibrationSettings, CalibrationWarning, calibrate, read_log
from recsim_env.data.calibration.activity import fit_activity
from recsim_env.data.calibration.calibrate import without_repeats
from recsim_env.data.calibration.choice_fit import (
    exposure_behind,
    fit_choice_slope,
    fit_no_choice_score,
)
from recsim_env.data.calibration.factorization import FactorModel, fit_factors
from recsim_env.data.calibration.prediction import auc, rmse, user_auc
from recsim_env.data.calibration.rating_noise import (
    RatingScale,
    fit_rating_noise,
    rating_scale,
    rating_shares,
)
from recsim_env.data.movielens import COMMAND, movielens_100k_path
from recsim_env.formats.rated_world import RatedWorld

N_USERS, N_ITEMS, NOISE = 300, 200, 0.5


def planted_model(rng, n_users=N_USERS, n_items=N_ITEMS, taste=0.8):
    return FactorModel(
        global_mean=3.0,
        user_bias=rng.normal(0, 0.4, n_users),
        item_bias=rng.normal(0, 0.4, n_items),
        user_factors=rng.normal(0, taste, (n_users, 2)),
        item_factors=rng.normal(0, taste, (n_items, 2)),
    )


@pytest.fixture(scope="module")
def planted(make_log):
    """A model, and 50 ratings by each user, unrounded, with noise of known size."""
    rng = np.random.default_rng(1)
    model = planted_model(rng)
    user = np.repeat(np.arange(N_USERS), 50)
    item = np.concatenate([rng.permutation(N_ITEMS)[:50] for _ in range(N_USERS)])
    rating = model.liking(user, item) + rng.normal(0, NOISE, len(user))
    time = rng.permutation(len(user)) * 60.0
    return model, make_log(user, item, rating, time, n_users=N_USERS, n_items=N_ITEMS)


def test_factors_match_a_dense_solution(make_log):
    """One sweep of the sparse solver against ridge regression written out user by user."""
    rng = np.random.default_rng(0)
    ratings = sparse.csr_array(rng.integers(1, 6, (6, 5)) * (rng.random((6, 5)) < 0.7))
    model = fit_factors(ratings, n_factors=2, factor_penalty=3.0, bias_penalty=2.0, n_sweeps=60)
    scale = ratings.data.std()
    for i in range(5):
        users = np.flatnonzero(ratings.toarray()[:, i])
        design = np.column_stack([model.user_factors[users], np.ones(len(users))])
        design[:, :2] /= np.sqrt(scale)
        target = ratings.toarray()[users, i] - model.global_mean - model.user_bias[users]
        normal = design.T @ design + np.diag([3.0, 3.0, 2.0])
        expected = np.linalg.solve(normal, design.T @ target / scale)
        found = [*model.item_factors[i] / np.sqrt(scale), model.item_bias[i] / scale]
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_planted_factors_are_recovered(planted):
    truth, log = planted
    world = calibrate(log, n_factors=4)
    pairs = np.arange(N_USERS)[:, None], np.arange(N_ITEMS)
    error = rmse(world.liking(*pairs), truth.liking(*pairs))
    assert error < 0.35 < 0.5 * truth.liking(*pairs).std()
    predictors = world.report["held_out"]["predictors"]
    assert predictors["factors"]["rmse"] < 1.25 * NOISE
    assert predictors["factors"]["rmse"] < 0.8 * predictors["biases"]["rmse"]
    assert predictors["biases"]["rmse"] < predictors["global mean"]["rmse"]
    # The world's people are drawn, so its noise is the ratings' own; before, it was the scatter
    # about predictions, which their errors add to.
    assert world.rating_noise == pytest.approx(NOISE, rel=0.05)
    assert NOISE < world.report["tastes"]["rating_noise_of_predictions"] < 1.25 * NOISE
    assert predictors["global mean"]["auc"] == 0.5


def test_ratings_without_structure_show_no_skill(make_log):
    """Nothing can be predicted here, so nothing may seem to be."""
    rng = np.random.default_rng(8)
    user, item = np.divmod(rng.permutation(250 * 100)[:10_000], 100)
    log = make_log(user, item, rng.integers(1, 6, 10_000), rng.permutation(10_000) * 1.0)
    world = calibrate(log, n_factors=4)
    predictors = world.report["held_out"]["predictors"]
    n_held_out = world.report["held_out"]["n_rows"]
    for name in ("popularity", "biases", "factors"):
        # Five standard errors of the AUC of a useless score.
        assert abs(predictors[name]["auc"] - 0.5) < 5 * (3 * n_held_out / 2) ** -0.5
    assert world.rating_noise > 1.35
    assert world.report["choice"]["slope"] < 5 * world.report["choice"]["standard_error"]


def test_same_seed_gives_the_same_world_file_in_any_order_of_rows(planted, tmp_path):
    _, log = planted
    log = dataclasses.replace(log, time=log.time // 30_000)  # many of one moment
    log = log.select(log.user < 60).core()
    other = log.select(np.random.default_rng(0).permutation(len(log)))
    for name, each in (("a", log), ("b", other)):
        calibrate(each, n_factors=4, seed=3).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    calibrate(log, n_factors=4, seed=4).save(tmp_path / "c")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("slope", [0.0, 1.5])
def test_planted_choice_slope_is_recovered(slope, make_log):
    """People choose one of all open items by exposure · exp(slope · liking)."""
    rng = np.random.default_rng(2)
    model = planted_model(rng, n_items=60, taste=0.6)
    exposure = rng.dirichlet(np.full(60, 3.0))
    users = np.repeat(np.arange(N_USERS), 20)
    weight = exposure * np.exp(slope * model.liking(users[:, None], np.arange(60)))
    items = (weight.cumsum(1) / weight.sum(1, keepdims=True) < rng.random((len(users), 1))).sum(1)
    choices = make_log(users, items, np.ones(len(users)), n_users=N_USERS, n_items=60)
    nothing = sparse.csr_array((N_USERS, 60))
    shown = np.bincount(items, minlength=60) / len(items)
    found = fit_choice_slope(model, choices, nothing, shown)
    # Five standard errors: one false alarm in 1.7 million; 8 % for the items' mean liking, which
    # stands for their constants.
    assert abs(found.slope - slope) < 5 * found.standard_error + 0.08 * slope
    assert found.standard_error < 0.1


def test_slates_drawn_by_exposure_get_a_choice_at_the_stated_rate():
    rng = np.random.default_rng(0)
    scores, exposure = rng.normal(size=(50, 30)), rng.dirichlet(np.ones(30))
    for rate in (0.2, 0.5, 0.9):
        score = fit_no_choice_score(scores, exposure, rate=rate, slate_size=4, seed=1)
        n, successes = 6_000, 0.0
        for _ in range(n):
            slate = rng.choice(30, size=4, replace=False, p=exposure)
            total = np.exp(scores[rng.integers(50), slate]).sum()
            successes += total / (total + np.exp(score))
        # Drawing without replacement differs a little from redrawing slates with repeats.
        assert successes / n == pytest.approx(rate, abs=0.03)


def test_corrected_exposure_reproduces_consumption():
    """Items are consumed as in the log, although sessions are long and people have tastes."""
    rng = np.random.default_rng(5)
    popularity = rng.dirichlet(np.full(N_ITEMS, 0.7))
    scores = rng.normal(0, 0.8, (500, N_ITEMS))
    size = np.full(500, 30.0)
    target = (popularity + 1e-3) / (popularity + 1e-3).sum()
    target = np.minimum(target, 0.02)
    target /= target.sum()
    exposure = exposure_behind(target, scores, size, no_choice_score=1.0, slate_size=3)
    consumed = np.zeros(N_ITEMS)
    for session in range(500):
        weight = exposure.copy()
        attraction = np.exp(scores[session])
        for _ in range(30):
            found = -1
            while found < 0:
                slate = rng.choice(N_ITEMS, size=3, replace=False, p=weight / weight.sum())
                odds = np.append(attraction[slate], np.e)
                position = rng.choice(4, p=odds / odds.sum())
                found = slate[position] if position < 3 else -1
            consumed[found] += 1
            weight[found] = 0.0
    share = consumed / consumed.sum()
    # 15,000 draws from the target itself would differ from it by about 0.045.
    assert 0.5 * np.abs(share - target).sum() < 0.06
    assert 0.5 * np.abs(exposure - target).sum() > 0.07


def test_activity_has_the_observed_mean_and_spread(make_log):
    rng = np.random.default_rng(3)
    own = np.exp(rng.normal(2.0, 0.6, 400))
    rows = []
    for user in range(400):
        for session in range(rng.integers(1, 8)):
            size = max(1, round(own[user] * np.exp(rng.normal(0, 0.5))))
            rows += [(user, session * 1e5 + k) for k in range(size)]
    user, time = np.array(rows).T
    log = make_log(user, np.arange(len(rows)), np.ones(len(rows)), time, is_explicit=False)
    activity = fit_activity(log, 3600.0)
    sizes = np.bincount(log.sessions(3600.0))
    sessions = activity.visit_weight
    assert activity.n_sessions == len(sizes)
    assert sessions @ activity.session_mean == pytest.approx(sizes.mean())
    second = sessions @ activity.session_mean**2 * np.exp(activity.session_log_sd**2)
    assert second == pytest.approx(np.mean(sizes**2.0))
    assert activity.session_log_sd == pytest.approx(0.5, abs=0.15)
    assert np.corrcoef(np.log(own), np.log(activity.session_mean))[0, 1] > 0.8


def test_rating_noise_is_found_through_rounding_and_clipping():
    rng = np.random.default_rng(4)
    scale = RatingScale(1.0, 5.0, 1.0, 4.0)
    liking = rng.normal(3.6, 0.7, 40_000)
    rating = np.clip(np.rint(liking + rng.normal(0, 0.9, len(liking))), 1, 5)
    assert fit_rating_noise(liking, rating, scale) == pytest.approx(0.9, abs=0.02)
    shares = rating_shares(liking, 0.9, scale)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    real = [(rating == level).mean() for level in scale.levels()]
    np.testing.assert_allclose(shares.mean(axis=0), real, atol=0.015)


@pytest.mark.parametrize(
    ("ratings", "step"),
    [
        ([1, 2, 3, 4, 5], 1),
        ([1, 2, 5], 1),
        ([0, 2, 5], 1),
        ([1, 2.5, 4, 5], 0.5),
        ([0.33, 0.67, 1.0], 0.33),
        ([0, 1, 100], 1),
        ([0, 1e-4, 10], 0.1),
    ],
)
def test_all_ratings_lie_on_the_scale(ratings, step, make_log):
    n = len(ratings)
    scale = rating_scale(make_log(np.zeros(n), np.arange(n), ratings), None)
    assert scale.step == pytest.approx(step)
    assert scale.levels()[-1] == pytest.approx(ratings[-1], abs=0.1 * step)
    near = np.abs(scale.levels() - np.array(ratings, float)[:, None]).min(axis=1)
    assert near.max() < 0.1 * step


def test_ratings_at_uneven_distances_are_told(make_log):
    rng = np.random.default_rng(2)
    user, item = np.divmod(rng.permutation(30 * 40)[:600], 40)
    log = make_log(user, item, rng.choice([0.0, 2.0, 5.0], 600), n_users=30, n_items=40)
    with pytest.warns(CalibrationWarning, match=r"uneven distances, 0, 2, 5: .* by steps of 1;"):
        world = calibrate(log, n_factors=1, draws_tastes=False)
    assert world.rating_of(9.9) == 5.0


def test_auc_counts_pairs():
    score, is_liked = np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, True, False, True])
    assert auc(score, is_liked) == 3.5 / 4
    assert np.isnan(auc(score, np.ones(4, bool)))
    within = user_auc(score, is_liked, np.array([0, 0, 1, 1]))
    assert within == 1.0


def test_clicks_give_a_world_where_consumed_means_liked(make_log):
    rng = np.random.default_rng(6)
    taste = np.arange(200) % 2
    rows = [
        (user, item)
        for user in range(200)
        for item in np.flatnonzero(
            rng.random(80) < np.where(np.arange(80) % 2 == taste[user], 0.4, 0.05)
        )
    ]
    user, item = np.array(rows).T
    log = make_log(user, item, np.ones(len(user)), n_users=200, n_items=80, is_explicit=False)
    world = calibrate(log, n_factors=4)
    assert world.like_threshold == 1.0
    assert world.rating_of(np.array([-3.0, 9.0])).tolist() == [1.0, 1.0]
    own = world.liking(np.arange(200), taste)
    other = world.liking(np.arange(200), 1 - taste)
    assert (own > other).mean() > 0.97
    predictors = world.report["held_out"]["predictors"]
    # Knowing everybody's taste gives 0.75: an unclicked item may still be to the user's taste.
    assert predictors["factors"]["auc"] > 0.75 > 0.65 > predictors["biases"]["auc"]
    assert world.choice_slope > 1.0


@pytest.mark.parametrize(("n_users", "n_items", "n_rows"), [(100, 30, 12), (60, 20, 20)])
def test_people_who_had_most_of_a_small_catalogue_give_a_world(n_users, n_items, n_rows, make_log):
    """Popular items are in every session, and no exposure makes them more than that."""
    rng = np.random.default_rng(0)
    popularity = np.exp(2.0 * rng.normal(size=n_items))
    item = np.concatenate(
        [
            rng.choice(n_items, n_rows, replace=False, p=popularity / popularity.sum())
            for _ in range(n_users)
        ]
    )
    user = np.repeat(np.arange(n_users), n_rows)
    world = calibrate(make_log(user, item, np.ones(len(user)), is_explicit=False), n_factors=4)
    assert (world.item_exposure > 0).all() and world.item_exposure.sum() == pytest.approx(1.0)
    if n_rows < n_items:
        common = np.argsort(np.bincount(item, minlength=n_items))
        assert world.item_exposure[common[-1]] > 3 * world.item_exposure[common[0]]


def test_logs_without_tastes_to_find_are_refused_with_what_to_do(make_log):
    user, item = np.divmod(np.arange(600), 20)
    for rating, reason in (
        (np.full(600, 3.0), "every rating is 3, .* leave the rating column out"),
        (np.where(item % 2, 1e9, 1e9 + 1), "ratings reach from 1e.09 .* divide by their range"),
    ):
        with pytest.raises(ValueError, match=reason):
            calibrate(make_log(user, item, rating))
    with pytest.raises(ValueError, match="300 rows repeat a user and an item; keep one"):
        calibrate(make_log(user % 15, item, item % 3))
    clicks = make_log(user % 15, item, np.ones(600), is_explicit=False)
    assert len(without_repeats(clicks)) == 300
    for name, value in {
        "n_factors": 2.5, "n_factors ": 0, "n_alternatives": 10**9, "choice_slate_size": True,
        "session_gap_seconds": np.nan, "exposure_smoothing": np.inf, "held_out_share": 1.0,
        "like_threshold": "high", "draws_tastes": 1, "seed": -1,
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=rf"{name.strip()}={value!r}"):
            CalibrationSettings(**{name.strip(): value})


def test_wrong_settings_are_refused(planted, make_log):
    _, log = planted
    with pytest.raises(ValueError, match="has no setting factors; known are n_factors"):
        calibrate(log, factors=3)
    with pytest.raises(ValueError, match="choice_rate=1.5"):
        calibrate(log, choice_rate=1.5)
    with pytest.raises(ValueError, match=r"like_threshold=99\.0"):
        calibrate(log, like_threshold=99.0)
    with pytest.raises(ValueError, match="nothing can be held out"):
        calibrate(make_log([0, 0, 1], [0, 1, 1], [1, 2, 3], [1, 2, 3]))


@pytest.fixture(scope="module")
def movielens():
    try:
        folder = movielens_100k_path()
    except FileNotFoundError:
        # The ratings may not be distributed with the tests, which need no network.
        pytest.skip(f"MovieLens-100K is absent; `make data` or `{COMMAND}` fetches it")
    return read_log(folder)


@pytest.fixture(scope="module")
def movielens_world(movielens):
    return calibrate(movielens)


def test_movielens_has_its_known_size(movielens):
    assert (movielens.n_users, movielens.n_items, len(movielens)) == (943, 1682, 100_000)
    assert movielens.rating.mean() == pytest.approx(3.52986)
    genres = [name for name in movielens.item_feature_names if name.startswith("class=")]
    assert len(genres) == 19 and "release_year" in movielens.item_feature_names


@pytest.mark.slow
def test_movielens_factors_beat_biases_beat_the_mean(movielens_world):
    by = movielens_world.report["held_out"]["predictors"]
    assert by["global mean"]["rmse"] > 1.1 > by["biases"]["rmse"] + 0.05
    assert by["biases"]["rmse"] - 0.015 > by["factors"]["rmse"] > 0.9
    for area in ("auc", "user_auc"):
        assert 0.5 < by["popularity"][area] < by["biases"][area] - 0.05
        assert by["biases"][area] + 0.005 < by["factors"][area] < 0.9


def test_movielens_error_on_random_rows_is_what_the_field_reports(movielens):
    train, held_out = movielens.hold_out_random(0.1)
    model = fit_factors(train.matrix(), factor_penalty=13.0, bias_penalty=2.0)
    assert 0.88 < rmse(model.liking(held_out.user, held_out.item), held_out.rating) < 0.93


@pytest.mark.slow
def test_movielens_world_is_whole_and_loads_without_the_log(movielens_world, tmp_path):
    world = movielens_world
    world.save(tmp_path / "world.npz")
    assert (tmp_path / "world.npz").stat().st_size < 1_000_000
    loaded = RatedWorld.load(tmp_path / "world.npz")
    assert json.dumps(loaded.report) == json.dumps(world.report)
    assert (loaded.n_users, loaded.n_items, loaded.n_factors) == (943, 1682, 16)
    assert (loaded.rating_min, loaded.rating_max, loaded.like_threshold) == (1, 5, 4)
    shares = loaded.report["rating_shares"]
    assert 0.5 * np.abs(np.subtract(shares["real"], shares["expected"])).sum() < 0.07
    assert loaded.choice_slope > 10 * loaded.report["choice"]["standard_error"]
    assert np.sort(loaded.item_exposure)[::-1][:168].sum() > 0.4


@pytest.mark.slow
def test_movielens_people_differ_more_than_predictions_of_them(movielens, movielens_world):
    tastes = movielens_world.report["tastes"]
    assert tastes["sd"] > 0.4 > 0.2 > tastes["sd_of_predictions"]
    assert movielens_world.rating_noise < 0.85 < 0.95 < tastes["rating_noise_of_predictions"]
    liking = movielens_world.liking(movielens.user, movielens.item)
    # Felt ratings vary more than the scale lets people say.
    rng = np.random.default_rng(0)
    felt = liking + movielens_world.rating_noise * rng.normal(size=len(liking))
    assert felt.var() > movielens.rating.var()
    assert movielens_world.rating_of(felt).var() == pytest.approx(movielens.rating.var(), rel=0.08)
