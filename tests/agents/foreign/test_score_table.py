"""A table of scores is served as it is: whoever made it, and however it counts people and items."""

import math

import numpy as np
import pytest
from scipy import sparse

from recsim_env.agents import UnsuitableScenario, load_agent
from recsim_env.agents.foreign.score_table import ScoreTable
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

N_USERS, N_ITEMS = 40, 60
WORLD = RatedCatalogue(n_users=N_USERS, n_items=N_ITEMS, n_candidates=8, slate_size=3)
SCORES = np.random.default_rng(0).permutation(N_USERS * N_ITEMS).reshape(N_USERS, N_ITEMS) * 1.0


@pytest.fixture
def people():
    return RecommendationVectorEnv(WORLD, num_envs=16)


def best(observation, scores):
    """The three best candidates by scores in the order of ids."""
    own = scores[observation["user_id"][:, None], observation["item_id"]]
    return np.argsort(-own, axis=1)[:, :3]


FACTORS = [
    np.random.default_rng(seed).normal(size=(n, 5)) for seed, n in ((1, N_USERS), (2, N_ITEMS))
]


@pytest.mark.parametrize(
    ("table", "scores"),
    [
        (SCORES, SCORES),
        (SCORES.astype(np.int64), SCORES),
        (SCORES.tolist(), SCORES),
        (sparse.csr_matrix(SCORES), SCORES),
        (sparse.coo_array(SCORES), SCORES),
        (tuple(FACTORS), FACTORS[0] @ FACTORS[1].T),
        (tuple(each.astype(np.float32) for each in FACTORS), FACTORS[0] @ FACTORS[1].T),
    ],
)
def test_it_shows_the_best_candidates_in_their_order(people, table, scores):
    observation, _ = people.reset(seed=3)
    slates, _ = ScoreTable(people, table).predict(observation)
    assert np.array_equal(slates, best(observation, scores))


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_ids_say_which_row_is_whose(people, form, as_text):
    rng = np.random.default_rng(4)
    users, items = rng.permutation(N_USERS), rng.permutation(N_ITEMS)
    named = [each.astype(str) if as_text else each.tolist() for each in (users, items)]
    agent = ScoreTable(people, form(SCORES[users][:, items]), user_ids=named[0], item_ids=named[1])
    observation, _ = people.reset(seed=3)
    assert np.array_equal(agent.predict(observation)[0], best(observation, SCORES))


@pytest.mark.parametrize("is_factors", [False, True])
def test_who_has_no_row_is_served_as_the_average(people, is_factors):
    known = np.arange(0, N_USERS, 2)
    table = (FACTORS[0][known], FACTORS[1]) if is_factors else SCORES[known]
    scores = FACTORS[0] @ FACTORS[1].T if is_factors else SCORES.copy()
    scores[1::2] = scores[known].mean(axis=0)
    observation, _ = people.reset(seed=3)
    assert (observation["user_id"] % 2).any()
    slates, _ = ScoreTable(people, table, user_ids=known).predict(observation)
    assert np.array_equal(slates, best(observation, scores))


def test_items_without_a_column_come_last_and_in_any_order(people):
    known = np.arange(4)
    agent = ScoreTable(people, SCORES[:, known] - 1e6, item_ids=known)
    observation, _ = people.reset(seed=3)
    is_known = observation["item_id"] < 4
    slates, _ = agent.predict(observation)
    assert is_known.any()
    shown = np.take_along_axis(is_known, slates, axis=1).sum(axis=1)
    assert np.array_equal(shown, np.minimum(is_known.sum(axis=1), 3))
    chance = agent.slate_probability(observation, slates)
    n_other = 8 - is_known.sum(axis=1)
    expected = [1 / math.perm(n, 3 - k) for n, k in zip(n_other, shown, strict=True)]
    assert chance == pytest.approx(expected)


@pytest.mark.parametrize(
    "table",
    [SCORES, sparse.csr_array(np.where(SCORES > 1_000, SCORES, 0.0)), tuple(FACTORS)],
)
@pytest.mark.parametrize("with_ids", [False, True])
def test_a_saved_one_serves_the_same(people, tmp_path, table, with_ids):
    ids = {"user_ids": np.arange(N_USERS)[::-1], "item_ids": np.arange(N_ITEMS)[::-1]}
    agent = ScoreTable(people, table, **(ids if with_ids else {}), exploration=0.2, seed=5)
    agent.save(tmp_path / "table.agent")
    loaded = load_agent(tmp_path / "table.agent", people)
    observation, _ = people.reset(seed=3)
    assert loaded.settings == agent.settings and loaded.seed == 5
    assert np.array_equal(
        loaded.predict(observation, deterministic=True)[0],
        agent.predict(observation, deterministic=True)[0],
    )


class Mine(ScoreTable):
    """A class of one's own, that finds its table itself."""

    def __init__(self, env, *, seed=0):
        super().__init__(env, SCORES, seed=seed)


def test_one_of_a_class_of_one_s_own_is_loaded_by_that_class(people, tmp_path):
    path = tmp_path / "mine.agent"
    Mine(people).save(path)
    with pytest.raises(ValueError, match=r"load it by its class: Mine\.load"):
        load_agent(path, people)
    observation, _ = people.reset(seed=3)
    slates, _ = Mine.load(path, people).predict(observation)
    assert np.array_equal(slates, best(observation, SCORES))


def test_it_stays_in_its_world(people):
    agent = ScoreTable(people, SCORES)
    other = RatedCatalogue(
        n_users=N_USERS, n_items=N_ITEMS, n_candidates=8, slate_size=3, world_seed=9
    )
    with pytest.raises(ValueError, match="another world"):
        evaluate(agent, other, n_episodes=2, seed=0)
    assert evaluate(agent, other, n_episodes=2, seed=0, another_world=True).n_episodes == 2


def test_a_table_of_what_people_like_serves_them_well(checkerboard):
    """Three in four of the clicks that there could be are of people and items of one colour."""
    people = checkerboard(64)
    closeness = np.zeros((60, 80))
    for seed in range(40):
        seen, _ = people.reset(seed=100 * seed)
        own = seen["candidates"][np.arange(64), :, seen["user"].argmax(axis=1)]
        closeness[seen["user_id"][:, None], seen["item_id"]] = own
    found = [
        evaluate(ScoreTable(people, sign * closeness), people.scenario, n_episodes=200, seed=1)
        for sign in (1, -1)
    ]
    assert found[0].click_rate > 1.2 > 0.5 > found[1].click_rate


@pytest.mark.parametrize(
    ("table", "arguments", "message"),
    [
        (SCORES[:, :-1], {}, "scores of 59 items, and the scenario has 60; say which is which by"),
        (SCORES[:-1], {}, "scores of 39 users"),
        (SCORES, {"user_ids": range(39)}, "user_ids has 39 ids for scores of 40 users"),
        (SCORES, {"user_ids": [0] * 40}, "user_ids has 0 twice"),
        (SCORES, {"item_ids": range(60, 120)}, "item_ids has 60 ids, the first 60, that no item"),
        (SCORES, {"user_ids": range(1, 41)}, "user_ids has 1 id, the first 40, that no user here"),
        (SCORES, {"item_ids": range(-1, 59)}, "ids count from 0 to 59; number yours so, and leave"),
        (SCORES, {"item_ids": ["a"] * 60}, "are no ids; give a list of whole numbers"),
        (SCORES, {"item_ids": [0.5] * 60}, "are no ids; give a list of whole numbers"),
        (SCORES[0], {}, "scores of shape (60,) and type float64 do not fit"),
        (SCORES.astype(str), {}, "do not fit; give numbers"),
        (np.where(SCORES == 7, np.nan, SCORES), {}, "hold 1 numbers that are not finite, the"),
        (np.where(SCORES < 7, np.inf, SCORES), {}, "np.nan_to_num(scores, nan=-1e9)"),
        (sparse.csr_array(SCORES) * np.nan, {}, "numbers that are not finite"),
        ((FACTORS[0], FACTORS[1][:, :3]), {}, "users have 5 factors and items 3"),
        ((FACTORS[0],), {}, "a pair of the factors"),
        (FACTORS, {}, "factors as a pair, which is a tuple: (users, items)"),
    ],
)
def test_what_does_not_fit_is_refused(people, table, arguments, message):
    with pytest.raises(ValueError) as caught:
        ScoreTable(people, table, **arguments)
    assert message in str(caught.value)


def test_it_does_not_learn_and_says_so(people):
    with pytest.raises(ValueError, match="does not learn; train it there"):
        ScoreTable(people, SCORES).learn(100)


def test_it_needs_ids():
    with pytest.raises(UnsuitableScenario, match="needs user and item ids"):
        ScoreTable(RecommendationVectorEnv(InterestEvolution()), SCORES)
