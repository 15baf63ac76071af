"""Agents behind Stable-Baselines3 learn what to show, what it leads to, and what to recall."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.core.fields import Layout, shown
from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import integer
from recsim_env.envs import RecommendationVectorEnv
from tests.agents.sb3.test_agent import KINDS

pytestmark = pytest.mark.learns


@dataclass(frozen=True, kw_only=True)
class Appetite(Scenario):
    """Sweets please now and spoil the appetite; bread hardly pleases, and restores it.

    A sweet (feature 1) earns the appetite, which then is 0.1; bread (feature 0) earns 0.1, and the
    appetite then is 1. Sweets in turn with bread earn 0.55 a step. Sweets alone earn 0.1 but for
    the first, and bread alone 0.1: without an eye for what follows, nothing speaks for bread.
    With `only_colour` the item of the person's colour earns 1, any other 0.
    """

    n_candidates: int = 4
    horizon: int = 10
    only_colour: bool = False

    def user_layout(self) -> Layout:
        return {"appetite": float, "colour": int}

    def item_layout(self) -> Layout:
        return {"colour": shown(int, 0, 1, one_hot=True)}

    def response_layout(self) -> Layout:
        return {"clicked": shown(bool)}

    def observation_layout(self) -> Mapping[str, Any]:
        return {"user": {"state": shown(float, 0, 1, 2)}}

    @staticmethod
    def sample_item(config, item, rng):
        item.colour = integer(rng, 2)

    @staticmethod
    def begin_episode(config, user, items, rng):
        user.appetite = 1.0
        user.colour = integer(rng, 2)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        colour = items[slate[0]].colour
        response[0].clicked = True
        if config.only_colour:
            return 1.0 if colour == user.colour else 0.0, False
        reward = user.appetite if colour == 1 else 0.1
        user.appetite = 0.1 if colour == 1 else 1.0
        return reward, False

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        state = observation.user.state
        state[0] = user.colour if config.only_colour else user.appetite
        state[1] = 1.0 - state[0]


def served(agent, env, seed: int = 1_000) -> float:
    """Returns the reward per step that the agent earns among new people."""
    agent.set_env(env)
    observation, _ = env.reset(seed=seed)
    state, total = None, 0.0
    for _ in range(10):
        slates, state = agent.predict(observation, state, deterministic=True)
        observation, rewards, _, _, _ = env.step(slates)
        total += rewards.mean()
    return total / 10


@pytest.mark.parametrize("kind", KINDS)
def test_finds_the_item_of_the_persons_colour(kind):
    env = RecommendationVectorEnv(Appetite, num_envs=16, only_colour=True)
    agent = make_agent(kind, env, seed=0).learn(6_000)
    # with 4 fair candidates, 1 - 1 / 16 of the slates can show the right colour
    best = 1 - 0.5**4
    new = RecommendationVectorEnv(Appetite, num_envs=400, only_colour=True)
    assert served(agent, new) > 0.97 * best
    assert served(make_agent("uniform", new), new) < 0.6


# What takes long: QR-DQN is DQN but for its loss, which tests/agents/sb3/test_slate_dqn.py has.
LONG = ("sac", "qrdqn")


@pytest.mark.parametrize(
    "kind",
    [pytest.param(each, marks=pytest.mark.slow if each in LONG else ()) for each in KINDS],
)
def test_sees_beyond_the_next_reward(kind):
    """Sweets in turn with bread earn 0.55 a step, sweets alone (0.1 + 0.9 / 10) 0.19."""
    env = RecommendationVectorEnv(Appetite, num_envs=16, n_candidates=8)
    agent = make_agent(kind, env, seed=0, gamma=0.9).learn(10_000)
    new = RecommendationVectorEnv(Appetite, num_envs=400, n_candidates=8)
    assert served(agent, new) > 0.95 * 0.55


@dataclass(frozen=True, kw_only=True)
class Hint(Scenario):
    """A person's colour is seen at first, and never again; only items of this colour earn 1.

    The colours of the first candidates are not seen: else what was shown would tell the hint.
    """

    n_candidates: int = 4
    slate_size: int = 1
    horizon: int = 5

    def user_layout(self) -> Layout:
        return {"colour": int, "is_new": bool}

    def item_layout(self) -> Layout:
        return {"colour": int}

    def response_layout(self) -> Layout:
        return {"clicked": shown(bool)}

    def observation_layout(self) -> Mapping[str, Any]:
        colour = {"colour": shown(float, 0, 1, 2)}
        return {"user": colour, "candidates": colour}

    @staticmethod
    def sample_item(config, item, rng):
        item.colour = integer(rng, 2)

    @staticmethod
    def begin_episode(config, user, items, rng):
        user.colour = integer(rng, 2)
        user.is_new = True

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        user.is_new = False
        return 1.0 if items[slate[0]].colour == user.colour else 0.0, False

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        if user.is_new:
            observation.user.colour[user.colour] = 1.0
        else:
            for index in range(len(candidates)):
                colour = items[candidates[index]].colour
                observation.candidates[index].colour[colour] = 1.0


@pytest.mark.slow
def test_what_was_seen_at_first_is_recalled():
    """Of 4 later slates of fair candidates 15 / 16 can be right; without the hint, 1 / 2."""
    env = RecommendationVectorEnv(Hint, num_envs=16)
    best, blind = 1 / 2 + 4 * 15 / 16, 5 / 2
    recalls = make_agent("recurrent_ppo", env, seed=0).learn(16_000)
    assert evaluate(recalls, Hint, n_episodes=1_000, seed=1).return_mean > 0.97 * best
    forgets = make_agent("sb3_ppo", env, seed=0).learn(3_000)
    assert evaluate(forgets, Hint, n_episodes=1_000, seed=1).return_mean < 1.1 * blind
