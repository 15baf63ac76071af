"""A world with a visible right answer: people of one colour like the items of that colour."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from recsim_env.agents import Agent
from recsim_env.core.fields import Layout, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import integer, uniform
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv

#: The chance of a click on an item of the person's colour, and of the other.
MATCH, MISMATCH = 0.8, 0.1

MakeEnv = Callable[..., RecommendationVectorEnv]


@dataclass(frozen=True, kw_only=True)
class Checkerboard(Scenario):
    """Two colours of people and of items; a click on each shown item is a toss of its own.

    An item's features are 4 for its colour and 3 for the other: all point in nearly one direction.

    Settings: those of `Scenario`, and is_alike (False), whether all people are of colour 1.
    """

    n_candidates: int = 10
    slate_size: int = 2
    horizon: int = 10
    n_users: int = 60
    n_items: int = 80
    is_alike: bool = False

    def user_layout(self) -> Layout:
        return {"colour": shown(int, 0, 1, one_hot=True)}

    def item_layout(self) -> Layout:
        return {"colour": int}

    def response_layout(self) -> Layout:
        return {"clicked": shown(bool)}

    def observation_layout(self) -> Mapping[str, Any]:
        return {"user": {}, "candidates": {"closeness": shown(float, 0, 4, 2)}}

    def derived(self) -> Mapping[str, Any]:
        return {"match": MATCH, "mismatch": MISMATCH}

    @staticmethod
    def sample_item(config, item, rng):
        item.colour = integer(rng, 2)

    @staticmethod
    def sample_user(config, user, rng):
        user.colour = 1 if config.is_alike else integer(rng, 2)

    @staticmethod
    def expected_reward(config, user, item):
        return config.match if user.colour == item.colour else config.mismatch

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        reward = 0.0
        for place in range(len(slate)):
            chance = uniform(rng)
            if slate[place] >= 0:
                is_match = user.colour == items[slate[place]].colour
                response[place].clicked = chance < (config.match if is_match else config.mismatch)
                reward += 1.0 if response[place].clicked else 0.0
        return reward, False

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        for index in range(len(candidates)):
            for colour in range(2):
                is_own = items[candidates[index]].colour == colour
                observation.candidates[index].closeness[colour] = 4.0 if is_own else 3.0


@dataclass(frozen=True, kw_only=True)
class PlainCheckerboard(Checkerboard):
    """The same world where nobody's colour can be seen."""

    def user_layout(self) -> Layout:
        return {"colour": within(int, 0, 1)}

    def observation_layout(self) -> Mapping[str, Any]:
        return {}

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        pass


@pytest.fixture
def checkerboard() -> MakeEnv:
    """Returns a function that makes a batch of people in a `Checkerboard`."""

    def make(num_envs: int = 32, *, is_seen: bool = True, **settings: Any) -> Any:
        kind = Checkerboard if is_seen else PlainCheckerboard
        return RecommendationVectorEnv(kind, num_envs=num_envs, **settings)

    return make


@pytest.fixture
def share_of_matches() -> Callable[[Agent, RecommendationVectorEnv], float]:
    """Returns a function: of what an agent shows new sessions, how much has the person's colour.

    Uniform slates have about half; with ten candidates, nearly all could.
    """

    def measure(agent: Agent, env: RecommendationVectorEnv) -> float:
        agent.set_env(env)
        observation, _ = env.reset(seed=10_000)
        slates, _ = agent.predict(observation, deterministic=True)
        shown = np.take_along_axis(env.expected_reward(), slates, axis=1)
        return float((shown == MATCH).mean())

    return measure


@pytest.fixture
def table_of() -> Callable[..., Interactions]:
    """Returns a function that makes a table of rows (user, item, reward), one slate each."""

    def make(rows: Any, *, n_users: int = 0, n_items: int = 0, **columns: Any) -> Interactions:
        user, item, reward = (np.array(column) for column in zip(*rows, strict=True))
        n = len(rows)
        return Interactions(
            user=user.astype(np.int64),
            item=item.astype(np.int64),
            reward=reward.astype(np.float64),
            n_users=n_users or int(user.max()) + 1,
            n_items=n_items or int(item.max()) + 1,
            **{
                "examination_probability": np.ones(n),
                "session": user.astype(np.int64),
                "slate": np.arange(n),
                "features": np.zeros((n, 0), np.float32),
                "context": np.zeros((n, 0), np.float32),
                **columns,
            },
        )

    return make
