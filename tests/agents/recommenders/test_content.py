"""Content learns which features people like: from the log, now, and within the session."""

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.recommenders.content import Content, ContentQuery
from recsim_env.agents.recommenders.query import RECENT, Query, nothing_recent
from tests.agents.recommenders.asking import fitted


class Blind(Content):
    """Sees items, and nothing of people or the moment."""

    logged_fields = ("candidates",)


def test_learns_the_colour_of_returning_people(checkerboard, share_of_matches):
    """Every item's raw features point in nearly one direction; only centred ones tell colours."""
    agent = Blind(checkerboard(), seed=1).learn(3_000)
    uniform = make_agent("uniform", checkerboard())
    people = checkerboard(500)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4


def test_strangers_get_what_those_who_look_like_them_like(checkerboard, share_of_matches):
    agent = Content(checkerboard(n_users=0, n_items=0), seed=1).learn(1_000)
    assert share_of_matches(agent, checkerboard(300, n_users=0, n_items=0)) > 0.95


def test_learns_the_colour_of_strangers_within_the_session(checkerboard):
    env = checkerboard(n_users=0, n_items=0)
    agent = Blind(env, seed=1).learn(1_000)
    people = checkerboard(400, n_users=0, n_items=0)
    agent.set_env(people)
    observation, _ = people.reset(seed=5)
    state, matches = None, []
    for step in range(8):
        slates, state = agent.predict(
            observation, state, np.full(400, step == 0), deterministic=True
        )
        matches.append((np.take_along_axis(people.expected_reward(), slates, axis=1) > 0.5).mean())
        observation, *_ = people.step(slates)
    assert matches[0] < 0.65
    assert matches[-1] > 0.9


def test_a_new_session_forgets_the_last_one(checkerboard):
    env = checkerboard(3, n_users=0, n_items=0)
    agent = Content(env, seed=1).learn(300)
    observation, _ = env.reset(seed=5)
    _, state = agent.predict(observation, deterministic=True)
    clicks = dict(observation, response=np.ones_like(observation["response"]))
    same = agent.next_state(state, clicks, np.array([False, False, True]))
    assert same.counts.tolist() == [[2, 2], [2, 2], [0, 0]]
    assert same.sums[:2, 1].all() and not same.sums[2].any()
    assert not state.counts.any()


def test_unseen_people_get_what_the_average_person_likes(checkerboard, share_of_matches):
    """Of a million people who all like one colour, those who come now were never seen."""
    world = {"n_users": 1_000_000, "n_items": 0, "is_alike": True}
    agent = Blind(checkerboard(**world), seed=1).learn(1_000)
    people = checkerboard(300, **world)
    observation, _ = people.reset(seed=10_000)
    assert np.isin(observation["user_id"], agent.model["user_ids"]).mean() < 0.05
    assert share_of_matches(agent, people) > 0.95


@pytest.fixture
def logged(table_of):
    """Returns a function that makes a table of 200 rows with three features and a context."""

    def make(*, has_passes=True, **columns):
        rng = np.random.default_rng(3)
        features = rng.normal(2.0, 3.0, (30, 3)).astype(np.float32)
        user, item = rng.integers(0, 12, 200), rng.integers(0, 30, 200)
        reward = rng.integers(0 if has_passes else 1, 3, 200)
        rows = zip(user, item, reward, strict=True)
        given = {
            "examination_probability": rng.random(200),
            "session": user * 2 + (np.arange(200) > 120),
            "slate": np.arange(200) // 2,
            "features": features[item],
            "context": rng.normal(size=(200, 2)).astype(np.float32),
        }
        return table_of(list(rows), n_users=12, n_items=31, **(given | columns))

    return make


def plainly(table, ridge, prior):
    """Returns the coefficients and everybody's profile, one row after the other."""
    x = (table.features - table.features.mean(0)) / table.features.std(0)
    g = (table.context - table.context.mean(0)) / table.context.std(0)
    reward = table.reward
    liking = reward / reward[reward > 0].mean()
    mean = liking.sum() / table.examination_probability.sum()

    def profile(rows):
        surprise = liking[rows] - table.examination_probability[rows] * mean
        return surprise @ x[rows] / (table.examination_probability[rows].sum() + prior)

    design = []
    for row in range(len(table)):
        earlier = table.slate < table.slate[row]
        ever = profile(earlier & (table.user == table.user[row]))
        now = profile(earlier & (table.session == table.session[row]))
        parts = [x[row], *(value * x[row] for value in g[row]), ever * x[row], now * x[row]]
        design.append(np.concatenate([*parts, [1.0], g[row]]))
    root = np.sqrt(table.examination_probability)[:, None]
    design = np.array(design)
    penalty = np.sqrt(ridge) * np.eye(design.shape[1])
    left = np.vstack([design * root, penalty])
    right = np.append(liking * root[:, 0], np.zeros(len(penalty)))
    coefficients = np.linalg.lstsq(left, right)[0][:15].reshape(5, 3)
    return coefficients, [profile(table.user == user) for user in range(table.n_users)]


def test_fit_and_affinity_are_those_of_the_formula(logged):
    table = logged()
    model = fitted(Content, table, ridge=2.0, prior_showings=4.0)
    coefficients, profiles = plainly(table, ridge=2.0, prior=4.0)
    found = np.vstack([model["always"], model["context"], model["person"], model["session"]])
    assert found == pytest.approx(coefficients, rel=1e-4, abs=1e-6)
    context = np.array([[0.5, -1.0]])
    query = Query(user=np.array([4]), item=None, context=context, recent=nothing_recent(1))
    g = (context[0] - table.context.mean(0)) / table.context.std(0)
    weights = np.vstack([[1.0], g[:, None], [[1.0]]])[:, 0]
    wanted = weights @ np.vstack([coefficients[:3], coefficients[3] * profiles[4]])
    x = (table.features - table.features.mean(0)) / table.features.std(0)
    affinity = Content.affinity(model, query)[0]
    assert affinity[table.item] == pytest.approx(x @ wanted, rel=1e-3, abs=1e-5)
    assert affinity[30] == 0.0, "an item never seen has the mean features"


def test_a_session_counts_alike_by_ids_and_by_what_was_seen(logged):
    """Somebody unknown liked two items; both ways of saying so are one."""
    table = logged()
    model = fitted(Content, table)
    liked = table.item[[5, 9]]
    query = Query(user=np.array([-1]), item=None, recent=nothing_recent(1))
    query.recent[0, RECENT - 2 :] = liked
    features = table.features[[5, 9]].sum(axis=0)
    seen = ContentQuery(
        **vars(query), sums=np.array([[features, features]]), counts=np.array([[2.0, 2.0]])
    )
    by_id = Content.affinity(model, query)
    assert by_id == pytest.approx(Content.affinity(model, seen), rel=1e-4)
    query.recent[:] = -1
    assert np.abs(by_id - Content.affinity(model, query)).max() > 1e-3


def test_units_of_features_do_not_matter(logged):
    table = logged()
    factor = np.array([1.0, 1_000.0, 0.01], np.float32)
    scaled = logged(features=table.features * factor, context=table.context * 50.0)
    query = Query.whole_catalogue(np.arange(12), np.zeros((12, 2)))
    found = Content.affinity(fitted(Content, table), query)
    assert Content.affinity(fitted(Content, scaled), query) == pytest.approx(
        found, rel=1e-3, abs=1e-5
    )


def test_a_feature_that_never_varies_says_nothing(logged):
    features = logged().features.copy()
    features[:, 1] = 3.0
    model = fitted(Content, logged(features=features))
    assert not model["profiles"][:, 1].any() and model["profiles"][:, 0].any()
    query = Query.whole_catalogue(np.arange(12))
    assert np.isfinite(Content.affinity(model, query)).all()


def test_without_passes_what_was_consumed_counts_for_its_features(table_of):
    """Of a hundred items with one feature or the other, only those with the first are consumed."""
    rng = np.random.default_rng(0)
    item = np.concatenate([rng.integers(0, 50, 300), rng.integers(50, 100, 20)])
    rows = [(place % 20, each, 1) for place, each in enumerate(item)]
    features = np.stack([item < 50, item >= 50], axis=1).astype(np.float32)
    model = fitted(Content, table_of(rows, n_items=100, features=features))
    scores = Content.affinity(model, Query.whole_catalogue(np.array([3, -1])))
    consumed = np.isin(np.arange(100), item)
    assert scores[:, :50][:, consumed[:50]].min() > scores[:, 50:].max()


def test_wide_context_is_left_out(logged):
    assert fitted(Content, logged(), max_features=6)["context"].shape == (2, 3)
    assert fitted(Content, logged(), max_features=5)["context"].shape == (0, 3)
    query = Query.whole_catalogue(np.arange(12), np.ones((12, 2)))
    assert Content.affinity(fitted(Content, logged(), max_features=5), query).shape == (12, 31)


@pytest.mark.parametrize("has_passes", [True, False])
def test_same_table_and_seed_give_the_same_model(logged, has_passes):
    models = [fitted(Content, logged(has_passes=has_passes)) for _ in range(2)]
    assert all(np.array_equal(models[0][name], models[1][name]) for name in models[0])


def test_says_that_it_needs_item_features(checkerboard):
    with pytest.raises(UnsuitableScenario, match="Content needs item features"):
        Content(checkerboard(is_seen=False))


@pytest.mark.parametrize(("setting", "value"), [("ridge", 0.0), ("max_features", -1)])
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        Content(checkerboard(), **{setting: value})


def test_a_file_may_tell_that_a_feature_never_varied(checkerboard, tmp_path):
    """All people look the same, so that there is nothing to divide by."""
    agent = Content(checkerboard(is_alike=True)).learn(200)
    assert np.isinf(agent.model["context_scale"]).any()
    agent.save(tmp_path / "agent.npz")
    loaded = Content.load(tmp_path / "agent.npz", checkerboard(is_alike=True))
    assert np.array_equal(loaded.model["context_scale"], agent.model["context_scale"])
