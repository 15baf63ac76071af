"""What everybody likes: one score an item, the same for all people."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.fitted import FittedAgent
from recsim_env.agents.recommenders.recommender import Model, Query, Recommender
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv


class Popularity(Recommender):
    """Shows the items that earned the most per showing, or that were clicked most.

    Idea: what most people like is a fair guess for anybody.
    Update: by reward, with n_i showings of item i that earned R_i, a prior of m showings, and the
      mean reward per showing r0 of the log: score_i = (R_i + m r0) / (n_i + m), so an item never
      shown has the prior mean r0. By count: how often it was liked; an item never shown has the
      mean of those shown.
    Cost: O(rows) a fit, one look-up a candidate, 8 bytes an item.
    Source: folklore; the smoothing is the posterior mean of a Beta (or Gaussian) prior.
    Differs: a showing counts by how likely it was looked at, given what was clicked.

    Settings:
      by: "reward" (default) or "count", which rewards what was shown often too.
      prior_showings: m, how many showings the prior is worth (10).
      refit_every, exploration: see `FittedAgent`.
    """

    needs_users = False
    layout: ClassVar[Mapping[str, str]] = {"score": "f I"}
    defaults: ClassVar[Mapping[str, Any]] = {
        **FittedAgent.defaults,
        "by": "reward",
        "prior_showings": 10.0,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("by", self.settings["by"] in ("reward", "count"), "'reward' or 'count'")
        self.require("prior_showings", self.settings["prior_showings"] > 0, "more than 0")

    @classmethod
    def fit_table(
        cls,
        table: Interactions,
        settings: Mapping[str, Any],
        *,
        seed: int,
        previous: Model | None = None,
    ) -> dict[str, np.ndarray]:
        """Returns `score`, (n_items,)."""
        n_shown = np.bincount(table.item, table.examination_probability, table.n_items)
        if settings["by"] == "count":
            n_liked = np.bincount(table.item, table.liking > 0, table.n_items)
            mean = n_liked.sum() / np.count_nonzero(n_shown)
            return {"score": np.where(n_shown > 0, n_liked, mean)}
        earned = np.bincount(table.item, table.reward, table.n_items)
        prior = settings["prior_showings"]
        mean = earned.sum() / n_shown.sum()
        return {"score": (earned + prior * mean) / (n_shown + prior)}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns the score of each item, the same for everybody."""
        score, n = model["score"], len(query.user)
        return np.tile(score, (n, 1)) if query.item is None else np.asarray(score[query.item])
