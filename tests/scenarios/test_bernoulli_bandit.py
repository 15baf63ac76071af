"""The textbook bandit: chances, slates and regret against closed forms."""

import itertools

import numpy as np
import pytest

from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.testing import check_scenario

pytestmark = pytest.mark.published


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"slate_size": 3, "n_best": 2, "examination": 0.7, "change_every": 10},
        {"n_items": 30, "n_candidates": 5, "slate_size": 2, "choice": "position_based"},
    ],
)
def test_keeps_the_contract(settings):
    check_scenario(BernoulliBandit(**settings))


def clicks_of(scenario, items, n=20_000):
    """Returns who clicked which place of a slate, (n, slate_size), and the regret it is told."""
    env = RecommendationVectorEnv(scenario, num_envs=n)
    env.reset(seed=3)
    action = np.array(items) if scenario.slate_size > 1 else np.array(items)[0]
    slates = np.tile(action, (n, 1)) if scenario.slate_size > 1 else np.full(n, action)
    observation, rewards, _, _, info = env.step(slates)
    clicked = observation["response"][:, :, 0]
    assert np.array_equal(rewards, clicked.sum(axis=1))
    return clicked, info["regret"][0]


def expected_clicks(scenario, chances):
    """Returns the chance of a click on each place of a slate of these attractions."""
    reach, expected = 1.0, []
    for chance in chances:
        expected.append(reach * chance)
        passed = 1 - chance if scenario.choice == "cascade" else 1.0
        reach *= passed * scenario.examination
    return np.array(expected)


@pytest.mark.parametrize("choice", ["cascade", "position_based"])
@pytest.mark.parametrize(("slate_size", "examination"), [(1, 1.0), (3, 1.0), (3, 0.6)])
def test_clicks_and_regret_are_those_of_the_closed_form(choice, slate_size, examination):
    scenario = BernoulliBandit(
        n_items=5,
        n_best=2,
        best=0.7,
        others=0.2,
        slate_size=slate_size,
        choice=choice,
        examination=examination,
    )
    chances = scenario.chances()
    assert sorted(chances) == [0.2, 0.2, 0.2, 0.7, 0.7]
    items = list(range(5))[-slate_size:]
    clicked, regret = clicks_of(scenario, items)
    expected = expected_clicks(scenario, chances[items])
    assert clicked.mean(axis=0) == pytest.approx(expected, abs=5 * 0.5 / np.sqrt(20_000))
    most = max(
        expected_clicks(scenario, order).sum()
        for order in itertools.permutations(chances, slate_size)
    )
    assert regret == pytest.approx(most - expected.sum(), abs=1e-12)


def test_expected_reward_is_the_chance_of_a_click_and_moves_on_when_it_changes():
    scenario = BernoulliBandit(n_items=4, change_every=2, horizon=0)
    env = RecommendationVectorEnv(scenario, num_envs=1)
    env.reset(seed=0)
    for step in range(9):
        assert env.expected_reward()[0] == pytest.approx(np.roll(scenario.chances(), -(step // 2)))
        _, _, _, _, info = env.step(np.array([0]))
        is_best = np.roll(scenario.chances(), -(step // 2))[0] == scenario.best
        assert info["regret"][0] == pytest.approx(0.0 if is_best else 0.2)


def test_the_world_decides_which_items_are_the_best_and_all_are_offered_in_order():
    best = {int(BernoulliBandit(world_seed=seed).chances().argmax()) for seed in range(50)}
    assert best == set(range(10))
    env = RecommendationVectorEnv(BernoulliBandit, num_envs=2, n_items=17)
    for _ in range(3):
        observation, *_ = env.reset(seed=1)
        assert np.array_equal(observation["item_id"], np.tile(np.arange(17), (2, 1)))
    assert resolve_scenario(BernoulliBandit(), n_items=17).n_candidates == 17


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"best": 1.0}, "best=1.0 is not allowed; use more than 0 and less than 1"),
        ({"others": 0.7}, "others=0.7 is not allowed; use at most best=0.6"),
        ({"n_best": 11}, "n_best=11 is not allowed; use 1 to n_items"),
        ({"choice": "multinomial_logit"}, "use one of cascade, position_based"),
        ({"examination": 1.5}, "examination=1.5 is not allowed; use 0 to 1"),
        ({"change_every": -1}, "change_every=-1 is not allowed; use 0 to"),
        ({"n_items": 0}, "n_items=0 is not allowed; use [12] to"),
        ({"slate_size": 11}, "slate_size=11 exceeds n_candidates=10"),
    ],
)
def test_bad_settings_name_the_remedy(settings, message):
    with pytest.raises(ValueError, match=message):
        BernoulliBandit(**settings)
