"""Logs of any small shape give a world that can be lived in, or one error that says what to do."""

import collections
import json
import math
import warnings

import numpy as np
import pytest

from recsim_env.data import CalibrationWarning, calibrate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

RATINGS = {
    "clicks": [1.0],
    "stars": [1.0, 2.0, 3.0, 4.0, 5.0],
    "halves": [0.5, 1.0, 3.5, 4.0],
    "thumbs": [0.0, 1.0],
    "signs": [-1.0, 1.0],
    "gaps": [0.0, 1.0, 100.0],
    "constant": [3.0],
    "large": [1e6, 1e6 + 1],
    "tiny": [1e-9, 2e-9],
    "free": None,
}


def random_log(rng, make_log):
    """Returns a log of up to 40 people and 60 items, skewed, with or without ratings and times."""
    n_users, n_items = int(rng.integers(1, 41)), int(rng.integers(1, 61))
    skew = rng.choice([0.0, 1.0, 3.0])
    share = np.arange(1.0, n_items + 1) ** -skew
    share = share / share.sum() + 1e-6
    most = n_items if rng.random() < 0.3 else max(1, n_items // 2)
    has_all = rng.random() < 0.1
    pairs = []
    for user in range(n_users):
        n = n_items if has_all else int(rng.integers((most + 1) // 2, most + 1))
        for item in rng.choice(n_items, n, replace=False, p=share / share.sum()):
            pairs.append((user, int(item)))
    user, item = np.array(pairs).T
    kind = str(rng.choice(list(RATINGS)))
    levels = RATINGS[kind]
    taste = rng.normal(size=n_users)[user] * rng.normal(size=n_items)[item] * rng.choice([0, 1, 9])
    felt = taste + rng.normal(size=len(user)) * rng.choice([0.0, 1.0])
    if levels is None:
        rating = felt
    else:
        place = np.clip(np.rint(felt + len(levels) / 2), 0, len(levels) - 1).astype(int)
        rating = np.array(levels)[place]
    time = None
    if rng.random() < 0.7:
        time = rng.choice([0.0, 60.0, 1e5]) * rng.integers(0, 1000, len(user)).astype(float)
    log = make_log(
        user, item, rating, time, n_users=n_users, n_items=n_items, is_explicit=kind != "clicks"
    )
    return kind, log


def live_in(world, path):
    """Steps through a calibrated world and checks all that it says."""
    world.save(path)
    env = RecommendationVectorEnv(
        RatedCatalogue,
        num_envs=4,
        world=str(path),
        n_candidates=min(10, world.n_items),
        slate_size=min(3, world.n_items),
    )
    seen, _ = env.reset(seed=0)
    slate = np.tile(np.arange(env.scenario.slate_size), (4, 1))
    for _ in range(15):
        seen, reward, *_ = env.step(slate)
        assert np.isfinite(reward).all()
        assert env.observation_space.contains(seen)
    env.close()
    json.dumps(world.report, allow_nan=False)
    assert math.isfinite(world.choice_slope) and 0 <= world.rating_noise < 1e9
    spread = world.rating_max - world.rating_min
    if spread:
        liking = world.liking(np.arange(world.n_users)[:, None], np.arange(world.n_items))
        assert np.abs(liking - world.global_mean).max() < 50 * spread, "out of all proportion"


def try_logs(n, seed, make_log, folder):
    """Returns how many logs were fitted and refused, by reason, and the faults in words."""
    counts, faults = collections.Counter(), []
    for k in range(n):
        kind, log = random_log(np.random.default_rng([seed, k]), make_log)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CalibrationWarning)
                world = calibrate(log, n_factors=2 if k % 4 else 16, seed=k)
        except ValueError as error:
            counts["refused"] += 1
            if not any(word in str(error) for word in ("; give", "; subtract", "; lower")):
                faults.append((k, kind, repr(error)))
            continue
        except Exception as error:
            faults.append((k, kind, repr(error)))
            continue
        try:
            live_in(world, folder / "world.npz")
            counts["worked"] += 1
        except Exception as error:
            faults.append((k, kind, f"cannot be lived in: {error!r}"))
    return counts, faults


@pytest.mark.parametrize("n", [4, pytest.param(400, marks=pytest.mark.slow)])
def test_random_logs_give_worlds_or_one_clear_error(n, make_log, tmp_path):
    counts, faults = try_logs(n, 17, make_log, tmp_path)
    print(f"\nlogs: {n} tried, {counts['refused']} refused, {counts['worked']} worked, "
          f"{len(faults)} faults")  # fmt: skip
    assert not faults, "\n".join(map(str, faults[:20]))
    assert counts["worked"] >= n // 4
