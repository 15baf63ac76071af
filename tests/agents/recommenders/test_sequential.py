"""A recurrent network learns what follows what, wherever in a history it is read."""

import itertools

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.recommenders.popularity import Popularity
from recsim_env.agents.recommenders.query import RECENT, Query, nothing_recent
from recsim_env.agents.recommenders.two_tower import Sequential, overlapping_parts
from tests.agents.recommenders.asking import fitted

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')

N_ITEMS = 12


def walks(n_people=60, length=40):
    """Returns rows of people who like item i + 1 after item i, in a circle; a fifth time any."""
    rng = np.random.default_rng(0)
    items = rng.integers(0, N_ITEMS, (length, n_people))
    for before, item in itertools.pairwise(items):
        goes_on = rng.random(n_people) < 0.8
        item[goes_on] = (before[goes_on] + 1) % N_ITEMS
    return [(user, item, 1) for step in items for user, item in enumerate(step)]


def trained(table, epochs=20):
    return fitted(Sequential, table, weight_decay=0.1, epochs=epochs, batch_size=256)


def last(model_rows):
    return {user: item for user, item, _ in model_rows}


def test_what_was_liked_last_tells_what_comes_next(table_of):
    """Whoever they are, and though all items are equally popular; strangers by their session."""
    rows = walks()
    table = table_of(rows)
    model = trained(table)
    following = [(item + 1) % N_ITEMS for item in last(rows).values()]
    found = Sequential.affinity(model, Query.whole_catalogue(np.arange(60)))
    assert (found.argmax(axis=1) == following).mean() > 0.95

    popular = fitted(Popularity, table)
    guessed = Popularity.affinity(popular, Query.whole_catalogue(np.arange(60)))
    assert (guessed.argmax(axis=1) == following).mean() < 0.3

    strangers = nothing_recent(N_ITEMS)
    strangers[:, -1] = np.arange(N_ITEMS)
    query = Query(user=np.full(N_ITEMS, -1), item=None, recent=strangers)
    found = Sequential.affinity(model, query)
    assert (found.argmax(axis=1) == (np.arange(N_ITEMS) + 1) % N_ITEMS).mean() > 0.9


def test_the_session_goes_on_where_the_table_ended(table_of):
    """A person of the table who has since liked something else is somewhere else."""
    model = trained(table_of(walks()))
    recent = nothing_recent(N_ITEMS)
    recent[:, -1] = np.arange(N_ITEMS)
    query = Query(user=np.zeros(N_ITEMS, np.int64), item=None, recent=recent)
    found = Sequential.affinity(model, query)
    assert (found.argmax(axis=1) == (np.arange(N_ITEMS) + 1) % N_ITEMS).mean() > 0.9


@pytest.mark.parametrize("gap", [0, 3])
def test_state_after_a_session_is_that_of_all_likes_in_order(table_of, gap):
    """Where they stand among -1 makes no difference."""
    model = trained(table_of(walks(length=6)), epochs=2)
    one, two = nothing_recent(1), nothing_recent(1)
    one[0, RECENT - 3 :] = (4, 9, 2)
    two[0, [1, 2 + gap, 10 + gap]] = (4, 9, 2)
    scores = [
        Sequential.affinity(model, Query(user=np.array([5]), item=None, recent=recent))
        for recent in (one, two)
    ]
    assert np.allclose(scores[0], scores[1], atol=1e-6)


def test_parts_hold_what_each_person_had_liked_before(table_of):
    """Against a loop over rows: the part up to its place is the last 25 to 50 likes, or all."""
    rng = np.random.default_rng(2)
    rows = [(*pair, int(rng.random() < 0.7)) for pair in rng.integers(0, (3, 50), (500, 2))]
    liked, part, place = overlapping_parts(table_of(rows))
    so_far = {user: [] for user in range(3)}
    for number, (user, item, reward) in enumerate(rows):
        known = so_far[user]
        found = liked[part[number], : place[number]].tolist()
        assert found == known[len(known) - len(found) :]
        assert len(found) == len(known) or 25 <= len(found) < 50
        known += [item] if reward else []


def test_finds_the_hidden_colours(checkerboard, share_of_matches):
    agent = Sequential(checkerboard(is_seen=False), seed=1).learn(6_000)
    people = checkerboard(500, is_seen=False)
    uniform = make_agent("uniform", people.twin())
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.2


def test_same_table_and_seed_give_the_same_bytes(table_of):
    table = table_of(walks(length=5))
    models = [trained(table, epochs=2) for _ in range(2)]
    for name, value in models[0].items():
        assert value.tobytes() == models[1][name].tobytes()
