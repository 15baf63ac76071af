"""Networks that read likes in order learn what follows what, wherever in a history they read."""

import itertools

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.recommenders.popularity import Popularity
from recsim_env.agents.recommenders.query import RECENT, Query, nothing_recent
from recsim_env.agents.recommenders.tower_model import LONGEST
from recsim_env.agents.recommenders.two_tower import SASRec, Sequential, overlapping_parts
from tests.agents.recommenders.asking import fitted

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')

N_ITEMS = 12

each_ordered = pytest.mark.parametrize("kind", [Sequential, SASRec])


def walks(n_people=60, length=40):
    """Returns rows of people who like item i + 1 after item i, in a circle; a fifth time any."""
    rng = np.random.default_rng(0)
    items = rng.integers(0, N_ITEMS, (length, n_people))
    for before, item in itertools.pairwise(items):
        goes_on = rng.random(n_people) < 0.8
        item[goes_on] = (before[goes_on] + 1) % N_ITEMS
    return [(user, item, 1) for step in items for user, item in enumerate(step)]


def trained(kind, table, epochs=20):
    return fitted(kind, table, weight_decay=0.1, epochs=epochs, batch_size=256)


def last(model_rows):
    return {user: item for user, item, _ in model_rows}


@each_ordered
def test_what_was_liked_last_tells_what_comes_next(kind, table_of):
    """Whoever they are, and though all items are equally popular; strangers by their session."""
    rows = walks()
    table = table_of(rows)
    model = trained(kind, table)
    following = [(item + 1) % N_ITEMS for item in last(rows).values()]
    found = kind.affinity(model, Query.whole_catalogue(np.arange(60)))
    assert (found.argmax(axis=1) == following).mean() > 0.95

    popular = fitted(Popularity, table)
    guessed = Popularity.affinity(popular, Query.whole_catalogue(np.arange(60)))
    assert (guessed.argmax(axis=1) == following).mean() < 0.3

    strangers = nothing_recent(N_ITEMS)
    strangers[:, -1] = np.arange(N_ITEMS)
    query = Query(user=np.full(N_ITEMS, -1), item=None, recent=strangers)
    found = kind.affinity(model, query)
    assert (found.argmax(axis=1) == (np.arange(N_ITEMS) + 1) % N_ITEMS).mean() > 0.9


@each_ordered
def test_the_session_goes_on_where_the_table_ended(kind, table_of):
    """A person of the table who has since liked something else is somewhere else."""
    model = trained(kind, table_of(walks()))
    recent = nothing_recent(N_ITEMS)
    recent[:, -1] = np.arange(N_ITEMS)
    query = Query(user=np.zeros(N_ITEMS, np.int64), item=None, recent=recent)
    found = kind.affinity(model, query)
    assert (found.argmax(axis=1) == (np.arange(N_ITEMS) + 1) % N_ITEMS).mean() > 0.9


@each_ordered
@pytest.mark.parametrize("gap", [0, 3])
def test_state_after_a_session_is_that_of_all_likes_in_order(kind, table_of, gap):
    """Where they stand among -1 makes no difference."""
    model = trained(kind, table_of(walks(length=6)), epochs=2)
    one, two = nothing_recent(1), nothing_recent(1)
    one[0, RECENT - 3 :] = (4, 9, 2)
    two[0, [1, 2 + gap, 10 + gap]] = (4, 9, 2)
    scores = [
        kind.affinity(model, Query(user=np.array([5]), item=None, recent=recent))
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


@each_ordered
def test_finds_the_hidden_colours(kind, checkerboard, share_of_matches):
    agent = kind(checkerboard(is_seen=False), seed=1).learn(6_000)
    people = checkerboard(500, is_seen=False)
    uniform = make_agent("uniform", people.twin())
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.2


@each_ordered
def test_same_table_and_seed_give_the_same_bytes(kind, table_of):
    table = table_of(walks(length=5))
    models = [trained(kind, table, epochs=2) for _ in range(2)]
    for name, value in models[0].items():
        assert value.tobytes() == models[1][name].tobytes()


# What a transformer reads ------------------------------------------------------------------------


def attentive(n_items=9, width=8):
    """Returns an untrained transformer, the vectors of its items and places drawn at random."""
    from recsim_env.agents.recommenders.towers import AttentiveTowers, Sizes

    torch.manual_seed(0)
    sizes = Sizes(n_users=3, n_items=n_items, n_context=0, n_features=0, width=width, hidden=4)
    return AttentiveTowers(sizes)


def test_what_comes_later_does_not_change_what_was_read_before():
    """Nor does one person's history change another's."""
    net = attentive()
    with torch.no_grad():
        liked = torch.randint(0, 9, (3, 20))
        read = net.along(liked)
        for place in (0, 7, 19):
            changed = liked.clone()
            changed[1, place:] = (changed[1, place:] + 1) % 9
            found = net.along(changed)
            assert torch.allclose(found[1, : place + 1], read[1, : place + 1], atol=1e-6)
            assert (found[1, place + 1 :] - read[1, place + 1 :]).abs().amax(dim=1).min() > 1e-3
            assert torch.allclose(found[[0, 2]], read[[0, 2]], atol=1e-6)


def layer_norm(values, weight, bias):
    centred = values - values.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * weight + bias


def test_the_transformer_is_that_of_the_formula():
    """By loops over places in NumPy: softmax of q·k / sqrt(width), over itself and those before."""
    net = attentive()
    weights = {name: value.numpy().astype(float) for name, value in net.state_dict().items()}
    liked = [4, 0, 8, 4]
    x = np.vstack([weights["start"], weights["liked.weight"][liked]]) + weights["positions"][:5]
    for block in ("blocks.0.", "blocks.1."):
        own = {name.removeprefix(block): value for name, value in weights.items() if block in name}
        normed = layer_norm(x, own["norm1.weight"], own["norm1.bias"])
        q, k, v = np.split(
            normed @ own["self_attn.in_proj_weight"].T + own["self_attn.in_proj_bias"], 3, axis=1
        )
        for place in range(5):
            share = np.exp(q[place] @ k[: place + 1].T / np.sqrt(8))
            told = share @ v[: place + 1] / share.sum()
            x[place] += own["self_attn.out_proj.weight"] @ told + own["self_attn.out_proj.bias"]
        inner = layer_norm(x, own["norm2.weight"], own["norm2.bias"])
        inner = np.maximum(inner @ own["linear1.weight"].T + own["linear1.bias"], 0.0)
        x += inner @ own["linear2.weight"].T + own["linear2.bias"]
    expected = layer_norm(x, weights["norm.weight"], weights["norm.bias"])
    with torch.no_grad():
        found = net.along(torch.tensor([liked]))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_serving_reads_what_learning_read(table_of):
    """A person's vector after all likes is that at the same place of the whole part."""
    net = attentive()
    liked = torch.randint(0, 9, (2, 30))
    with torch.no_grad():
        state = net.after(net.begin(2), liked[:, :13])
        state = net.after(state, liked[:, 13:])
        found = net.taste(torch.zeros(2), state)
        assert torch.allclose(found, net.along(liked)[:, -1], atol=1e-6)


def test_only_the_last_likes_are_remembered():
    net = attentive()
    liked = torch.randint(0, 9, (1, LONGEST + 10))
    state = net.after(net.begin(1), liked)
    assert state[0].tolist() == liked[0, -LONGEST:].tolist()
    assert net.after(state, torch.tensor([[-1, 5]]))[0].tolist() == [*state[0, 1:].tolist(), 5]
