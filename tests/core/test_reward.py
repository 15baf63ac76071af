"""Another reward than a scenario's own: what may be one, what it pays, and what it is part of."""

import dataclasses
import json
import math
import pickle
from dataclasses import dataclass

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

from recsim_env import Scenario, setting
from recsim_env.agents import make_agent
from recsim_env.agents.core.world import describe_world, difference
from recsim_env.benchmark import evaluate
from recsim_env.core.reward import digest_of
from recsim_env.engine.faults import ScenarioFault
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.resolving import resolve_scenario
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from recsim_env.scenarios.music_streaming import MusicStreaming
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.scenarios.short_video import ShortVideo
from recsim_env.testing import check_scenario

ID = "recsim_env/LongTermSatisfaction-v0"
NAME = f"{__name__}:penalized"


def penalized(config, user, items, slate, response, own_reward):
    return own_reward - PENALTY * items[slate[0]].clickbait


PENALTY = 2.0


def rewards(scenario, n_steps=10, **arguments):
    env = RecommendationVectorEnv(scenario, num_envs=4, **arguments)
    env.reset(seed=3)
    return np.array([env.step(np.full(4, step % 10))[1] for step in range(n_steps)])


@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_paid_after_the_response_for_what_was_shown(compiled):
    env = RecommendationVectorEnv(
        LongTermSatisfaction, reward=penalized, num_envs=4, compiled=compiled
    )
    env.reset(seed=3)
    own = rewards(LongTermSatisfaction, compiled=compiled)
    for step in range(10):
        shown = env.items["clickbait"][:, step % 10]
        assert np.allclose(env.step(np.full(4, step % 10))[1], own[step] - 2.0 * shown)


def test_people_do_as_they_did_whatever_is_earned():
    plain, paid = (
        RecommendationVectorEnv(LongTermSatisfaction, num_envs=4, reward=reward)
        for reward in (None, penalized)
    )
    for env in (plain, paid):
        env.reset(seed=3)
    for step in range(70):
        one, other = (env.step(np.full(4, step % 10)) for env in (plain, paid))
        assert data_equivalence((one[0], *one[2:]), (other[0], *other[2:]))
        assert np.array_equal(plain.users, paid.users)


@pytest.mark.parametrize("compiled", [False, True])
def test_clicks_are_counted(compiled):
    env = RecommendationVectorEnv(
        InterestEvolution, reward="clicks", choice="position_based", num_envs=20, compiled=compiled
    )
    env.reset(seed=0)
    most = 0.0
    for _ in range(10):
        has_stepped = ~env.state["is_over"]
        observation, earned, *_ = env.step(np.tile([0, 1, 2], (20, 1)))
        clicked = observation["response"][:, :, 0].sum(axis=1)
        assert np.array_equal(earned[has_stepped], clicked[has_stepped])
        most = max(most, earned.max())
    assert most > 1


def test_a_word_of_the_scenarios_own_is_its_own():
    assert RatedCatalogue(reward="clicks").pays_own
    assert MusicStreaming(reward="likes").own_reward == "likes"
    other = MusicStreaming(reward="clicks")
    assert not other.pays_own
    assert other.own_reward == "minutes"
    assert np.array_equal(MusicStreaming(reward="").config().tobytes(), other.config().tobytes())


def test_none_is_the_own_reward_and_no_setting():
    plain = LongTermSatisfaction()
    assert plain == LongTermSatisfaction(reward=None) == LongTermSatisfaction(reward="")
    assert "reward" not in plain.settings
    assert MusicStreaming(reward=None) == MusicStreaming()
    assert MusicStreaming().settings["reward"] == "minutes"


def test_a_setting_of_that_name_may_be_something_else():
    @dataclass(frozen=True, kw_only=True)
    class Fixed(LongTermSatisfaction):
        reward: float = setting(5.0, low=0.0)

    assert Fixed(reward=2.5).pays_own
    assert Fixed(reward=2.5).config()["reward"] == 2.5
    with pytest.raises(ValueError, match=r"reward=-1.0 is not allowed; use 0 or more"):
        Fixed(reward=-1)


def test_it_is_part_of_what_a_scenario_is(tmp_path):
    by_function, by_name = (LongTermSatisfaction(reward=each) for each in (penalized, NAME))
    assert by_function == by_name and by_name.settings["reward"] == NAME
    assert by_function != LongTermSatisfaction() != LongTermSatisfaction(reward="clicks")
    assert pickle.loads(pickle.dumps(by_function)) == by_name
    assert dataclasses.replace(by_name, time_budget=5).reward == NAME
    assert LongTermSatisfaction.create(**by_name.settings) == by_name
    env = RecommendationVectorEnv(by_name, num_envs=2)
    assert env.twin().scenario == by_name
    assert env.twin(reward="").scenario == LongTermSatisfaction()


def test_worlds_of_other_rewards_differ():
    def local(config, user, items, slate, response, own_reward):
        return 1.0

    def another(config, user, items, slate, response, own_reward):
        return 2.0

    worlds = [
        describe_world(LongTermSatisfaction(reward=each))
        for each in (None, "clicks", penalized, local, another)
    ]
    for i, one in enumerate(worlds):
        for j, other in enumerate(worlds):
            assert bool(difference(one, other)) == (i != j)
    assert "reward='clicks' there, None here" in difference(worlds[1], worlds[0])
    again = describe_world(LongTermSatisfaction(reward=local))
    assert not difference(worlds[3], json.loads(json.dumps(again)))


def test_the_digest_changes_with_text_defaults_and_what_is_closed_over():
    def scaled(scale):
        return lambda config, user, items, slate, response, own_reward: scale * own_reward

    digests = [digest_of(scaled(1.0)), digest_of(scaled(2.0)), digest_of(penalized)]
    assert len(set(digests)) == 3
    assert digests[0] == digest_of(scaled(1.0))


def test_it_is_made_again_from_the_spec():
    env = gymnasium.make(ID, reward=penalized)
    assert json.loads(env.spec.to_json())["kwargs"]["reward"] == NAME
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.scenario == env.unwrapped.scenario


def test_a_function_that_nobody_can_import_is_refused_as_json():
    env = gymnasium.make_vec(
        ID, num_envs=2, reward=lambda config, user, items, slate, response, own_reward: 1.0
    )
    with pytest.raises(TypeError, match="its reward .*<lambda> is .* move the function"):
        env.spec.to_json()


def test_a_function_in_a_file_is_found(tmp_path, monkeypatch):
    (tmp_path / "my_rewards.py").write_text(
        "def half(config, user, items, slate, response, own_reward):\n    return own_reward / 2\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    scenario = LongTermSatisfaction(reward=f"{tmp_path / 'my_rewards.py'}:half")
    assert scenario.reward == "my_rewards:half"
    assert np.allclose(rewards(scenario), rewards(LongTermSatisfaction) / 2)
    with pytest.raises(ValueError, match=r"my_rewards.py has no hlf; it has half; did you mean"):
        LongTermSatisfaction(reward=f"{tmp_path / 'my_rewards.py'}:hlf")


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("klicks", "reward='klicks' is not allowed; use None, 'clicks', .* mean 'clicks'"),
        (5, "reward=5 is not allowed; use None, 'clicks', 'module:function'"),
        (len, "is not allowed; use .* function"),
        ("json:JSONEncoder", "'json:JSONEncoder': JSONEncoder is no function"),
        (lambda config, user: 1.0, r"cannot be called .*define it as .*own_reward\)"),
    ],
)
def test_what_is_no_reward_is_refused(reward, message):
    with pytest.raises(ValueError, match=message):
        LongTermSatisfaction(reward=reward)


def misspelt(config, user, items, slate, response, own_reward):
    return user.satisfactoin


def nothing(config, user, items, slate, response, own_reward):
    abs(own_reward)


def infinite(config, user, items, slate, response, own_reward):
    return math.inf


def seldom_infinite(config, user, items, slate, response, own_reward):
    return 1.0 / max(0, user.steps_left - 50)


def changing(config, user, items, slate, response, own_reward):
    user.steps_left -= 1
    return own_reward


def changing_by_a_helper(config, user, items, slate, response, own_reward):
    set_back(user)
    return own_reward


def set_back(user):
    user.steps_left = 1000


def drawn(config, user, items, slate, response, own_reward):
    return np.random.random()


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (misspelt, r"misspelt .*`user\.satisfactoin`: .*did you mean 'satisfaction'"),
        (nothing, r"the reward nothing\(\) returns nothing; return a number"),
        (infinite, r"the reward infinite\(\) returned inf; return finite numbers"),
        (seldom_infinite, r"the reward seldom_infinite\(\) returned inf; return finite numbers"),
        (changing, r"the reward changing\(\) writes to 'steps_left'; it may only read"),
        (
            changing_by_a_helper,
            r"the reward changing_by_a_helper\(\) writes to 'steps_left'; it may only read",
        ),
        (drawn, r"drawn draws from np\.random, which no seed decides"),
    ],
)
def test_faults_in_it_are_named(reward, message):
    with pytest.raises(ScenarioFault, match=f"LongTermSatisfaction: {message}"):
        rewards(LongTermSatisfaction(reward=reward), n_steps=20)


def test_check_scenario_checks_it_too():
    check_scenario(LongTermSatisfaction, reward=penalized)
    with pytest.raises(
        ScenarioFault, match="no field 'satisfactoin'.* did you mean 'satisfaction'"
    ):
        check_scenario(LongTermSatisfaction, reward=misspelt)


def change_taste(config, user, items, slate, response, own_reward):
    user.taste[0] += 5.0
    return own_reward


def change_items(config, user, items, slate, response, own_reward):
    items["clickbait"][0] = 0.0
    return own_reward


def change_catalogue(config, user, items, slate, response, own_reward):
    items.features[0][0] = 0.5
    return own_reward


def change_slate(config, user, items, slate, response, own_reward):
    slate[0] = 0 if slate[0] else 1
    return own_reward


def change_response(config, user, items, slate, response, own_reward):
    response[0].clicked = not response[0].clicked
    return own_reward


@pytest.mark.parametrize(
    ("kind", "reward", "what"),
    [
        (MusicStreaming, change_taste, "user.taste"),
        (LongTermSatisfaction, change_items, "items.clickbait"),
        (MusicStreaming, change_catalogue, "items"),
        (MusicStreaming, change_slate, "slate"),
        (LongTermSatisfaction, change_response, "clicked"),  # seen without running it
    ],
)
def test_it_may_not_write_by_index_either(kind, reward, what):
    with pytest.raises(ScenarioFault, match=rf"{reward.__name__}\(\) writes to '{what}'"):
        check_scenario(kind, reward=reward)
    with pytest.raises(ScenarioFault, match=rf"{reward.__name__}\(\) writes to '{what}'"):
        rewards(kind(reward=reward), n_steps=1)


def test_it_may_write_to_arrays_of_its_own():
    def counted(config, user, items, slate, response, own_reward):
        found = np.zeros(2)
        found[0] += own_reward
        return found[0]

    check_scenario(LongTermSatisfaction, reward=counted)


def test_clicks_need_responses_that_say_so():
    @dataclass(frozen=True, kw_only=True)
    class Silent(Scenario):
        def response_layout(self):
            return {"seconds": float}

        @staticmethod
        def respond(config, user, items, slate, response, rng):
            return 1.0, False

    with pytest.raises(ScenarioFault, match="there is no field 'clicked'; known are seconds"):
        rewards(Silent, compiled=True, reward="clicks")


def test_nothing_is_foreseen_of_another_reward():
    env = RecommendationEnv(LongTermSatisfaction, reward=penalized)
    env.reset(seed=0)
    for name in ("expected_reward", "long_term_value"):
        with pytest.raises(ValueError, match=rf"reward={NAME} instead of its own, so .*{name}\(\)"):
            getattr(env, name)()
    assert env.can_be_shown().all()


FORESEEN = [
    InterestEvolution(reward="clicks"),
    MusicStreaming(reward="clicks", n_users=20, n_items=60),
    ShortVideo(reward="clicks", n_users=20, n_items=60),
]


@pytest.mark.parametrize("scenario", FORESEEN, ids=lambda scenario: type(scenario).__name__)
@pytest.mark.parametrize("slate_size", [1, 2])
def test_the_chance_of_a_click_is_what_the_person_clicks_by(scenario, slate_size):
    """A slate that repeats its item shows it alone."""
    env = RecommendationVectorEnv(scenario, num_envs=9, slate_size=slate_size, compiled=False)
    env.reset(seed=2)
    for step in range(5):
        foreseen, goes_on = env.expected_reward()[:, step], ~env.state["is_over"]
        env.step(np.full((9, slate_size) if slate_size > 1 else 9, step))
        chance = env.state["response"]["probability"][:, 0]
        assert np.allclose(chance[goes_on], foreseen[goes_on])


def test_an_oracle_of_clicks_finds_more_of_them():
    scenario = InterestEvolution(reward="clicks")
    found, floor = (
        evaluate(
            make_agent(name, RecommendationVectorEnv(scenario)), scenario, n_episodes=50, seed=1
        )
        for name in ("oracle", "uniform")
    )
    assert found.reward_per_step > 1.2 * floor.reward_per_step
    assert np.array_equal(found.returns, found.clicks)


@pytest.mark.parametrize(
    "name", ["Boredom", "CreatorEconomy", "OrganicShopping", "BernoulliBandit", "NewsFeed"]
)
def test_clicks_are_the_own_reward_where_that_counts_them(name):
    scenario = resolve_scenario(name, reward="clicks")
    assert scenario == resolve_scenario(name) and scenario.pays_own
    env = RecommendationVectorEnv(scenario, num_envs=9, compiled=False)
    env.reset(seed=1)
    slates = np.tile(np.arange(scenario.slate_size), (9, 1)).reshape(env.action_space.shape)
    for _ in range(3):
        observation, earned, *_ = env.step(slates)
        assert np.array_equal(earned, (observation["response"][:, :, 0] > 0).sum(axis=1))
