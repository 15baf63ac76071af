"""People and items as points in one space of tastes, found by comparing pairs of items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recsim_env.agents.recommenders.pairs import Pairs
from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender, RecommenderSettings
from recsim_env.compiler.kernel_cache import compiled
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting

# Spread of the factors before the first step.
_START = 0.1


@dataclass(frozen=True, kw_only=True)
class BPRSettings(RecommenderSettings):
    """Settings of `BPR`."""

    factors: int = setting(
        32, search=Search(8, 64, log=True), low=1, doc="numbers a person and item"
    )
    epochs: int = setting(50, low=1, doc="how often all likes are passed through")
    learning_rate: float = setting(
        0.05, search=Search(0.005, 0.5, log=True), above=0.0, high=LARGE, doc="of the steps"
    )
    regularization: float = setting(
        0.02, search=Search(0.002, 0.2, log=True), low=0.0, high=LARGE, doc="of the steps"
    )
    passed_share: float = setting(
        0.5, low=0.0, high=1.0, doc="of items passed over among those compared with what was liked"
    )


class BPR(Recommender[BPRSettings]):
    """Shows the candidates that are likely to be preferred, after Bayesian personalized ranking.

    Idea: learn the order of items, not their scores: what was liked comes before what was not.
    Update: affinity is a_ui = x_u·y_i + b_i. Ascend sum ln sigma(a_ui - a_uj) -
      regularization (|x_u|^2 + |y_i|^2 + |y_j|^2 + b_i^2 + b_j^2) / 2 one pair after the other: u
      liked i, and j is, with probability `passed_share`, one that u looked at and passed over in
      the same session, if there is one; else any item, and the pair is dropped if u liked it. An
      epoch takes every like once on average, more often the more was liked, in random order. A new
      person's x is the mean x of the people who liked what they liked in this session; a new item
      has the mean outcome. See `Personalization` for what is served.
    Cost: O(likes factors epochs) a fit; O(n_candidates factors) a decision; 4 bytes a factor of
      every person in the log, and 8 of every item.
    Source: Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009, "BPR: Bayesian personalized
      ranking from implicit feedback".
    Differs: what was shown and passed over may stand for what was not liked (`passed_share=0` is
      the original); likes are passed through in epochs, not drawn one by one.
    """

    layout: ClassVar[Mapping[str, str]] = {
        "people": "f U K",
        "items": "f I K",
        "bias": "f I",
        "likers": "f I K",
    }
    Settings = BPRSettings

    @classmethod
    def fit_table(cls, fit: Fit[BPRSettings]) -> dict[str, np.ndarray]:
        """Returns the factors of people and items, and those of the people who like an item."""
        table, settings, rng = fit.table, fit.settings, np.random.default_rng(fit.seed)
        likes = table.likes()
        factors = (
            rng.normal(0.0, _START, (table.n_users, settings.factors)).astype(np.float32),
            rng.normal(0.0, _START, (table.n_items, settings.factors)).astype(np.float32),
            np.zeros(table.n_items, np.float32),
        )
        pairs = Pairs(table, settings.passed_share)
        for _ in range(settings.epochs):
            _ascend(factors, pairs.draw(rng), settings.learning_rate, settings.regularization)
        people, items, bias = factors
        people[np.diff(likes.indptr) == 0] = 0.0  # nothing moved them from where they began
        likes.data = np.ones(likes.nnz, np.float32)
        likers = (likes.T @ people) / np.maximum(likes.sum(axis=0), 1.0)[:, None]
        return {"people": people, "items": items, "bias": bias, "likers": likers}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns x·y + b; a stranger's x is that of people who like the same."""
        is_recent = query.recent >= 0
        alike = (model["likers"][query.recent] * is_recent[:, :, None]).sum(axis=1)
        alike /= np.maximum(is_recent.sum(axis=1), 1)[:, None]
        people = query.of_users(model["people"], alike)
        return query.products(people, model["items"]) + query.of_items(model["bias"])


@compiled
def _ascend(
    factors: tuple[np.ndarray, np.ndarray, np.ndarray],
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray],
    rate: float,
    decay: float,
) -> None:
    """Changes people, items and biases by one step for each pair."""
    people, items, bias = factors
    users, better_ones, worse_ones = pairs
    for index in range(len(users)):
        user, item, other = users[index], better_ones[index], worse_ones[index]
        x, better, worse = people[user], items[item], items[other]
        lead = bias[item] - bias[other]
        for k in range(len(x)):
            lead += x[k] * (better[k] - worse[k])
        slope = 1.0 / (1.0 + np.exp(lead))
        bias[item] += rate * (slope - decay * bias[item])
        bias[other] -= rate * (slope + decay * bias[other])
        for k in range(len(x)):
            taste, up, down = x[k], better[k], worse[k]
            x[k] += rate * (slope * (up - down) - decay * taste)
            better[k] += rate * (slope * taste - decay * up)
            worse[k] -= rate * (slope * taste + decay * down)
