"""People are told apart in what differs, and in nothing else."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data.calibration.distances import distances

N_USERS, N_ITEMS = 120, 30


def people(make_log, seed, *, rating=3.6, session=5, popular=1.0, repeats=False, evening=False):
    """A log of people who come three times, an hour of the day apart from everybody else's."""
    rng = np.random.default_rng(seed)
    weight = 1.0 / np.arange(1, N_ITEMS + 1) ** popular
    rows = []
    for user in range(N_USERS):
        fresh = list(rng.choice(N_ITEMS, N_ITEMS, replace=False, p=weight / weight.sum()))
        for visit in range(3):
            start = visit * 86_400 + (18 if evening else rng.integers(8, 20)) * 3_600
            for step in range(1 + rng.poisson(session)):
                item = fresh[0] if repeats and step % 2 else fresh.pop(0) if fresh else 0
                stars = np.clip(np.rint(rng.normal(rating, 1.0)), 1, 5)
                rows.append((user, item, stars, start + step))
    user, item, stars, time = np.array(rows).T
    log = make_log(
        user.astype(int), item.astype(int), stars, time, n_users=N_USERS, n_items=N_ITEMS
    )
    return log if repeats else log.once("first")


def unlike(found):
    return {each.measure for each in found if not each.is_like}


def test_the_same_people_are_alike_in_all_that_a_world_knows(make_log):
    found = distances(people(make_log, 0), people(make_log, 1), n_splits=30)
    assert unlike(found) == {"hour of the day"}  # simulated people have a made-up clock
    assert {each.measure for each in found if each.simulated is None} == {"hour of the day"}
    for each in found:
        assert 0.0 <= each.halves <= each.halves_high <= 1.0


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"rating": 3.0}, {"rating"}),
        ({"session": 8}, {"rows of a person", "rows of a session"}),
        ({"popular": 0.2}, {"item"}),
    ],
)
def test_what_differs_is_seen(make_log, change, seen):
    found = distances(people(make_log, 0), people(make_log, 1, **change), n_splits=30)
    assert unlike(found) - {"hour of the day"} >= seen
    assert "sessions of a person" not in unlike(found)


def test_repetition_that_a_world_lacks_is_seen(make_log):
    real = people(make_log, 0, repeats=True)
    found = distances(real, people(make_log, 1), n_splits=10)
    assert "times that a person consumes an item" in unlike(found)


def test_a_log_without_times_or_ratings_is_compared_in_what_it_has(make_log):
    logs = [
        dataclasses.replace(people(make_log, seed), time=None, is_explicit=False) for seed in (0, 1)
    ]
    found = distances(*logs, n_splits=10)
    assert [each.measure for each in found] == ["item", "rows of a person"]
