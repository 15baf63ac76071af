"""Two towers judge people by ids, likes and context, and items by ids and looks."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.recommenders.query import Query
from recsim_env.agents.recommenders.two_tower import TwoTower, last_likes
from tests.agents.recommenders.asking import asked, fitted

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')


def parity(n_people=24, n_items=24, share=0.6):
    """Returns rows in which people like the items of their parity, and pass the others over."""
    rng = np.random.default_rng(0)
    pairs = np.argwhere(rng.random((n_people, n_items)) < share)
    rng.shuffle(pairs)
    return [(user, item, int((user + item) % 2 == 0)) for user, item in pairs]


# Right answers that can be seen ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "margin"),
    [
        ({"is_seen": False}, 0.3),  # ids only
        ({"n_items": 0}, 0.4),  # features only
        ({"n_users": 0}, 0.4),  # strangers
        ({"n_users": 0, "n_items": 0}, 0.4),
    ],
    ids=["ids", "features", "strangers", "features of strangers"],
)
def test_finds_the_colours_by_whatever_shows_them(checkerboard, share_of_matches, world, margin):
    agent = TwoTower(checkerboard(**world), seed=1).learn(5_000)
    people = checkerboard(500, **world)
    uniform = make_agent("uniform", checkerboard(**world))
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + margin


def test_strangers_are_known_by_what_they_like_in_their_session(table_of):
    model = fitted(TwoTower, table_of(parity()), epochs=60, weight_decay=0.1)
    even, odd = np.arange(0, 24, 2), np.arange(1, 24, 2)
    for liked, other in ((even, odd), (odd, even)):
        found = TwoTower.affinity(model, asked(-1, range(24), recent=liked[:2]))[0]
        assert found[liked].mean() > found[other].mean() + 1.0


def test_new_items_are_judged_by_their_looks(table_of):
    """Even items look like 1 and odd ones like -1; items 20 to 23 were never shown."""
    rows = [row for row in parity() if row[1] < 20]
    looks = np.array([[1.0 - 2.0 * (item % 2)] for _, item, _ in rows], np.float32)
    model = fitted(
        TwoTower, table_of(rows, n_items=24, features=looks), epochs=60, weight_decay=0.1
    )
    for user in (0, 1):
        now = [[1.0], [-1.0], [1.0], [-1.0]]
        found = TwoTower.affinity(model, asked(user, range(20, 24), features=now))[0]
        assert found[user::2].min() > found[1 - user :: 2].max() + 1.0


def test_all_of_the_catalogue_is_each_item_of_it_as_it_looks_now(table_of):
    rows = parity()
    looks = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
    model = fitted(TwoTower, table_of(rows, features=looks[[item for _, item, _ in rows]]))
    each = asked(3, range(24), features=looks)
    found = TwoTower.affinity(model, replace(each, item=None))
    assert np.array_equal(found, TwoTower.affinity(model, each))


def test_new_items_without_looks_are_the_average_item(table_of):
    model = fitted(TwoTower, table_of(parity(), n_items=30))
    known = TwoTower.affinity(model, asked(0, range(24)))[0]
    new = TwoTower.affinity(model, asked(0, range(24, 30)))[0]
    assert new == pytest.approx(np.full(6, known.mean()), abs=1e-5)


def test_what_is_wanted_may_depend_on_the_moment(table_of):
    """Everybody likes even items in the morning and odd ones in the evening."""
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 20, 2_000), rng.integers(0, 20, 2_000)
    evening = rng.integers(0, 2, 2_000)
    rows = list(zip(user, item, item % 2 == evening, strict=True))
    context = evening[:, None].astype(np.float32)
    looks = (item % 2)[:, None].astype(np.float32)
    table = table_of(rows, context=context, features=looks)
    model = fitted(TwoTower, table, epochs=30, weight_decay=0.1)
    for moment in (0, 1):
        found = TwoTower.affinity(model, asked(3, range(20), context=[float(moment)]))[0]
        assert found[moment::2].min() > found[1 - moment :: 2].max() + 1.0


def test_models_of_the_same_sizes_are_served_each_by_its_own_weights(table_of):
    """In turn, and in threads beside each other."""
    table = table_of(parity())
    models = [fitted(TwoTower, table, seed=seed, epochs=1) for seed in (1, 2)]
    query = Query.whole_catalogue(np.arange(24))
    alone = [TwoTower.affinity(model, query) for model in models]
    assert not np.array_equal(*alone)
    with ThreadPoolExecutor(2) as threads:
        found = list(
            threads.map(lambda turn: TwoTower.affinity(models[turn % 2], query), range(40))
        )
    assert all(np.array_equal(one, alone[turn % 2]) for turn, one in enumerate(found))


# What is learned ---------------------------------------------------------------------------------


def exact_gradient(scores, wanted):
    """Returns the slope in the scores of -log softmax over all items, for mean choices `wanted`."""
    chance = np.exp(scores) / np.exp(scores).sum()
    return chance - wanted


@pytest.mark.parametrize("is_corrected", [True, False])
def test_corrected_samples_stand_for_all_items(is_corrected):
    """Against the softmax over all five items, of which the most popular is sampled most.

    The sample holds every item in proportion to Q, 20,000 in all, so the difference that is left
    is of the order of 1e-4; uncorrected, the slope of the most popular item is wrong by a third.
    """
    from recsim_env.agents.recommenders.towers import sampled_softmax

    chance = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
    scores = np.array([0.3, -0.2, 0.9, 0.0, 1.1])
    sample = np.repeat(np.arange(5), np.round(20_000 * chance).astype(int))
    items = np.hstack([np.arange(5)[:, None], np.tile(sample, (5, 1))])
    free = torch.tensor(scores, requires_grad=True)
    log_chance = torch.tensor(np.log(chance) * is_corrected)
    losses = sampled_softmax(free[torch.tensor(items)], log_chance[torch.tensor(items)])
    (losses * torch.tensor(chance)).sum().backward()
    difference = np.abs(free.grad.numpy() - exact_gradient(scores, chance)).max()
    assert difference < 1e-3 if is_corrected else difference > 0.1


def test_likes_alone_teach_by_comparison_with_a_sample(table_of):
    """A log that tells of no passes; items of the other parity were just never liked."""
    rows = [row for row in parity(share=0.5) if row[2]]
    model = fitted(TwoTower, table_of(rows), epochs=80, weight_decay=0.1)
    own = np.add.outer(np.arange(24), np.arange(24)) % 2 == 0
    found = TwoTower.affinity(model, Query.whole_catalogue(np.arange(24)))
    assert found[own].mean() > found[~own].mean() + 1.0


def test_loss_is_that_of_the_formula(table_of):
    """Of rows with passes enough, by NumPy: ids and likes make a vector, and nothing is sampled."""
    from recsim_env.agents.networks.compute import arrays_of
    from recsim_env.agents.recommenders.tower_model import TowerSettings, _lessons, _scale
    from recsim_env.agents.recommenders.towers import Lessons, Loss, MeanTowers, Sizes

    rows = [(0, 0, 1), (0, 1, 0), (1, 1, 3), (0, 2, 1), (1, 0, 0), (0, 1, 0), (1, 2, 0)]
    attention = np.array([1.0, 0.5, 1.0, 1.0, 0.2, 1.0, 1.0])
    table = table_of(rows, examination_probability=attention)
    scales = {"context_scale": _scale(table.context), "feature_scale": _scale(table.features)}
    lessons = _lessons(table, np.arange(3), last_likes(table), scales)
    net = MeanTowers(Sizes(n_users=2, n_items=3, n_context=0, n_features=0, width=4, hidden=1))
    tensors = {name: torch.as_tensor(value) for name, value in lessons.items()}
    loss = Loss(Lessons(**tensors), TowerSettings(dropout=0.0, id_dropout=0.0))
    weights = arrays_of(net)
    people, items = weights["net.people.weight"], weights["net.items.weight"]
    expected, liked = 0.0, {0: [], 1: []}
    for (user, item, reward), looked in zip(rows, attention, strict=True):
        taste = weights["net.liked.weight"][liked[user]].sum(axis=0)
        person = people[user] + taste / max(1, len(liked[user])) ** 0.5
        score = person @ items[item, :-1] + items[item, -1] + weights["net.level"]
        liking = reward / (5 / 3)  # the mean reward of the three that were liked
        chance = 1.0 / (1.0 + np.exp(-score))
        expected -= liking * np.log(chance) + looked * max(0, 1 - liking) * np.log(1 - chance)
        liked[user] += [item] if reward else []
    assert loss.softmax_weight == pytest.approx(max(0.0, 1.0 - (0.5 + 0.2 + 2 + 0.8) / 3.0))
    found = float(loss(net, torch.arange(7)).detach())
    assert found == pytest.approx(expected / 7, rel=1e-5)


def test_features_count_in_full_for_items_never_shown(checkerboard):
    """What is subtracted is one number for all items that were never shown."""
    agent = TwoTower(checkerboard(n_items=4_000, is_alike=True), seed=1).learn(2_000)
    shown = np.unique(agent.log["item_id"])
    served = agent.model["served_average"]
    new = np.delete(served, shown)
    assert np.ptp(new) == 0.0
    assert np.ptp(served[shown]) > 0.1


# Fits --------------------------------------------------------------------------------------------


def test_people_keep_their_vectors_where_they_stand_now(checkerboard):
    """A fit goes on from the last by ids: newcomers among the sorted ids shift everybody's row."""
    agent = TwoTower(checkerboard(n_users=4_000), seed=1).learn(600)
    before, users = dict(agent.model), agent.log.users()
    agent.settings = replace(agent.settings, learning_rate=1e-9)
    agent.learn(600)
    both, old, new = np.intersect1d(users, agent.log.users(), return_indices=True)
    assert (old != new).any()
    assert len(both) == len(users)
    name = "net.people.weight"
    assert np.allclose(agent.model[name][new], before[name][old], atol=1e-6)
    newcomers = np.setdiff1d(np.arange(len(agent.log.users())), new)
    assert np.allclose(agent.model[name][newcomers], before[name][-1], atol=1e-6)


def test_going_on_leaves_the_last_model_as_it_was(table_of):
    table = table_of(parity())
    model = fitted(TwoTower, table)
    copies = {name: np.array(value) for name, value in model.items()}
    following = fitted(TwoTower, table, previous=model)
    assert all(np.array_equal(model[name], copies[name]) for name in model)
    assert not np.array_equal(following["vectors"], model["vectors"])


def test_same_table_and_seed_give_the_same_bytes_and_leave_torch_alone(table_of):
    table = table_of(parity())
    torch.manual_seed(5)
    state, n_threads = torch.get_rng_state(), torch.get_num_threads()
    models = [fitted(TwoTower, table, seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == n_threads
    for name, value in models[0].items():
        assert value.tobytes() == models[1][name].tobytes()
    assert not np.array_equal(models[0]["vectors"], models[2]["vectors"])


def test_says_what_it_needs(checkerboard):
    with pytest.raises(UnsuitableScenario, match="needs item ids or features.*set n_items$"):
        TwoTower(checkerboard(n_items=0, is_seen=False))


def test_missing_torch_is_one_sentence_with_the_remedy(checkerboard, monkeypatch):
    monkeypatch.delitem(sys.modules, "recsim_env.agents.recommenders.towers", raising=False)
    monkeypatch.delattr("recsim_env.agents.recommenders.towers", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r'pip install "recsim-env\[agents\]"$'):
        TwoTower(checkerboard())


@pytest.mark.parametrize(
    ("setting", "value"),
    [("width", 0), ("epochs", 0), ("learning_rate", 0.0), ("dropout", 1.0), ("weight_decay", -1.0)],
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        TwoTower(checkerboard(), **{setting: value})


def test_unknown_devices_are_refused(checkerboard):
    with pytest.raises(ValueError, match="device='gpu' is not allowed; use one of cpu, cuda, auto"):
        TwoTower(checkerboard(), device="gpu")
