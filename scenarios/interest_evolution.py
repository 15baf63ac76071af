"""Interests that move towards what is watched, and time that runs out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.choice import RESPONSE_FIELDS, choose, model_code
from recsim_env.scenario import Scenario
from recsim_env.streams import integer, normal, uniform, uniform_between


@dataclass(frozen=True, kw_only=True)
class InterestEvolution(Scenario):
    """TODO"""

    slate_size: int = 3
    n_topics: int = 20
    time_budget: float = 200.0
    step_penalty: float = 0.5
    video_length: float = 4.0
    refill: float = 0.9
    quality_sd: float = 0.1
    drift: float = 0.3
    choice: str = "proportional"
    no_click_score: float = 1.0
    min_normalizer: float = -1.0
    examination: float = 0.8
    interest_scale: float = 1.0

    def user_layout(self) -> Mapping[str, Any]:
        return {"interest": (float, self.n_topics), "budget": float}

    def item_layout(self) -> Mapping[str, Any]:
        return {"topic": int, "quality": float}

    def response_layout(self) -> Mapping[str, Any]:
        return RESPONSE_FIELDS | {"watch_time": float, "quality": float, "topic": int}

    def observation_fields(self) -> Mapping[str, spaces.Box]:
        n, k, t = self.n_candidates, self.slate_size, self.n_topics
        return {
            "user": spaces.Box(-1.0, 1.0, (t,), np.float32),
            "candidates": spaces.Box(0.0, 1.0, (n, t), np.float32),
            "response": spaces.Box(-np.inf, np.inf, (k, 4), np.float32),
        }

    def derived(self) -> Mapping[str, Any]:
        n_bad = round(0.7 * self.n_topics)
        means = np.concatenate([np.linspace(-3, 0, n_bad), np.linspace(0, 3, self.n_topics - n_bad)])
        return {"choice": model_code(self.choice), "topic_quality": means}

    @staticmethod
    def sample_item(config, item, rng):
        item.topic = integer(rng, config.n_topics)
        item.quality = config.topic_quality[item.topic] + config.quality_sd * normal(rng)

    @staticmethod
    def sample_user(config, user, rng):
        for topic in range(config.n_topics):
            user.interest[topic] = uniform_between(rng, -1.0, 1.0)

    @staticmethod
    def begin_episode(config, user, rng):
        user.budget = config.time_budget

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        for place in range(len(slate)):
            if slate[place] >= 0:
                item = items[slate[place]]
                response[place].score = config.interest_scale * user.interest[item.topic]
                response[place].quality = item.quality
                response[place].topic = item.topic
        first = choose(config, slate, response, rng)
        if first < 0:
            user.budget -= config.step_penalty
        reward = 0.0
        for place in range(len(slate)):
            if response[place].clicked:
                watch_time = min(user.budget, config.video_length)
                response[place].watch_time = watch_time
                reward += watch_time
                user.budget -= watch_time * (1.0 - config.refill / 3.4 * response[place].quality)
                x = user.interest[response[place].topic]
                change = config.drift * (1.0 - abs(x)) * (1.0 - x)
                sign = 1.0 if uniform(rng) < (x + 1.0) / 2.0 else -1.0
                user.interest[response[place].topic] = min(1.0, max(-1.0, x + sign * change))
        return reward, user.budget <= 0.0

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        for topic in range(config.n_topics):
            observation.user[topic] = user.interest[topic]
        for index in range(len(candidates)):
            observation.candidates[index, items[candidates[index]].topic] = 1.0
        for place in range(len(response)):
            observation.response[place, 0] = response[place].clicked
            observation.response[place, 1] = response[place].watch_time
            observation.response[place, 2] = response[place].quality
            observation.response[place, 3] = response[place].topic

    @staticmethod
    def appeal(config, user, item):
        return user.interest[item.topic]
