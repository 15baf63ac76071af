"""A scenario that changes another one calls its functions by the name of its class."""

from dataclasses import dataclass

import numpy as np
import pytest

from recsim_env import Scenario
from recsim_env.engine.faults import ScenarioFault
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from recsim_env.testing import check_scenario


@dataclass(frozen=True, kw_only=True)
class Priced(LongTermSatisfaction):
    """What a step costs is taken off."""

    price: float = 1.0

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        reward, is_over = LongTermSatisfaction.respond(config, user, items, slate, response, rng)
        return reward - config.price, is_over


@dataclass(frozen=True, kw_only=True)
class Twice(Priced):
    """A child of a child."""

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        reward, is_over = Priced.respond(config, user, items, slate, response, rng)
        return 2.0 * reward, is_over


@dataclass(frozen=True, kw_only=True)
class Misspelt(Priced):
    """Calls what its parent has not."""

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        return Priced.resond(config, user, items, slate, response, rng)


def rewards(scenario, *, compiled):
    env = RecommendationVectorEnv(scenario, num_envs=4, compiled=compiled)
    env.reset(seed=3)
    return np.array([env.step(np.full(4, step % 10))[1] for step in range(12)])


@pytest.mark.parametrize("compiled", [False, True])
def test_a_child_earns_what_it_makes_of_what_its_parent_does(compiled):
    own = rewards(LongTermSatisfaction(), compiled=compiled)
    assert np.allclose(rewards(Priced(price=0.5), compiled=compiled), own - 0.5)
    assert np.allclose(rewards(Twice(price=0.5), compiled=compiled), 2.0 * (own - 0.5))


def test_a_child_keeps_the_contract():
    check_scenario(Twice)


def test_a_misspelt_function_of_the_parent_is_named():
    with pytest.raises(
        TypeError, match=r"Misspelt\.respond uses Priced\.resond, .* are .*, respond,"
    ):
        RecommendationVectorEnv(Misspelt())


def test_super_is_answered_with_the_name_of_the_parent():
    @dataclass(frozen=True, kw_only=True)
    class Child(Priced):
        @staticmethod
        def respond(config, user, items, slate, response, rng):
            return super().respond(config, user, items, slate, response, rng)

    with pytest.raises(TypeError, match=r"super\(\), .* Priced\.respond\("):
        RecommendationVectorEnv(Child())


def test_faults_in_a_function_of_the_parent_are_explained():
    @dataclass(frozen=True, kw_only=True)
    class Parent(Scenario):
        @staticmethod
        def respond(config, user, items, slate, response, rng):
            return user.mod, False

    @dataclass(frozen=True, kw_only=True)
    class Child(Parent):
        def user_layout(self):
            return {"mood": float}

        @staticmethod
        def respond(config, user, items, slate, response, rng):
            return Parent.respond(config, user, items, slate, response, rng)

    env = RecommendationVectorEnv(Child(), compiled=True)
    with pytest.raises(ScenarioFault, match=r"Parent\.respond .*`user\.mod`: .*'mood'"):
        env.reset(seed=0)
        env.step(np.zeros(1, int))
