"""Plain functions from observations to slates serve as agents, wherever agents are named."""

import os

import numpy as np
import pytest

from recsim_env.agents import as_agent, from_policy, make_agent
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

WORLD = InterestEvolution(n_candidates=6, slate_size=2)


RULES = '''
def second(observation):
    """Shows the second."""
    return [[1, 2]] * len(observation["user"])
'''


@pytest.fixture
def people():
    return RecommendationVectorEnv(WORLD, num_envs=8)


def first_two(observation):
    """Shows the first candidates."""
    return np.tile([0, 1], (len(observation["candidates"]), 1))


def clearest(observation):
    return np.argsort(-observation["candidates"][:, :, -1], axis=1)[:, :2]


def clearest_for_one(observation):
    return np.argsort(-observation["candidates"][:, -1])[:2]


def random_pair(observation, rng):
    n = len(observation["candidates"])
    return np.argsort(rng.random((n, 6)), axis=1)[:, :2]


def unruly(observation):
    return random_pair(observation, np.random.default_rng())


def test_a_batch_and_one_person_after_the_other_are_served_alike(people):
    observation, _ = people.reset(seed=1)
    slates = [
        agent.predict(observation)[0]
        for agent in (
            from_policy(clearest, people),
            from_policy(clearest_for_one, people, batched=False),
        )
    ]
    assert np.array_equal(slates[0], clearest(observation))
    assert np.array_equal(slates[0], slates[1])
    one = {name: value[3] for name, value in observation.items()}
    assert np.array_equal(from_policy(clearest, people).predict(one)[0], slates[0][3])


def test_the_slate_of_one_item_may_be_a_number():
    people = RecommendationVectorEnv(InterestEvolution(slate_size=1), num_envs=3)
    observation, _ = people.reset(seed=1)
    for function, batched in ((lambda seen: [4, 5, 6], True), (lambda seen: 4, False)):
        slates, _ = from_policy(function, people, batched=batched).predict(observation)
        assert slates.tolist() == ([4, 5, 6] if batched else [4, 4, 4])


def test_evaluate_takes_a_function_as_it_is(people):
    found = evaluate(clearest, WORLD, n_episodes=20, seed=3)
    same = evaluate(from_policy(clearest, people), WORLD, n_episodes=20, seed=3)
    assert found.returns.tolist() == same.returns.tolist()
    assert len(set(found.returns)) > 5
    other = evaluate(first_two, WORLD, n_episodes=20, seed=3)
    assert other.returns.tolist() != found.returns.tolist()


def test_a_function_that_draws_is_repeated_by_a_seed(people):
    found = [evaluate(random_pair, WORLD, n_episodes=20, seed=seed).returns for seed in (3, 3, 4)]
    assert found[0].tolist() == found[1].tolist() != found[2].tolist()


def test_propensities_are_exact_or_counted_in_draws(people):
    observation, _ = people.reset(seed=1)
    own, other = clearest(observation), first_two(observation)
    is_other = (own != other).any(axis=1)
    agent = from_policy(clearest, people)
    assert agent.draws_slates is None and is_other.any()
    assert agent.slate_probability(observation, own).tolist() == [1.0] * 8
    assert (
        agent.slate_probability(observation, other).tolist() == (~is_other).astype(float).tolist()
    )
    drawing = from_policy(random_pair, people)
    assert drawing.draws_slates == "slates"
    chance = drawing.slate_probability(observation, own, n_draws=2_000)
    assert chance == pytest.approx(1 / 42, abs=0.02)


def test_propensities_of_what_draws_unseen_are_refused(people):
    observation, _ = people.reset(seed=1)
    agent = from_policy(unruly, people)
    with pytest.raises(ValueError, match="unruly gave two answers to one question"):
        agent.slate_probability(observation, first_two(observation))


@pytest.mark.parametrize(
    ("function", "batched", "message"),
    [
        (clearest_for_one, True, "batched=False"),
        (clearest, False, None),
        (lambda seen: [[0, 1]], True, "of shape (1, 2) for the observations of a batch; return (8"),
        (lambda seen: [0, 1, 2], False, "of shape (3,) for one person's observation; return (2,)"),
        (lambda seen: [[0, 6]] * 8, True, "index out of range; use 0 to 5"),
        (lambda seen: [[0.5, 1]] * 8, True, None),
        (lambda seen: None, True, None),
    ],
)
def test_what_is_no_slate_is_refused(people, function, batched, message):
    observation, _ = people.reset(seed=1)
    with pytest.raises((ValueError, TypeError, IndexError)) as caught:
        from_policy(function, people, batched=batched).predict(observation)
    assert message is None or message in str(caught.value)


@pytest.mark.parametrize(
    "thing",
    [
        lambda: 0,
        lambda a, b, c: 0,
        5,
        None,
        int,
        InterestEvolution,
        lambda seen, *, rng: 0,
        os.path.join,
    ],
)
def test_what_is_no_policy_is_refused(people, thing):
    with pytest.raises(TypeError, match=r"\(observation\)|no function; use an agent"):
        as_agent(thing, people)


def test_a_function_is_an_agent_by_its_name(people, tmp_path):
    (tmp_path / "own_rules.py").write_text(RULES)
    agent = make_agent(f"{tmp_path / 'own_rules.py'}:second", people)
    assert agent.predict(people.reset(seed=1)[0])[0].tolist() == [[1, 2]] * 8
    assert (type(agent).__name__, type(agent).__doc__) == ("second", "Shows the second.")
    with pytest.raises(ValueError, match=r"second cannot be saved; it is a function; keep its"):
        agent.save(tmp_path / "second.agent")
    with pytest.raises(ValueError, match=r"second serves what was made elsewhere"):
        agent.learn(10)
