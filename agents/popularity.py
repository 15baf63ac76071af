"""What everybody likes: one score an item, the same for all people."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.agent import Observation
from recsim_env.agents.log_agent import LogAgent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario


class Popularity(LogAgent):
    """Shows the items that earned the most per showing, or that were clicked most.

    Idea: what most people like is a fair guess for anybody.
    Update: by reward, with n_i showings of item i that earned R_i, a prior of m showings, and the
      mean reward per showing r0 of the log: score_i = (R_i + m r0) / (n_i + m), so an item never
      shown has the prior mean r0. By count: the number of clicks; an item never shown has the mean
      of those shown.
    Cost: O(rows) a fit, one look-up a candidate, 8 bytes an item.
    Source: folklore; the smoothing is the posterior mean of a Beta (or Gaussian) prior.
    Differs: a showing counts the same at every place of a slate.

    Settings:
      by: "reward" (default) or "count", which rewards what was shown often too.
      prior_showings: m, how many showings the prior is worth (10).
      refit_every, exploration: see `LogAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **LogAgent.defaults,
        "by": "reward",
        "prior_showings": 10.0,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("by", self.settings["by"] in ("reward", "count"), "'reward' or 'count'")
        self.require("prior_showings", self.settings["prior_showings"] > 0, "more than 0")

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no ids."""
        if not scenario.n_items:
            return (
                f"popularity needs item ids, and {type(scenario).__name__} shows fresh items at "
                "every step; set n_items to give it a catalogue"
            )
        return None

    def fit(self) -> dict[str, np.ndarray]:
        """Returns `score`, (n_items,)."""
        n_items = self.env.scenario.n_items
        item_id = self.log["item_id"]
        n_shown = np.bincount(item_id, minlength=n_items)
        if self.settings["by"] == "count":
            n_clicks = np.bincount(item_id, self.log["clicked"], n_items)
            mean = n_clicks.sum() / np.count_nonzero(n_shown)
            return {"score": np.where(n_shown > 0, n_clicks, mean)}
        earned = np.bincount(item_id, self.log["reward"], n_items)
        prior = self.settings["prior_showings"]
        mean = earned.sum() / n_shown.sum()
        return {"score": (earned + prior * mean) / (n_shown + prior)}

    def fitted_scores(self, observation: Observation, state: Any) -> np.ndarray:
        """Returns the score of each candidate's item."""
        return np.asarray(self.model["score"][observation["item_id"]])
