"""That items appear, age and drift is found in logs where they do, and served; not in others."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data.calibration.age_fit import fit_ages
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.formats.rated_world import NEVER

N_USERS, N_ITEMS, N_DAYS, DAY = 200, 60, 90, 86_400.0


def news(make_log, *, ages=True, appears=True, drifts=False):
    """Returns a log of people who come in turn, and of items that half of them come one by one."""
    rng = np.random.default_rng(0)
    birth = np.where(np.arange(N_ITEMS) % 2, 0.0, rng.uniform(5, 70, N_ITEMS)) * appears
    day = np.sort(rng.uniform(0, N_DAYS, N_USERS * 100))
    level = rng.normal(0, 0.7, N_ITEMS)
    slope = drifts * rng.choice([-1.5, 1.5], N_ITEMS)
    age = day[:, None] - birth
    score = level + slope * (day[:, None] / N_DAYS - 0.5)
    score = score - ages * np.where(birth > 0, 1.5 * np.minimum(age / 20, 1.0), 0.0)
    score = np.where(age < 0, -np.inf, score)
    item = np.argmax(score + rng.gumbel(size=score.shape), axis=1)
    user = rng.integers(0, N_USERS, len(day))
    sizes = {"n_users": N_USERS, "n_items": N_ITEMS, "is_explicit": False}
    return birth, make_log(user, item, np.ones(len(day)), DAY * day, **sizes)


def found(log):
    effects, world = fit_ages(log, CalibrationSettings())
    return {each.name: each.gain.is_real for each in effects}, world


def test_items_that_appear_and_age_are_found(make_log):
    birth, log = news(make_log)
    effects, world = found(log)
    assert effects == {"items appear": True, "age": True, "drift": False}
    appeal, ends = world["item_period_appeal"], world["period_days"]
    late = np.flatnonzero(birth > 0)
    first = ends[(appeal[late] > NEVER).argmax(axis=1)]
    assert np.abs(first - birth[late] - 4).max() < 8  # periods are about 8 days long
    young = np.array([row[row > NEVER][1] for row in appeal[late]])
    assert np.mean(young - appeal[late, -1]) > 0.5


def test_drift_is_found_where_nothing_appears(make_log):
    effects, world = found(news(make_log, ages=False, appears=False, drifts=True)[1])
    assert effects["drift"] and not effects["age"]
    assert world["item_period_appeal"].shape == (N_ITEMS, len(world["period_days"]))


def test_permuted_times_show_nothing(make_log):
    _, log = news(make_log, drifts=True)
    time = np.random.default_rng(1).permutation(log.time)
    effects, world = found(dataclasses.replace(log, time=time))
    assert not any(effects.values()) and world == {}


@pytest.mark.parametrize("setting", ["ages", "sessions"])
def test_ages_can_be_left_out(make_log, setting):
    assert fit_ages(news(make_log)[1], CalibrationSettings(**{setting: False})) == ([], {})
