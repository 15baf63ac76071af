"""LightGCN spreads embeddings over the graph of likes, and follows its own slope."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from recsim_env.agents import make_agent
from recsim_env.agents.recommenders.lightgcn import Adam, Graph, LightGCN, _slope
from recsim_env.agents.recommenders.query import Query, nothing_recent
from tests.agents.recommenders.asking import asked, fitted

N_USERS, N_ITEMS, N_FACTORS = 6, 8, 3


def some_likes(seed=0):
    """Returns how much people liked items; nobody liked the last, the last person liked nothing."""
    rng = np.random.default_rng(seed)
    likes = rng.random((N_USERS, N_ITEMS)) * (rng.random((N_USERS, N_ITEMS)) < 0.5)
    likes[-1], likes[:, -1] = 0.0, 0.0
    return likes


def some_nodes(seed=1):
    shape = (N_USERS + N_ITEMS, N_FACTORS)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def dense_mean(likes, nodes, layers):
    """Returns the mean of (D^-1/2 A D^-1/2)^k E over k = 0 to `layers`, of one square A."""
    n_users, n_items = likes.shape
    links = np.block(
        [
            [np.zeros((n_users, n_users)), likes],
            [likes.T, np.zeros((n_items, n_items))],
        ]
    )
    degree = links.sum(axis=1)
    root = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    normal = root[:, None] * links * root
    return sum(np.linalg.matrix_power(normal, k) @ nodes for k in range(layers + 1)) / (layers + 1)


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_embeddings_spread_as_dense_matrices_say(layers):
    likes, nodes = some_likes(), some_nodes()
    found = Graph(sparse.csr_array(likes.astype(np.float32)), layers).spread(nodes)
    np.testing.assert_allclose(found, dense_mean(likes, nodes, layers), atol=1e-6)


def test_the_slope_at_the_beginning_is_that_of_the_objective():
    """By central differences of the mean -ln sigma(lead) in every number of every embedding."""
    likes, nodes = some_likes(), some_nodes().astype(np.float64)
    graph = Graph(sparse.csr_array(likes), 2)
    users, better, worse = np.array([0, 1, 1]), np.array([6, 8, 9]), np.array([10, 6, 13])

    def objective(nodes):
        final = dense_mean(likes, nodes, 2)
        lead = (final[users] * (final[better] - final[worse])).sum(axis=1)
        return np.log1p(np.exp(-lead)).mean()

    expected = np.zeros_like(nodes)
    for place in np.ndindex(nodes.shape):
        sides = []
        for shift in (1e-5, -1e-5):
            moved = nodes.copy()
            moved[place] += shift
            sides.append(objective(moved))
        expected[place] = (sides[0] - sides[1]) / 2e-5
    found = graph.spread(_slope(graph.spread(nodes), users, better, worse))
    np.testing.assert_allclose(found, expected, atol=1e-6)  # scales are float32


def test_adam_steps_as_torch_does():
    torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    values = some_nodes()
    theirs = torch.tensor(values.copy(), requires_grad=True)
    optimizer, ours = torch.optim.Adam([theirs], lr=0.03), Adam(values, 0.03)
    for seed in range(5):
        slope = some_nodes(seed + 10)
        theirs.grad = torch.tensor(slope)
        optimizer.step()
        ours.step(slope)
    np.testing.assert_allclose(values, theirs.detach().numpy(), atol=1e-6)


def random_table(table_of):
    rng = np.random.default_rng(3)
    rows = [(*pair, reward) for *pair, reward in rng.integers(0, (N_USERS, N_ITEMS, 3), (40, 3))]
    return table_of(rows, n_users=N_USERS + 1, n_items=N_ITEMS + 1)


def test_what_a_session_likes_is_a_link_more(table_of):
    """By the formula of one layer with these links, items staying what they were."""
    table = random_table(table_of)
    model = fitted(LightGCN, table, layers=1, epochs=5)
    likes = table.likes().toarray()
    of_people, of_items = likes.sum(axis=1), likes.sum(axis=0)
    both = np.sqrt(np.outer(of_people, of_items))
    scaled = np.divide(likes, both, out=np.zeros_like(likes), where=both > 0)
    people = 2.0 * model["own"]  # e0 of people, and from it and e that of items
    items = 2.0 * model["items"] - scaled.T @ people

    links = likes[2].copy()
    links[[4, 1]] += 1.0
    heard = np.flatnonzero(links)
    told = links[heard] / np.sqrt(links.sum() * of_items[heard])
    person = (people[2] + told @ items[heard]) / 2.0
    found = LightGCN.affinity(model, asked(2, recent=(4, 1)))[0]
    np.testing.assert_allclose(found, model["items"] @ person, atol=1e-5)


def test_people_of_the_table_have_the_embeddings_of_the_graph(table_of):
    """What serving is made of adds up to the mean over layers: e_u, and so e_u·e_i."""
    table = random_table(table_of)
    model = fitted(LightGCN, table, epochs=3)
    likes, layers = table.likes().toarray(), LightGCN.Settings().layers
    # e0 is not kept; that of people is own (layers + 1), that of items solves for `items`.
    n_users, n_items = likes.shape
    effect = np.column_stack(
        [
            dense_mean(likes, column, layers)[n_users:]
            for column in np.eye(n_users + n_items)[:, :, None]
        ]
    )
    from_people = effect[:, :n_users] @ (model["own"] * (layers + 1.0))
    start = np.linalg.solve(effect[:, n_users:], model["items"] - from_people)
    nodes = np.vstack([model["own"] * (layers + 1.0), start])
    final = dense_mean(likes, nodes, layers)
    expected = final[:n_users] @ final[n_users:].T
    found = LightGCN.affinity(model, Query.whole_catalogue(np.arange(n_users)))
    np.testing.assert_allclose(found, expected, atol=1e-3)  # float32, through an equation


def test_finds_the_hidden_colours(checkerboard, share_of_matches):
    """6,000 slates of two items over 60 people and 80 items."""
    agent = LightGCN(checkerboard(is_seen=False), seed=1).learn(6_000)
    uniform = make_agent("uniform", checkerboard(is_seen=False))
    people = checkerboard(500, is_seen=False)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4


def test_tastes_reach_over_several_links(table_of):
    """0 and 1 share item 0, 1 and 2 share item 1: what only 2 likes is nearer to 0 than to 3."""
    rows = [(0, 0, 1), (1, 0, 1), (1, 1, 1), (2, 1, 1), (2, 2, 1), (3, 3, 1), (4, 3, 1), (4, 4, 1)]
    model = fitted(LightGCN, table_of(rows), epochs=20)
    found = LightGCN.affinity(model, Query.whole_catalogue(np.arange(5)))
    assert found[0, 2] > found[0, 4] + 0.1
    assert found[3, 4] > found[3, 2] + 0.1


def test_strangers_are_known_by_what_they_like_in_their_session(table_of):
    """People of even and of odd number like the items of their parity."""
    rows = [(user, item, 1) for user in range(20) for item in range(20) if (user + item) % 2 == 0]
    model = fitted(LightGCN, table_of(rows))
    found = LightGCN.affinity(model, asked(-1, recent=(3, 5)))[0]
    assert found[1::2].min() > found[0::2].max() + 1.0
    assert not LightGCN.affinity(model, asked(-1)).any()


def test_people_who_liked_nothing_are_strangers(table_of):
    model = fitted(LightGCN, table_of([(0, 0, 1), (0, 1, 0), (1, 1, 0)], n_users=3, n_items=4))
    assert not LightGCN.affinity(model, Query.whole_catalogue(np.array([1, 2]))).any()


def test_all_of_the_catalogue_is_each_item_of_it(table_of):
    model = fitted(LightGCN, random_table(table_of), epochs=3)
    user = np.arange(-1, N_USERS)
    item = np.random.default_rng(0).integers(0, N_ITEMS, (len(user), 5))
    query = Query(user=user, item=item, recent=nothing_recent(len(user)))
    every = LightGCN.affinity(model, replace(query, item=None))
    some = LightGCN.affinity(model, query)
    np.testing.assert_allclose(some, np.take_along_axis(every, item, axis=1), atol=1e-6)


def test_same_table_and_seed_give_the_same_bytes(table_of):
    one, other = (fitted(LightGCN, random_table(table_of), epochs=3) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_rewards_of_any_size_leave_all_numbers_finite(table_of):
    rows = [(0, 0, 1e-9), (0, 1, 1e12), (1, 0, 3.0), (1, 2, 0.0), (2, 2, -5.0)]
    model = fitted(LightGCN, table_of(rows))
    assert all(np.isfinite(value).all() for value in model.values())


@pytest.mark.parametrize(
    ("setting", "value"),
    [("layers", 0), ("factors", 0), ("learning_rate", 0.0), ("passed_share", 1.5)],
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        LightGCN(checkerboard(is_seen=False), **{setting: value})
