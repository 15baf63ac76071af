"""Repetition and tiring are found in logs that have them, and not in others; worlds serve them."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data import calibrate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.rated_world import NEVER, RatedWorld
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

N_USERS, N_ITEMS, N_SESSIONS, DAY = 120, 80, 12, 86_400.0


def plays(make_log, appeal):
    """Returns a log of sessions of 4 plays, by popularity, habit and `appeal(days since)`."""
    rng = np.random.default_rng(0)
    popularity, rows = np.log(np.arange(1, N_ITEMS + 1) ** -0.7), []
    for user in range(N_USERS):
        own = popularity + rng.normal(0, 0.7, N_ITEMS)
        day, last = 0.0, np.full(N_ITEMS, -np.inf)
        for _ in range(N_SESSIONS):
            for minute in range(4):
                known = np.isfinite(last)
                score = own + np.where(known, appeal(np.where(known, day - last, 0.0)), 0.0)
                item = int(np.argmax(score + rng.gumbel(size=N_ITEMS)))
                last[item] = day
                rows.append((user, item, DAY * day + 60 * minute))
            day += rng.choice([1, 2, 5, 9])
    user, item, time = np.array(rows).T
    many = {"n_users": N_USERS, "n_items": N_ITEMS, "is_explicit": False}
    return make_log(user.astype(int), item.astype(int), np.ones(len(user)), time, **many)


def tiring(days):
    return np.where(days < 0.5, -4.0, np.where(days < 1.5, -1.5, 1.0))


def fitted(log, **settings):
    return calibrate(log, n_factors=1, contexts=False, ages=False, **settings)


def found(world):
    return {each["effect"]: each["is_kept"] for each in world.report["effects"]}


@pytest.fixture(scope="module")
def tired(make_log):
    log = plays(make_log, tiring)
    return log, fitted(log)


def test_what_people_tire_of_and_come_back_to_is_found(tired):
    world = tired[1]
    assert found(world) == {"repetition": True, "time since": True}
    session, day, week, month, _ = world.repeat_appeal
    assert session < -2 and -2.5 < day - week < -1 and abs(month - week) < 0.7
    effect = world.report["effects"][1]
    assert effect["gain"]["log_likelihood_low"] > 0 < effect["gain"]["auc_low"]


def test_permuted_times_tell_of_habit_and_of_no_tiring(tired):
    log, _ = tired
    rng, time = np.random.default_rng(0), log.time.copy()
    for user in range(N_USERS):
        rows = np.flatnonzero(log.user == user)
        time[rows] = time[rng.permutation(rows)]
    world = fitted(dataclasses.replace(log, time=time))
    assert found(world) == {"repetition": True, "time since": False}
    assert (world.repeat_appeal == 0).all()


def test_people_without_habits_repeat_by_chance(make_log):
    rng = np.random.default_rng(1)
    n = N_USERS * 40
    share = np.arange(1, N_ITEMS + 1) ** -0.7
    item = rng.choice(N_ITEMS, n, p=share / share.sum())
    time = DAY * np.tile(np.repeat(np.arange(10), 4), N_USERS)
    log = make_log(np.repeat(np.arange(N_USERS), 40), item, np.ones(n), time, is_explicit=False)
    world = fitted(log)
    assert found(world) == {"repetition": False, "time since": False}
    assert (world.repeat_appeal == 0).all() and world.habit_rows == 1e6


def test_where_nothing_repeats_nothing_is_consumed_twice(make_log):
    world = fitted(plays(make_log, lambda days: np.full(np.shape(days), -np.inf)))
    assert found(world) == {"repetition": True}
    assert (world.repeat_appeal == NEVER).all()


def test_repetition_can_be_left_out(tired):
    with pytest.warns(UserWarning, match="repeat a user and an item, and were"):
        world = fitted(tired[0], repetition=False, sessions=False)
    assert world.report["effects"] == []
    assert not world.repeat_appeal.size and not world.user_visit_items.size


def test_sessions_are_as_long_and_as_far_apart_as_observed(tired):
    world = tired[1]
    assert (world.user_visit_items == 4).all()
    assert set(np.rint(world.user_visit_gap / 24).ravel()) == {1, 2, 5, 9}


def served(world, path, **settings):
    world.save(path)
    world = RatedWorld.load(path)
    return RecommendationVectorEnv(RatedCatalogue, world=str(path), compiled=False, **settings)


def test_worlds_serve_repetition_as_the_log_has_it(tired, tmp_path):
    log, world = tired
    sizes = {"n_candidates": 5, "slate_size": 5, "n_sessions": N_SESSIONS, "num_envs": 8}
    env = served(world, tmp_path / "world.npz", **sizes)
    assert "repetition" in env.scenario.state_groups
    seen, _ = env.reset(seed=0)
    slate = np.tile(np.arange(5), (8, 1))
    known, n_rows, n_repeats, is_over = [set() for _ in range(8)], 0, 0, np.zeros(8, bool)
    while not is_over.all():
        after, _, terminated, _, _ = env.step(slate)
        for slot, place in np.argwhere(after["response"][:, :, 0] * ~is_over[:, None]):
            item = seen["item_id"][slot, place]
            n_rows, n_repeats = n_rows + 1, n_repeats + (item in known[slot])
            known[slot].add(item)
        seen, is_over = after, is_over | terminated
    pairs = np.unique(log.user * N_ITEMS + log.item)
    assert n_rows / 8 == pytest.approx(len(log) / N_USERS, rel=0.3)
    assert n_repeats / n_rows == pytest.approx(1 - len(pairs) / len(log), abs=0.15)


def test_what_is_never_consumed_again_is_masked_across_sessions(tired, tmp_path):
    never = dataclasses.replace(tired[1], repeat_appeal=np.full(5, NEVER), habit_rows=1e6)
    sizes = {"n_candidates": 0, "slate_size": 1, "n_sessions": 6, "num_envs": 4}
    env = served(never, tmp_path / "world.npz", **sizes)
    env.reset(seed=0)
    known, is_over, left = [set() for _ in range(4)], np.zeros(4, bool), []
    while not is_over.all():
        can = env.can_be_shown()
        slate = can.argmax(axis=1)
        left.append(N_ITEMS - can.sum(axis=1))
        after, _, terminated, _, _ = env.step(slate)
        for slot in np.flatnonzero((after["response"][:, 0, 0] > 0) & ~is_over):
            assert slate[slot] not in known[slot]
            known[slot].add(slate[slot])
        is_over |= terminated
    assert max(map(len, known)) > 4  # more than in one session
    assert left[0].sum() == 0 < left[-1].max()
