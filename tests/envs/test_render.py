"""Steps in words: a scenario's own, where it has a view, and else the names of its fields."""

from dataclasses import dataclass
from typing import Any, ClassVar

from recsim_env import RecommendationEnv, Scenario, shown
from recsim_env.core.streams import uniform
from recsim_env.envs import resolve_scenario
from recsim_env.envs.render import describe_item, describe_user


class InWords:
    """Says what a person is like; items are worded by their fields."""

    @staticmethod
    def describe_user(scenario, user, user_id):
        return f"{scenario.greeting}, guest {user_id} who likes {user['taste']:.0f}"


@dataclass(frozen=True, kw_only=True)
class Bar(Scenario):
    n_users: int = 3
    greeting: str = "good evening"

    view: ClassVar[Any] = InWords

    def user_layout(self):
        return {"taste": float}

    def item_layout(self):
        return {"strength": shown(float, 0, 1)}

    @staticmethod
    def sample_item(config, item, rng):
        item.strength = uniform(rng)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        return 0.0, False

    @staticmethod
    def expected_reward(config, user, item):
        return 0.0


def test_an_object_words_what_it_has_functions_for():
    env = RecommendationEnv(Bar, render_mode="ansi", compiled=False)
    env.reset(seed=0, options={"user_id": 2})
    assert env.render() == "step 0 | good evening, guest 2 who likes 0 arrives"
    env.step(0)
    assert "sees 1: strength 0." in env.render()


def test_a_module_by_name_is_looked_up_when_it_is_needed():
    scenario = resolve_scenario("recsim_env.scenarios.wheel_bandit:WheelBandit")
    assert scenario.view == "recsim_env.scenarios.views.wheel_bandit"
    item = scenario.tables()["items"][3]
    assert describe_item(scenario, item, 3) == "arm 3"


def test_without_a_view_fields_are_named():
    class Plain(Bar):
        view = None

    env = RecommendationEnv(Plain(), compiled=False)
    env.reset(seed=0)
    assert describe_user(env.scenario, env.user, 1) == "user 1 (taste 0)"
