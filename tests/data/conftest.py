"""Logs made by plain NumPy: one by one the steps that a world's documentation states."""

import numpy as np
import pytest

from recsim_env.data import InteractionLog
from recsim_env.formats.rated_world import NEVER


def make_log(user, item, rating, time=None, *, n_users=None, n_items=None, is_explicit=True):
    """Returns a log without features whose labels are its ids."""
    n_users = n_users or int(np.max(user)) + 1
    n_items = n_items or int(np.max(item)) + 1
    return InteractionLog(
        user=np.asarray(user, np.int32),
        item=np.asarray(item, np.int32),
        rating=np.asarray(rating, np.float64),
        time=None if time is None else np.asarray(time, np.float64),
        is_explicit=is_explicit,
        user_labels=np.arange(n_users).astype(str),
        item_labels=np.arange(n_items).astype(str),
        item_titles=np.arange(n_items).astype(str),
        item_features=np.zeros((n_items, 0), np.float32),
        item_feature_names=np.array([], dtype=str),
        user_features=np.zeros((n_users, 0), np.float32),
        user_feature_names=np.array([], dtype=str),
        name="planted",
    )


def replay(world, n_sessions, seed):
    """Returns the log of users who meet slates drawn by exposure and consume nothing twice.

    Not in a session, and in a world that says so, not in their lives.
    """
    rng = np.random.default_rng(seed)
    rows, lives = [], {}
    is_never_again = len(world.repeat_appeal) > 0 and max(world.repeat_appeal) <= NEVER
    for session in range(n_sessions):
        user = rng.choice(world.n_users, p=world.user_visit_weight)
        spread = world.session_log_sd
        mean = np.log(world.user_session_mean[user]) - spread**2 / 2
        size = int(np.clip(np.rint(np.exp(rng.normal(mean, spread))), 1, world.n_items // 2))
        liking = world.liking(user, np.arange(world.n_items))
        attraction = np.exp(world.choice_slope * (liking - world.global_mean))
        consumed = np.zeros(world.n_items, bool)
        if is_never_again:
            consumed = lives.setdefault(user, consumed)
        n_before = consumed.sum()
        # Slates drawn in one go: an item consumed meanwhile counts as not shown.
        n_slates = 20 + 4 * size
        slates = rng.choice(
            world.n_items, size=(n_slates, world.choice_slate_size), p=world.item_exposure
        )
        draws = rng.random(n_slates)
        for slate, draw in zip(slates, draws, strict=True):
            open_items = np.unique(slate[~consumed[slate]])
            weight = np.cumsum(attraction[open_items])
            if len(open_items):
                position = np.searchsorted(
                    weight, draw * (weight[-1] + np.exp(world.no_choice_score))
                )
                if position < len(open_items):
                    item = open_items[position]
                    consumed[item] = True
                    felt = liking[item] + world.rating_noise * rng.normal()
                    rows.append((user, item, float(world.rating_of(felt)), session * 1e5))
                    if consumed.sum() - n_before >= size:
                        break
    user, item, rating, time = (np.array(column) for column in zip(*rows, strict=True))
    return make_log(user, item, rating, time, n_users=world.n_users, n_items=world.n_items)


@pytest.fixture(name="make_log", scope="session")
def make_log_fixture():
    return make_log


@pytest.fixture(name="replay", scope="session")
def replay_fixture():
    return replay
