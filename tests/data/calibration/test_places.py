"""How likely places are looked at is found where it differs, and served."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data import calibrate
from recsim_env.data.calibration.rates import fit_rates, rates_of
from recsim_env.data.impressions import Impressions
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

N_USERS, N_ITEMS, N_SLATES = 150, 40, 30
LOOK = np.array([1.0, 0.6, 0.35, 0.2])


def clicks(make_log, look):
    """Returns a log of slates of 4, the better items rather above, clicked as far as looked at."""
    rng = np.random.default_rng(1)
    n, appeal = N_USERS * N_SLATES, np.linspace(0.05, 0.5, N_ITEMS)
    slate = np.argsort(rng.random((n, N_ITEMS)), axis=1)[:, :4]
    order = np.argsort(-appeal[slate] + rng.normal(0, 0.15, slate.shape), axis=1)
    slate = np.take_along_axis(slate, order, axis=1)
    is_clicked = (rng.random(slate.shape) < appeal[slate] * look).ravel()
    user, item = np.repeat(np.arange(N_USERS), 4 * N_SLATES), slate.ravel()
    row = np.where(is_clicked, np.cumsum(is_clicked) - 1, -1)
    shown = Impressions(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        row=row,
        time=None,
        slate=np.repeat(np.arange(n), 4),
        place=np.tile(np.arange(4), n),
        context=np.zeros((4 * n, 0), np.int32),
    )
    sizes = {"n_users": N_USERS, "n_items": N_ITEMS, "is_explicit": False}
    ones = np.ones(int(is_clicked.sum()))
    log = make_log(user[is_clicked], item[is_clicked], ones, **sizes)
    return dataclasses.replace(log, impressions=shown)


def fitted(log, **settings):
    return calibrate(log, n_factors=1, contexts=False, repetition=False, **settings)


@pytest.mark.filterwarnings("ignore::recsim_env.data.CalibrationWarning")
def test_examination_is_found_whatever_stands_above(make_log, tmp_path):
    world = fitted(clicks(make_log, LOOK))
    (effect,) = world.report["effects"]
    assert effect["effect"] == "place" and effect["is_kept"]
    assert np.exp(world.place_appeal) == pytest.approx(LOOK, abs=0.1)
    path = tmp_path / "world.npz"
    world.save(path)
    sizes = {"n_candidates": 4, "slate_size": 4, "num_envs": 16, "compiled": False}
    env = RecommendationVectorEnv(RatedCatalogue, world=str(path), **sizes)
    env.reset(seed=0)
    looked = env.scenario.examination_probability(np.array([[False, False, True, False]]))
    assert looked[0] == pytest.approx([*LOOK[:2], 1.0, LOOK[3]], abs=0.1)
    counts = np.zeros(4)
    for _ in range(40):
        seen, *_ = env.step(np.tile(np.arange(4), (16, 1)))
        counts += (seen["response"][:, :, 0] > 0).sum(axis=0)
    assert counts[0] > 1.5 * counts[2] > counts[3] > 0


@pytest.mark.filterwarnings("ignore::recsim_env.data.CalibrationWarning")
def test_places_that_are_looked_at_alike_are_not_found(make_log):
    world = fitted(clicks(make_log, np.ones(4)))
    (effect,) = world.report["effects"]
    assert not effect["is_kept"] and not world.place_appeal.size
    assert effect["examination"] == pytest.approx([1.0] * 4, abs=0.15)


@pytest.mark.filterwarnings("ignore::recsim_env.data.CalibrationWarning")
def test_places_can_be_left_out(make_log):
    assert fitted(clicks(make_log, LOOK), places=False).report["effects"] == []


def test_rates_of_a_product_are_found():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 2, 5), rng.uniform(0.5, 2, 7)
    codes = [rng.integers(0, 5, 3000), rng.integers(0, 7, 3000)]
    trials = rng.uniform(10, 30, 3000)
    expected = trials * a[codes[0]] * b[codes[1]]
    found = fit_rates(rng.poisson(expected), trials, codes, sizes=[5, 7], priors=[1e-9, 1e-9])
    assert trials * rates_of(found, codes) == pytest.approx(expected, rel=0.05)
