"""What all recommenders share: whom they know, what a session tells, how far taste is believed."""

from dataclasses import dataclass

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.recommenders.popularity import Popularity
from recsim_env.agents.recommenders.query import (
    RECENT,
    Fit,
    Query,
    Session,
    nothing_recent,
    places_of,
)
from recsim_env.agents.recommenders.recommender import Recommender, RecommenderSettings


@dataclass(frozen=True, kw_only=True)
class ToldSettings(RecommenderSettings):
    """What an agent is told."""

    told: object = None


class Told(Recommender):
    """An agent that is told by its settings how each person likes each item; all were met."""

    requires = ("item ids",)
    Settings = ToldSettings

    @classmethod
    def fit_table(cls, fit):
        return {"told": np.asarray(fit.settings.told, float)}

    @classmethod
    def affinity(cls, model, query):
        values = model["told"][np.maximum(query.user, 0)]
        values = np.where(query.user[:, None] >= 0, values, model["told"].mean(axis=0))
        return values if query.item is None else np.take_along_axis(values, query.item, axis=1)


def colours(env):
    """Returns the colours of all people and of all items."""
    people, items = np.zeros(env.scenario.n_users), np.zeros(env.scenario.n_items)
    for seed in range(40):
        observation, _ = env.reset(seed=seed * env.num_envs)
        people[observation["user_id"]] = observation["user"].argmax(axis=1)
        items[observation["item_id"]] = observation["candidates"].argmax(axis=2)
    return people, items


def test_taste_that_predicts_is_believed_in_full_and_noise_is_not(checkerboard):
    """Told the true chances of a click, the weight is 1; told numbers at random, it is near 0."""
    env = checkerboard(num_envs=64, n_users=12)
    people, items = colours(env)
    truth = np.where(people[:, None] == items, 0.8, 0.1)
    noise = np.random.default_rng(0).normal(0, 0.3, truth.shape)
    weights = []
    for told in (truth, noise):
        agent = Told(env.twin(), told=told, refit_every=2_000, exploration=1.0)
        weights.append(float(agent.learn(8_000).model["served_weight"]))
    # Told is not estimated, so only how often people were met shrinks it: by 1 / 1.05 or less.
    assert weights[0] == pytest.approx(1.0, abs=0.1)
    assert weights[1] < 0.1


def test_served_is_outcome_plus_weighted_difference_from_the_average_person(checkerboard):
    env = checkerboard(num_envs=64, n_users=12)
    rng = np.random.default_rng(1)
    told = rng.random((env.scenario.n_users, env.scenario.n_items))
    agent = Told(env, told=told).learn(2_000)
    model = agent.model
    observation, _ = env.reset(seed=7)
    scores = agent.scores(observation, agent.begin_state(64), deterministic=True)
    met = np.bincount(agent.log["user_id"], minlength=12)
    for row, user in enumerate(observation["user_id"]):
        for column, item in enumerate(observation["item_id"][row]):
            shown = agent.log["item_id"] == item
            earned = agent.log["reward"][shown].sum()
            mean = agent.log["reward"].mean(dtype=float)
            outcome = (earned + 5 * mean) / (shown.sum() + 5)
            taste = told[user, item] - model["served_average"][item]
            expected = outcome + model["served_weight"] * taste * met[user] / (met[user] + 5)
            assert scores[row, column] == pytest.approx(expected, abs=1e-6)
    sample = model["served_average"] - told.mean(axis=0)
    assert np.abs(sample).max() < 0.1  # of 500 rows of 12 people


def test_a_session_remembers_what_was_clicked_in_order_and_forgets_at_its_end(checkerboard):
    env = checkerboard(num_envs=8)
    agent = Popularity(env)
    observation, _ = env.reset(seed=0)
    state, begins, is_over = None, np.ones(8, bool), np.zeros(8, bool)
    expected = [[] for _ in range(8)]
    for _ in range(35):
        slates, state = agent.predict(observation, state, begins)
        for row in range(8):
            assert state.recent[row].tolist() == ([-1] * RECENT + expected[row])[-RECENT:]
        shown = np.take_along_axis(observation["item_id"], slates, axis=1)
        observation, _, terminated, truncated, _ = env.step(slates)
        for row in range(8):
            clicked = shown[row][observation["response"][row, :, 0] > 0].tolist()
            # The step after an end only begins anew.
            expected[row] = [] if is_over[row] else expected[row] + clicked
        begins, is_over = is_over, terminated | truncated


def test_strangers_of_a_run_are_their_sessions(checkerboard):
    class Strangers(Popularity):
        """Popularity, to look at its table."""

    agent = Strangers(checkerboard(num_envs=4, n_users=0), refit_every=10**6).learn(100)
    table = agent.log.table()
    assert table.n_users == len(np.unique(table.user)) >= 8
    for session in np.unique(table.session):
        rows = table.session == session
        assert len(np.unique(table.user[rows])) == 1
        assert np.count_nonzero(rows) <= 2 * 10
    assert len(np.unique(table.slate)) == 100


@pytest.mark.parametrize(
    ("needed", "message"),
    [("user and item ids", "set n_items and n_users$"), ("item ids", "set n_items$")],
)
def test_says_which_ids_are_missing(checkerboard, needed, message):
    kind = type("Kind", (Told,), {"requires": (needed,)})
    with pytest.raises(ValueError, match=f"needs {needed}.*{message}"):
        kind(checkerboard(n_users=0, n_items=0), told=np.zeros((1, 1)))


def test_a_query_for_the_whole_catalogue_equals_one_that_names_all_items():
    model = {"told": np.random.default_rng(0).random((5, 7))}
    user = np.array([3, -1, 0])
    whole = Told.affinity(model, Query.whole_catalogue(user))
    named = Query(user=user, item=np.tile(np.arange(7), (3, 1)), recent=nothing_recent(3))
    assert np.array_equal(whole, Told.affinity(model, named))
    assert issubclass(Told, Recommender) and Session._fields == ("recent", "shown")


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        *((name, "numpy") for name in ("content", "user_knn", "item_knn", "svd", "ease", "bpr")),
        ("slim", "numpy"),
        ("lightgcn", "numpy"),
        ("ials", "implicit"),
        ("two_tower", "torch"),
        ("sequential", "torch"),
        ("sasrec", "torch"),
    ],
)
def test_amid_a_session_people_are_served_as_if_each_were_alone(checkerboard, name, extra):
    """Some have clicked by then and some have not; nobody hears of the others."""
    pytest.importorskip(extra, reason='needs pip install "recsim-env[agents]"')
    env = checkerboard(num_envs=64)
    agent = make_agent(name, env, seed=1).learn(600)
    observation, _ = env.reset(seed=9)
    state, begins = agent.begin_state(64), np.ones(64, bool)
    state = agent.next_state(state, observation, begins)
    slates = agent.recommend(observation, state, deterministic=False)
    state = agent.remember(state, observation, slates)
    observation, *_ = env.step(slates)
    state = agent.next_state(state, observation, ~begins)
    assert 0 < np.count_nonzero((state.recent >= 0).any(axis=1)) < 64
    together = agent.scores(observation, state, deterministic=True)
    for row in range(64):
        own = {field: value[[row]] for field, value in observation.items()}
        alone = agent.scores(own, type(state)(*(part[[row]] for part in state)), deterministic=True)
        assert alone[0] == pytest.approx(together[row], abs=1e-6)


def test_a_new_item_earns_what_items_earn_where_they_are_looked_at(table_of, checkerboard):
    """Half of all showings are not looked at, and each other one earns 1 or, as often, 0."""
    rows = [(0, item, float(item % 2 and place)) for item in range(4) for place in (0, 1)]
    table = table_of(rows, n_items=5, examination_probability=np.tile([0.0, 1.0], 4))
    agent = Told(checkerboard(), told=np.zeros((1, 5)))
    fit = Fit(table=table, settings=agent.settings, user_ids=np.array([0]))
    outcome = agent.personalization.fit(fit)["served_outcome"]
    assert outcome[4] == 0.5
    assert outcome[[1, 3]] == pytest.approx((1 + 5 * 0.5) / 6)
    assert outcome[[0, 2]] == pytest.approx(5 * 0.5 / 6)


class Looked(Recommender):
    """An agent to whom an item is its first feature."""

    compared_with = "showings"
    logged_fields = ("candidates",)

    @classmethod
    def fit_table(cls, fit):
        return {"nothing": np.zeros(1)}

    @classmethod
    def affinity(cls, model, query):
        return query.features[:, :, 0].astype(float)


def test_new_items_count_by_their_features_in_full(checkerboard):
    """What was shown has its outcome and what its look has changed by; what is new, its look."""
    env = checkerboard(num_envs=32, n_users=12, n_items=800)
    agent = Looked(env).learn(600)
    model, log = agent.model, agent.log
    observation, _ = env.reset(seed=7)
    scores = agent.scores(observation, agent.begin_state(32), deterministic=True)
    look, mean = log["candidates"][:, 0], log["reward"].mean(dtype=float)
    new_ones = 0
    for row, column in np.ndindex(*observation["item_id"].shape):
        shown = log["item_id"] == observation["item_id"][row, column]
        new_ones += not shown.any()
        outcome = (log["reward"][shown].sum() + 5 * mean) / (shown.sum() + 5)
        usual = (look[shown].sum() + 5 * look.mean(dtype=float)) / (shown.sum() + 5)
        taste = observation["candidates"][row, column, 0] - usual
        assert scores[row, column] == pytest.approx(outcome + model["served_weight"] * taste)
    assert new_ones > 20


def test_places_of_tells_known_ids_from_unknown_ones():
    known = np.array([2, 5, 7])
    assert places_of(np.array([[2, 9], [5, 0]]), known).tolist() == [[0, -1], [1, -1]]
    assert places_of(np.array([[2, 9]]), known[:0]).tolist() == [[-1, -1]]


class Misshapen(Told):
    """It answers for two people, whoever asks."""

    @classmethod
    def affinity(cls, model, query):
        return np.zeros((2, 2))


class Nothing(Told):
    """It learns nothing, and says so."""

    @classmethod
    def fit_table(cls, fit):
        return None


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (
            Misshapen,
            ValueError,
            r"of shape \(2, 2\); return \(\d+, 80\), a number for each person",
        ),
        (Nothing, TypeError, r"fit_table\(\) returned None; return a dict of arrays"),
    ],
)
def test_what_is_no_model_or_affinity_is_said(checkerboard, kind, error, message):
    env = checkerboard(num_envs=16, n_users=12)
    with pytest.raises(error, match=message):
        kind(env, seed=0).learn(200)
