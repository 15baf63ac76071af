"""Functions that score, of pairs or of observations, serve as agents."""

import numpy as np
import pytest

from recsim_env.agents import ScoreTable, UnsuitableScenario, from_predict
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

WORLD = RatedCatalogue(n_users=40, n_items=60, n_candidates=8, slate_size=3)
SCORES = np.random.default_rng(0).permutation(2_400).reshape(40, 60) * 1.0


@pytest.fixture
def people():
    return RecommendationVectorEnv(WORLD, num_envs=16)


def by_ids(users, items):
    assert users.shape == items.shape == (len(users),)
    return SCORES[users, items]


def by_observation(observation):
    return SCORES[observation["user_id"][:, None], observation["item_id"]]


@pytest.mark.parametrize("function", [by_ids, by_observation])
def test_it_serves_as_the_table_of_its_scores(people, function):
    observation, _ = people.reset(seed=3)
    slates = [
        agent.predict(observation)[0]
        for agent in (from_predict(function, people), ScoreTable(people, SCORES))
    ]
    assert np.array_equal(*slates)
    found, same = (
        evaluate(agent, WORLD, n_episodes=10, seed=2)
        for agent in (from_predict(function, people), ScoreTable(people, SCORES))
    )
    assert found.returns.tolist() == same.returns.tolist()


def test_a_model_that_counts_otherwise_is_asked_by_its_own_places(people):
    rng = np.random.default_rng(4)
    users, items = rng.permutation(40)[:30], rng.permutation(60)[:50]
    own = SCORES[users][:, items]
    agent = from_predict(lambda u, i: own[u, i], people, user_ids=users, item_ids=items)
    observation, _ = people.reset(seed=3)
    is_known = np.isin(observation["user_id"], users)
    served = np.where(np.isin(observation["item_id"], items), by_observation(observation), -1e9)
    slates, _ = agent.predict(observation)
    best = np.argsort(-served, axis=1)[:, :3]
    assert is_known.any() and not is_known.all()
    assert np.array_equal(slates[is_known], best[is_known])
    shown = np.take_along_axis(observation["item_id"], slates, axis=1)
    assert np.isin(shown[~is_known], items).all()  # there are enough that are known


def test_propensities_are_exact_and_exploration_counts(people):
    observation, _ = people.reset(seed=3)
    agent = from_predict(by_ids, people, exploration=0.5)
    best = agent.predict(observation, deterministic=True)[0]
    chance = agent.slate_probability(observation, best)
    assert chance == pytest.approx(0.5 + 0.5 / (8 * 7 * 6))
    assert agent.slate_probability(observation, best, deterministic=True).tolist() == [1.0] * 16


def test_propensities_of_what_draws_are_refused(people):
    rng = np.random.default_rng(0)
    agent = from_predict(lambda users, items: rng.random(len(users)), people)
    observation, _ = people.reset(seed=3)
    slates, _ = agent.predict(observation)
    with pytest.raises(ValueError, match="two answers to one question"):
        agent.slate_probability(observation, slates)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda users, items: SCORES[:3], "returned an array of shape (3, 60) for 128 pairs"),
        (lambda users, items: np.full(len(users), np.nan), "returned NaN"),
        (lambda seen: SCORES[:3], "returned an array of shape (3, 60); return (16, 8)"),
    ],
)
def test_what_is_no_score_of_each_is_refused(people, function, message):
    observation, _ = people.reset(seed=3)
    with pytest.raises(ValueError) as caught:
        from_predict(function, people).predict(observation)
    assert message in str(caught.value)


def test_functions_of_something_else_are_refused(people, tmp_path):
    with pytest.raises(TypeError, match=r"takes a, b, c; give a function of \(observation\) or \("):
        from_predict(lambda a, b, c: 0, people)
    with pytest.raises(TypeError, match="does not say what it takes"):
        from_predict(max, people)
    with pytest.raises(ValueError, match="by_observation takes observations, so that user_ids"):
        from_predict(by_observation, people, user_ids=range(40))
    with pytest.raises(ValueError, match="item_ids has 2 ids, the first 60, that no item"):
        from_predict(by_ids, people, item_ids=[60, 61])
    with pytest.raises(ValueError, match="cannot be saved; save the model as its library does"):
        from_predict(by_ids, people).save(tmp_path / "model.agent")


def test_only_pairs_need_ids():
    nobody = RecommendationVectorEnv(InterestEvolution(n_candidates=6, slate_size=2), num_envs=4)
    with pytest.raises(UnsuitableScenario, match="needs user and item ids"):
        from_predict(by_ids, nobody)
    agent = from_predict(lambda seen: seen["candidates"][:, :, 0], nobody)
    assert agent.predict(nobody.reset(seed=1)[0])[0].shape == (4, 2)
