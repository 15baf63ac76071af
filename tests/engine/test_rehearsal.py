"""Faults of a scenario that nobody has checked are found in its first steps, and explained."""

import math
import random
from dataclasses import dataclass

import numpy as np
import pytest

from recsim_env import Scenario
from recsim_env.core.fields import shown
from recsim_env.core.streams import uniform
from recsim_env.engine.faults import ScenarioFault
from recsim_env.engine.rehearsal import is_due, mark_checked
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

MISSPELT_READ, MISSPELT_WRITE, READ_BEYOND, WRITE_BEYOND, OBSERVED_BEYOND, IN_ITEM = range(1, 7)
MISSPELT_COLUMN = 7


@dataclass(frozen=True, kw_only=True)
class Own(Scenario):
    """Right where `fault` is 0."""

    fault: int = 0

    def user_layout(self):
        return {"interest": (float, 5), "budget": float}

    def item_layout(self):
        return {"quality": float, "parts": (float, 2)}

    def observation_layout(self):
        return {"candidates": {"look": shown(float, 0, 1, 3)}}

    @staticmethod
    def sample_item(config, item, rng):
        item.quality = uniform(rng)
        if config.fault == 6:
            item.parts[2] = 1.0

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        if config.fault == 2:
            user.bugdet = 3.0
        if config.fault == 4:
            user.interest[5] = 1.0
        return liking(config, user), False

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        for index in range(len(candidates)):
            observation.candidates[index].look[0] = items[candidates[index]].quality
            if config.fault == 5:
                observation.candidates[index].look[9] = 1.0
            if config.fault == 7:
                observation.candidates[index].lok[0] = 1.0

    @staticmethod
    def expected_reward(config, user, item):
        if config.fault == 3:
            return user.interest[int(user.budget) - 6]
        return item.quality


def liking(config, user):
    if config.fault == 1:
        return user.intrest[0]
    return user.budget


@dataclass(frozen=True, kw_only=True)
class SeldomWrong(Own):
    """Wrong where the first steps do not get."""

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        if user.budget > 1e9:
            user.bugdet = 3.0
        return 0.0, False


@dataclass(frozen=True, kw_only=True)
class SeldomMisread(Own):
    """Wrong where the first steps do not get."""

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        return misread(user), False


@dataclass(frozen=True, kw_only=True)
class ImportsInside(Own):
    @staticmethod
    def respond(config, user, items, slate, response, rng):
        from math import exp

        return exp(user.budget), False


def misread(user):
    return user.interets[0] if user.budget > 1e9 else 0.0


def play(kind, **settings):
    env = RecommendationVectorEnv(kind, num_envs=2, compiled=True, **settings)
    env.reset(seed=0)
    return env.step(np.zeros(2, int))


@pytest.mark.parametrize(
    ("fault", "settings", "message"),
    [
        (MISSPELT_READ, {}, r"liking .*`user\.intrest`: .*'intrest'; known are interest, budget"),
        (MISSPELT_WRITE, {}, r"Own\.respond .*`user\.bugdet`: .*did you mean 'budget'"),
        (READ_BEYOND, {}, r"Own\.expected_reward .*`user\.interest\[.*index -6 is out of bounds"),
        (WRITE_BEYOND, {}, r"Own\.respond .*`user\.interest\[5\]`: index 5 .* with size 5"),
        (
            OBSERVED_BEYOND,
            {},
            r"Own\.observe .*`observation\.candidates\[index\]\.look\[9\]`: index 9",
        ),
        (MISSPELT_COLUMN, {}, r"observation\.candidates\[index\]\.lok`: .*'lok'; known are look"),
        (IN_ITEM, {}, r"Own\.sample_item .*`item\.parts\[2\]`: index 2 .* with size 2"),
        (IN_ITEM, {"n_items": 50}, r"Own\.sample_item .*`item\.parts\[2\]`"),
    ],
)
def test_the_first_steps_find_faults_that_compiled_code_does_not(fault, settings, message):
    for _ in range(2):  # once found, it is found again
        with pytest.raises(ScenarioFault, match=f"{message}.*check_scenario\\(Own\\)"):
            play(Own, fault=fault, **settings)


@dataclass(frozen=True, kw_only=True)
class WritesTheCatalogue(Own):
    @staticmethod
    def respond(config, user, items, slate, response, rng):
        items[slate[0]].quality += 1.0
        return 0.0, False


@dataclass(frozen=True, kw_only=True)
class ReadsNoNumber(Own):
    weights: tuple[float, ...] = (1.0, 2.0)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        return config.weights[0], False


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            WritesTheCatalogue,
            r"`items\[slate\[0\]\]\.quality`: items of the catalogue are the same",
        ),
        (
            ReadsNoNumber,
            r"`config\.weights`: the setting 'weights' is no number.*; let derived\(\)",
        ),
    ],
)
def test_the_first_steps_find_what_functions_have_not(kind, message):
    with pytest.raises(ScenarioFault, match=message):
        play(kind, n_items=50)


def test_what_the_compiler_does_not_know_is_said_in_a_sentence():
    with pytest.raises(ScenarioFault, match=r"ImportsInside cannot be compiled: .*IMPORT_NAME"):
        play(ImportsInside)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (SeldomWrong, r"SeldomWrong\.respond uses a field 'bugdet' that .*mean 'budget'"),
        (SeldomMisread, r"misread uses a field 'interets' that the record has not"),
    ],
)
def test_what_only_the_compiler_finds_names_function_and_field(kind, message):
    with pytest.raises(ScenarioFault, match=f"{message}.*check_scenario"):
        play(kind)


def test_only_scenarios_that_nobody_has_checked_rehearse():
    @dataclass(frozen=True, kw_only=True)
    class Another(Own):
        pass

    assert is_due(Another())
    for _ in range(2):  # making an environment is no rehearsal
        simulator = RecommendationVectorEnv(Another, compiled=True)._simulator
        assert simulator._must_rehearse
    simulator._rehearse()
    assert not is_due(Another())
    assert is_due(Another(n_candidates=4))
    mark_checked(Another())
    assert not is_due(Another(n_candidates=5))
    assert not is_due(InterestEvolution(n_candidates=6))


def test_what_plain_python_refuses_and_compiled_code_does_not_is_no_fault():
    @dataclass(frozen=True, kw_only=True)
    class Divides(Own):
        @staticmethod
        def respond(config, user, items, slate, response, rng):
            return 1.0 / (1.0 + 1.0 / user.budget), False

    simulator = RecommendationVectorEnv(Divides, compiled=True)._simulator
    assert simulator._must_rehearse
    simulator._rehearse()
    assert not simulator._must_rehearse


def of_an_object(self, config, item, rng):
    item.quality = 0.5


def with_too_few(config, user):
    user.budget = 1.0


def with_too_many(config, user, rng, hour):
    user.budget = 1.0


def draws_of_numpy(config, user, rng):
    user.budget = np.random.normal()


def draws_of_python(config, user, rng):
    user.budget = random.random()


def only_a_reward(config, user, items, slate, response, rng):
    return 1.0


def nothing(config, user, items, slate, response, rng):
    user.budget = 1.0


def a_word(config, user, items, slate, response, rng):
    return "much", False


def not_a_number(config, user, items, slate, response, rng):
    return math.nan, False


def no_value(config, user, item):
    return None


def with_function(name, function):
    return dataclass(frozen=True, kw_only=True)(type("Mistaken", (Own,), {name: function}))


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("respond", Scenario.respond, r"defines no respond\(.*returns \(reward, terminated\)"),
        ("sample_item", of_an_object, r"sample_item is a method .*make it a @staticmethod"),
        ("sample_user", with_too_few, r"sample_user .*define sample_user\(config, user, "),
        ("sample_user", with_too_many, r"sample_user .*\'hour\'.*define sample_user\("),
        ("sample_user", draws_of_numpy, r"draws_of_numpy draws from np\.random, .*rng"),
        ("sample_user", draws_of_python, r"draws_of_python draws from random, .*rng"),
        ("respond", only_a_reward, r"respond\(\) must return \(reward, terminated\)"),
        ("respond", nothing, r"respond\(\) must return \(reward, terminated\)"),
        ("respond", a_word, r"respond\(\) must return \(reward, terminated\)"),
        ("respond", not_a_number, r"respond\(\) returned nan; return finite"),
        ("expected_reward", no_value, r"expected_reward\(\) returned nan; return finite"),
    ],
)
def test_functions_that_cannot_be_used_are_named(name, function, message):
    is_method = function is of_an_object
    kind = with_function(name, function if is_method else staticmethod(function))
    with pytest.raises(ScenarioFault, match=f"Mistaken.*{message}"):
        play(kind)


def test_a_misspelt_function_is_named():
    kind = with_function("sample_users", staticmethod(lambda config, user, rng: None))
    wanted = r"Mistaken\.sample_users is called by nobody; did you mean 'sample_user'\?"
    with pytest.raises(ScenarioFault, match=wanted):
        RecommendationVectorEnv(kind())


def test_flags_that_no_function_reads_are_named():
    kind = with_function("flags", lambda self: {"LONG_SIGHTED": True})
    with pytest.raises(ScenarioFault, match=r"Mistaken: flags\(\) names 'LONG_SIGHTED'"):
        play(kind)


def test_a_scenario_without_expected_reward_rehearses_all_else():
    kind = with_function("expected_reward", staticmethod(Scenario.expected_reward))
    with pytest.raises(ScenarioFault, match=r"`user\.interest\[5\]`: index 5"):
        play(kind, fault=WRITE_BEYOND)
    env = RecommendationVectorEnv(kind, compiled=False)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"Mistaken has no expected_reward\(\); define it"):
        env.expected_reward()
