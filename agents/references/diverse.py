"""The oracle that keeps categories apart."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recsim_env.agents.core.transition import Observation
from recsim_env.agents.references.oracle import Oracle, OracleSettings
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class DiverseOracleSettings(OracleSettings):
    """What `DiverseOracle` is given."""

    discount: float = setting(
        0.7, above=0.0, high=1.0, doc="what an item keeps for each repetition of its category"
    )
    window: int = setting(5, low=1, doc="shown items that are remembered")


class DiverseOracle(Oracle):
    """Shows what has the highest immediate expected reward among what was not shown just now.

    Idea: variety as a rule of thumb, where people tire of what repeats; no model of how they do.
    Update: with c_i how many of the last `window` shown items, and of those before it on the slate,
      have item i's category: places are filled with argmax r_i discount ** c_i, r the expected
      reward.
    Cost: one call of the compiled `expected_reward` a batch.
    Source: the marginal relevance of Carbonell and Goldstein 1998, "The use of MMR,
      diversity-based reranking", with a shared category for similarity.
    Differs: a factor instead of a difference, so that one discount serves rewards of any unit.
    """

    Settings = DiverseOracleSettings
    settings: DiverseOracleSettings
    requires: ClassVar[tuple[str, ...]] = ("categories", "expected reward")
    draws_slates: ClassVar[str | None] = "slates"

    def begin_state(self, n: int) -> np.ndarray:
        """Returns the categories shown so far, (n, window): none, which is -1."""
        return np.full((n, self.settings.window), -1)

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
        return np.hstack([state, shown])[:, -self.settings.window :]

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
            ranked = np.lexsort((order, -value * self.settings.discount**repeats))
            slates[:, place] = best = ranked[:, 0]
            repeats += category == category[rows, best][:, None]
            value[rows, best] = -np.inf
        return slates

    def _categories(self) -> np.ndarray:
        """Returns the category of each candidate, (num_envs, n_candidates)."""
        return np.asarray(self.env.items[self.env.scenario.category], np.int64)
