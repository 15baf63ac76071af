"""The oracle that keeps categories apart."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.transition import Observation
from recsim_env.agents.references.oracle import Oracle
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv


class DiverseOracle(Oracle):
    """Shows what has the highest immediate expected reward among what was not shown just now.

    Idea: variety as a rule of thumb, where people tire of what repeats; no model of how they do.
    Update: with c_i how many of the last `window` shown items, and of those before it on the slate,
      have item i's category: places are filled with argmax appeal_i discount ** c_i.
    Cost: one call of the compiled `expected_reward` a batch.
    Source: the marginal relevance of Carbonell and Goldstein 1998, "The use of MMR,
      diversity-based reranking", with a shared category for similarity.
    Differs: a factor instead of a difference, so that one discount serves rewards of any unit.

    Settings:
      discount: what an item keeps for each repetition of its category, more than 0 and up to 1
        (0.7).
      window: shown items that are remembered (5).
      ablate, n_marginal_samples: see `Oracle`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**Oracle.defaults, "discount": 0.7, "window": 5}
    draws_slates: ClassVar[str | None] = "slates"

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        if not 0 < self.settings["discount"] <= 1:
            raise ValueError(
                f"discount={self.settings['discount']!r} is not allowed; use more than 0, up to 1"
            )
        if self.settings["window"] < 1:
            raise ValueError(f"window={self.settings['window']!r} is not allowed; use 1 or more")

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no categories."""
        if scenario.category is None:
            return f"{type(scenario).__name__} does not say which category an item is of"
        return super().unsuitable(scenario)

    def begin_state(self, n: int) -> np.ndarray:
        """Returns the categories shown so far, (n, window): none, which is -1."""
        return np.full((n, self.settings["window"]), -1)

    def next_state(
        self, state: np.ndarray, observation: Observation, episode_start: np.ndarray
    ) -> np.ndarray:
        """Forgets what was shown before an episode began."""
        return np.where(episode_start[:, None], -1, state)

    def remember(
        self, state: np.ndarray, observation: Observation, slates: np.ndarray
    ) -> np.ndarray:
        """Adds the categories of what is shown."""
        shown = np.take_along_axis(self._categories(), slates, axis=1)
        return np.hstack([state, shown])[:, -self.settings["window"] :]

    def recommend(
        self, observation: Observation, state: np.ndarray, *, deterministic: bool
    ) -> np.ndarray:
        """Fills the places one by one."""
        value = self.scores(observation, state, deterministic=deterministic)
        category = self._categories()
        repeats = (state[:, :, None] == category[:, None, :]).sum(axis=1)
        rows, order = np.arange(len(value)), self.rng.random(value.shape)
        slates = np.empty((len(value), self.slate_size), np.int64)
        for place in range(self.slate_size):
            ranked = np.lexsort((order, -value * self.settings["discount"] ** repeats))
            slates[:, place] = best = ranked[:, 0]
            repeats += category == category[rows, best][:, None]
            value[rows, best] = -np.inf
        return slates

    def _categories(self) -> np.ndarray:
        """Returns the category of each candidate, (num_envs, n_candidates)."""
        return np.asarray(self.env.items[self.env.scenario.category], np.int64)
