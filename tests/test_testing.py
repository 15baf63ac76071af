"""The checkers find what is broken, and say it in the words of the scenario or agent."""

import itertools
import traceback
from dataclasses import dataclass, replace

import numpy as np
import pytest

from recsim_env.agents.references.uniform import Uniform
from recsim_env.engine.faults import ScenarioFault
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.testing import CheckFailed, check_agent, check_scenario

counter = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Small(InterestEvolution):
    n_topics: int = 3
    n_candidates: int = 4
    slate_size: int = 2
    time_budget: float = 20.0


class Mistaken(Small):
    @staticmethod
    def begin_episode(config, user, items, rng):
        user.budget = config.time_budgett


class OutOfSpace(Small):
    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        observation.user[0] = 7.0


class NotFinite(Small):
    @staticmethod
    def respond(config, user, items, slate, response, rng):
        return np.inf, False


class ClicksEmptyPlaces(Small):
    @staticmethod
    def respond(config, user, items, slate, response, rng):
        for place in range(len(slate)):
            response[place].clicked = True
        return 1.0, False


class DrawsElsewhere(Small):
    @staticmethod
    def begin_episode(config, user, items, rng):
        user.budget = 20.0 + next(counter)


class NotCompilable(Small):
    @staticmethod
    def begin_episode(config, user, items, rng):
        user.budget = config.time_budget + float(config.drift > 0)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (OutOfSpace, "observation 'user' = .* is outside"),
        (NotFinite, "rewards .*inf"),
        (ClicksEmptyPlaces, "place 1 was empty .* and yet clicked"),
        (DrawsElsewhere, "the same seed gave two trajectories"),
        (NotCompilable, r"it cannot be compiled .*float\(bool\)"),
    ],
)
def test_a_broken_scenario_is_found(scenario, message):
    with pytest.raises(CheckFailed, match=message):
        check_scenario(scenario)


def test_a_mistake_shows_the_scenarios_own_line():
    with pytest.raises(ScenarioFault, match="there is no field 'time_budgett'") as caught:
        check_scenario(Mistaken)
    last = traceback.extract_tb(caught.value.__cause__.__traceback__)
    assert any(frame.name == "begin_episode" and "budgett" in str(frame.line) for frame in last)


class ReturnsNoPair(Small):
    @staticmethod
    def respond(config, user, items, slate, response, rng):
        return 1.0


class TakesNoSlate(Small):
    @staticmethod
    def respond(config, user, items, rng):
        return 1.0, False


class WithoutLayout(Small):
    def user_layout(self):
        return ["interest"]


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (ReturnsNoPair, r"respond\(\) must return \(reward, terminated\)"),
        (TakesNoSlate, r"cannot be called .*; define respond\(config, user, items, slate,"),
        (WithoutLayout, r"WithoutLayout\.user_layout\(\) returned \['interest'\]; return a dict"),
    ],
)
def test_what_is_no_scenario_is_said_in_a_sentence(scenario, message):
    with pytest.raises(TypeError, match=message):
        check_scenario(scenario)


class RepeatsItems(Uniform):
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        slates, state = super().predict(observation, state, episode_start, deterministic)
        return np.zeros_like(slates), state


class Restless(Uniform):
    def __init__(self, env, *, seed=0):
        super().__init__(env, seed=seed)
        self.rng = np.random.default_rng(next(counter))


class Forgetful(Uniform):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.num_timesteps = 0


class Absent(Uniform):
    """Goes on elsewhere than where it was saved."""

    def load_state_dict(self, state):
        super().load_state_dict({name: part for name, part in state.items() if name != "learning"})


class OutOfRange(Uniform):
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        slates, state = super().predict(observation, state, episode_start, deterministic)
        return slates + 4, state


class Unmade(Uniform):
    def __init__(self, env, *, seed=0):
        self.seed = seed


class Silent(Uniform):
    @classmethod
    def unsuitable(cls, scenario):
        return "no"


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        (RepeatsItems, "shows an item twice"),
        (Restless, "the same seed learned two agents"),
        (Forgetful, "forgot how much it learned"),
        (Absent, "learned on differently"),
        (OutOfRange, "slates hold others than the indices of candidates, 0 to 3"),
        (Unmade, r"Unmade\.__init__\(\) leaves out super\(\)"),
        (Silent, "must give a sentence"),
    ],
)
def test_a_broken_agent_is_found(agent, message):
    with pytest.raises(CheckFailed, match=message):
        check_agent(agent, replace(Small(), horizon=10))


class Demanding(Uniform):
    requires = ("item id",)


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        (Demanding, r"Demanding\.requires=\('item id',\) .* did you mean 'item ids'"),
        (3, r"agent=3 is neither a name nor a class of an agent; use a subclass"),
    ],
)
def test_what_is_no_agent_is_said_in_a_sentence(agent, message):
    with pytest.raises(TypeError, match=message):
        check_agent(agent, Small)


class MadeByNobody(Small):
    maker = "publisher"


class OfNoTaste(Small):
    state_groups = {"taste": ("likes",)}  # noqa: RUF012  # as people write it


class MadeByNumber(Small):
    maker = 3  # type: ignore[assignment]  # no name, as is to be found


@pytest.mark.parametrize(
    ("scenario", "named"),
    [
        (MadeByNobody, "maker names 'publisher'"),
        (OfNoTaste, r"state_groups\['taste'\] names 'likes'"),
        (MadeByNumber, "maker names 3"),
    ],
)
def test_a_field_that_is_named_for_measuring_must_exist(scenario, named):
    with pytest.raises(CheckFailed, match=named):
        check_scenario(scenario)
