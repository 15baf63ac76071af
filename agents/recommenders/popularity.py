"""What everybody likes: one score an item, the same for all people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender, RecommenderSettings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class PopularitySettings(RecommenderSettings):
    """Settings of `Popularity`."""

    prior_showings: float = setting(
        10.0, search=Search(1.0, 100.0, log=True), doc="how many showings the prior is worth, m"
    )
    by: str = setting(
        "reward", choices=("reward", "count"), doc="a count rewards what was shown often, too"
    )


class Popularity(Recommender[PopularitySettings]):
    """Shows the items that earned the most per showing, or that were clicked most.

    Idea: what most people like is a fair guess for anybody.
    Update: by reward, with n_i showings of item i that earned R_i, a prior of m showings, and the
      mean reward per showing r0 of the log: score_i = (R_i + m r0) / (n_i + m), so an item never
      shown has the prior mean r0. By count: how often it was liked; an item never shown has the
      mean of those shown.
    Cost: O(rows) a fit, one look-up a candidate, 8 bytes an item.
    Source: folklore; the smoothing is the posterior mean of a Beta (or Gaussian) prior.
    Differs: a showing counts by how likely it was looked at, given what was clicked.
    """

    requires = ("item ids",)
    compared_with = None
    layout: ClassVar[Mapping[str, str]] = {"score": "f I"}
    Settings = PopularitySettings

    @classmethod
    def fit_table(cls, fit: Fit[PopularitySettings]) -> dict[str, np.ndarray]:
        """Returns `score`, (n_items,)."""
        table = fit.table
        n_shown = np.bincount(table.item, table.examination_probability, table.n_items)
        if fit.settings.by == "count":
            n_liked = np.bincount(table.item, table.liking > 0, table.n_items)
            mean = n_liked.sum() / np.count_nonzero(n_shown)
            return {"score": np.where(n_shown > 0, n_liked, mean)}
        earned = np.bincount(table.item, table.reward, table.n_items)
        prior = fit.settings.prior_showings
        mean = earned.sum() / n_shown.sum()
        return {"score": (earned + prior * mean) / (n_shown + prior)}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns the score of each item, the same for everybody."""
        score, n = model["score"], len(query.user)
        return np.tile(score, (n, 1)) if query.item is None else np.asarray(score[query.item])
