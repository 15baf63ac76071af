"""Contexts that change likings are found, and no others; worlds serve what was found."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data import calibrate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

N_USERS, N_ITEMS, N_ROWS = 250, 100, 50


def log_with_device(make_log, *, clicks=False):
    """Returns a log in which some items are for the phone, and the weather means nothing."""
    rng = np.random.default_rng(0)
    kind = rng.normal(size=N_ITEMS)
    user = np.repeat(np.arange(N_USERS), N_ROWS)
    device, weather = rng.integers(0, 2, len(user)), rng.integers(0, 3, len(user))
    if clicks:
        # Who is drawn by a race takes no item twice, and more often what suits the device.
        race = 0.7 * kind * (2 * device[:, None] - 1) + rng.gumbel(size=(len(user), N_ITEMS))
        item, taken = np.empty(len(user), int), np.zeros((N_USERS, N_ITEMS), bool)
        for row, one in enumerate(user):
            item[row] = np.argmax(np.where(taken[one], -np.inf, race[row]))
            taken[one, item[row]] = True
        rating = np.ones(len(user))
    else:
        item = np.concatenate([rng.permutation(N_ITEMS)[:N_ROWS] for _ in range(N_USERS)])
        felt = 3 + 0.5 * kind[item] * (2 * device - 1) + rng.normal(0, 0.8, len(user))
        rating = np.clip(np.rint(felt), 1, 5)
    log = make_log(user, item, rating, rng.permutation(len(user)) * 60.0, is_explicit=not clicks)
    return kind, dataclasses.replace(
        log,
        context=np.column_stack([device, weather]).astype(np.int32),
        context_labels={"device": ("phone", "tv"), "weather": ("sun", "rain", "snow")},
    )


def fitted(log, **settings):
    return calibrate(log, n_factors=1, draws_tastes=False, **settings)


@pytest.fixture(scope="module")
def rated(make_log):
    kind, log = log_with_device(make_log)
    return kind, log, fitted(log)


def found(world):
    return {(e["context"], e["of"]) for e in world.report["contexts"] if e["is_kept"]}


def test_items_that_suit_a_device_are_found_and_the_weather_is_not(rated):
    kind, _, world = rated
    assert found(world) == {("device", "item")}
    first = world.report["contexts"][0]
    assert first["sd"] == pytest.approx(0.5, rel=0.35)
    assert first["gain"]["log_likelihood_low"] > 0 < first["gain"]["auc_low"]
    change = world.item_context_factors @ (world.context_factors[1] - world.context_factors[0])
    assert np.corrcoef(change, kind)[0, 1] > 0.85


@pytest.mark.parametrize("clicks", [False, True])
def test_permuted_contexts_have_no_effect(clicks, make_log):
    _, log = log_with_device(make_log, clicks=clicks)
    permuted = np.random.default_rng(1).permutation(log.context)
    world = fitted(dataclasses.replace(log, context=permuted))
    assert len(world.report["contexts"]) == 4 and not found(world)
    assert not len(world.context_labels) and not world.user_moments.size


def test_clicks_tell_what_suits_a_device(make_log):
    kind, log = log_with_device(make_log, clicks=True)
    world = fitted(log)
    assert found(world) == {("device", "item")}
    change = world.item_context_factors @ (world.context_factors[1] - world.context_factors[0])
    assert np.corrcoef(change, kind)[0, 1] > 0.7


def test_contexts_can_be_left_out(rated):
    world = fitted(rated[1], contexts=False)
    assert world.report["contexts"] == [] and not len(world.context_labels)
    np.testing.assert_array_equal(world.item_factors, rated[2].item_factors)


def test_people_come_in_contexts_and_rate_by_them(rated, tmp_path):
    kind, _, world = rated
    path = tmp_path / "world.npz"
    world.save(path)
    loaded = RatedWorld.load(path)
    np.testing.assert_array_equal(loaded.user_moments, world.user_moments)
    env = RecommendationVectorEnv(
        RatedCatalogue, num_envs=256, world=str(path), n_candidates=N_ITEMS, slate_size=1
    )
    assert "context" in env.scenario.state_groups
    seen, _ = env.reset(seed=0)
    assert seen["context"].shape == (256, 5)
    assert (seen["context"][:, :2].sum(axis=1) == 1).all()
    assert (seen["context"][:, 2:].sum(axis=1) == 1).all()
    # On television the items of the highest kind are liked best, and on the phone last.
    ratings = {(item, device): [] for item in ("low", "high") for device in (0, 1)}
    for seed in range(4):
        for item, item_id in (("low", np.argmin(kind)), ("high", np.argmax(kind))):
            seen, _ = env.reset(seed=seed * 1000)
            slate = np.argmax(seen["item_id"] == item_id, axis=1)[:, None]
            after, *_ = env.step(slate)
            clicked, _, rating = after["response"][:, 0].T
            for device in (0, 1):
                rows = (seen["context"][:, device] > 0) & (clicked > 0)
                ratings[item, device] += rating[rows].tolist()
    mean = {key: np.mean(values) for key, values in ratings.items()}
    assert mean["low", 0] > mean["low", 1] + 0.5 and mean["high", 1] > mean["high", 0] + 0.5
    env.close()
