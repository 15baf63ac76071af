"""What recommenders share that serve what everybody likes, and how each person differs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.fitted import FittedAgent, rows_of
from recsim_env.agents.core.restoring import fits, require_range, taken, whole
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.recommenders.recommender import (
    RECENT,
    Model,
    Query,
    Recommender,
    Session,
    nothing_recent,
)
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv

# How many people stand for all where an average is taken, and numbers in a block of their scores.
_SAMPLE, _BLOCK_NUMBERS = 500, 4_000_000

# How many rows of a table are asked about at once.
_BLOCK_ROWS = 50_000


# The arrays that serving needs, beside the model; see `Recommender.layout`.
_SERVED = {
    "served_outcome": "f I",
    "served_met": "i U",
    "served_average": "f I",
    "served_moments": "f 2",
    "served_weight": "f",
}


class PersonalRecommender(Recommender):
    """Serves what an item earns from anybody, plus how this person differs, as far as that helps.

    Idea: models of who likes what are good at differences between people and slow to learn which
      items are good for all; simple means are the opposite.
    Update: an item's outcome is its reward per showing that was looked at, smoothed by
      prior_showings of the mean. The taste of u for i is the model's affinity less that of the
      average person, times m / (m + prior_showings), m being how often u was shown anything; of a
      model that knows items by features, less the affinity that i had on average when it was shown.
      Served is outcome_i + w taste_ui. The weight w is the one that would have predicted best, by
      least squares, the rewards that came after each earlier fit (at the first: after a fit to four
      fifths of the log); older evidence fades by half. Items without ids have no outcomes of their
      own, and the affinity alone is served.
    Cost: that of the model, twice at the first fit.
    Source: stacking (Wolpert 1992, "Stacked generalization"), with the order of time.

    Settings:
      prior_showings: how many showings the mean outcome and the average taste are worth (5).
      refit_every, exploration: see `FittedAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**FittedAgent.defaults, "prior_showings": 5.0}

    #: Whether people are known by their ids alone, so that a stranger is like the average.
    knows_by_id: ClassVar[bool] = True

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("prior_showings", self.settings["prior_showings"] > 0, "more than 0")

    def fit(self) -> dict[str, np.ndarray]:
        """Returns the model of the log, what items earn, and how far taste is to be believed."""
        table, users = self.log.table(), self.log.users()
        if not table.n_items:
            return super().fit()
        n_rows = len(table)
        earlier: Mapping[str, np.ndarray] = self.model or self._fit_rows(
            table.select(slice(n_rows * 4 // 5)), users, None
        )
        model = self._fit_rows(table, users, self.model or None)
        if earlier:
            since = np.arange(int(earlier["served_rows"]), n_rows)
            model["served_moments"] = self._moments(earlier, table, users, since)
            taste_reward, taste_square = model["served_moments"]
            smallest = np.finfo(float).tiny
            model["served_weight"] = np.maximum(taste_reward, 0.0) / max(taste_square, smallest)
        return model

    def check_model(self, model: Mapping[str, np.ndarray]) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        super().check_model(model)
        if self.log.n_items:
            fits(model, _SERVED, {"U": len(taken(model, "served_met"))} | self.model_sizes(model))
            require_range("served_met", model["served_met"], low=0)
            whole(model, "served_rows", high=len(self.log))

    def _fit_rows(
        self, table: Interactions, users: np.ndarray, previous: Model | None
    ) -> dict[str, np.ndarray]:
        """Returns the model of a table and what serving needs; empty where nothing was liked."""
        if not (table.liking > 0).any():
            return {}
        model = self.fit_table(table, self.settings, seed=self.seed, previous=previous)
        average = self._average_of_people if self.knows_by_id else self._average_of_showings
        earned = np.bincount(table.item, table.reward, table.n_items)
        looked_at = np.bincount(table.item, table.examination_probability, table.n_items)
        prior, mean = self.settings["prior_showings"], earned.sum() / looked_at.sum()
        return {
            **model,
            "user_ids": users,
            "served_outcome": (earned + prior * mean) / (looked_at + prior),
            "served_met": np.bincount(table.user, minlength=table.n_users),
            "served_average": average(model, table),
            "served_rows": np.array(len(table)),
            "served_moments": np.zeros(2),
            "served_weight": np.array(1.0),
        }

    def _moments(
        self, earlier: Model, table: Interactions, users: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        """Returns sums of taste times surplus reward, and of taste squared, in the given rows."""
        user = table.user[rows]
        if len(users):
            known = earlier["user_ids"]
            row, is_known = rows_of(users[user], known)
            user = np.where(is_known, row, -1)
        else:
            user = np.full(len(rows), -1)
        query = Query(
            user=user,
            item=table.item[rows, None],
            features=table.features[rows, None],
            context=table.context[rows],
            recent=table.recent(rows, RECENT),
        )
        taste = self._taste(earlier, query)[:, 0]
        surplus = table.reward[rows] - earlier["served_outcome"][table.item[rows]]
        looked_at = (
            taste * table.examination_probability[rows]
        )  # what nobody looked at proves nothing
        moments = [looked_at @ surplus, looked_at @ taste]
        return np.asarray(0.5 * earlier["served_moments"] + moments)

    def fitted_scores(self, observation: Observation, state: Session) -> np.ndarray:
        """Returns the outcome of each item for anybody, plus what taste adds."""
        if "served_outcome" not in self.model:
            return super().fitted_scores(observation, state)
        query = self.query(observation, state)
        taste = self.model["served_weight"] * self._taste(self.model, query)
        return np.asarray(self.model["served_outcome"][query.item] + taste)

    def _taste(self, model: Model, query: Query) -> np.ndarray:
        """Returns how people differ from the average person, or showing, in each item."""
        taste = self.affinity(model, query) - self.average_affinity(model, query)
        if not self.knows_by_id:
            return taste
        met = np.where(query.user >= 0, np.append(model["served_met"], 0)[query.user], 0)
        met = met + np.count_nonzero(query.recent >= 0, axis=1)
        return np.asarray(taste * (met / (met + self.settings["prior_showings"]))[:, None])

    @classmethod
    def average_affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns the mean affinity of many people, or showings, to the items of a query."""
        average = model["served_average"]
        return np.asarray(average if query.item is None else average[query.item])

    def _average_of_showings(self, model: Model, table: Interactions) -> np.ndarray:
        """Returns the mean affinity of each item as it was shown, smoothed like its outcome.

        What features tell of an item is then all in its affinity, and its outcome adds only what
        they do not: new items, of which nothing else is known, count by their features in full.
        """
        affinity, prior = np.empty(len(table)), self.settings["prior_showings"]
        for rows in np.array_split(np.arange(len(table)), 1 + len(table) // _BLOCK_ROWS):
            query = Query(
                user=table.user[rows],
                item=table.item[rows, None],
                features=table.features[rows, None],
                context=table.context[rows],
                recent=nothing_recent(len(rows)),
            )
            affinity[rows] = self.affinity(model, query)[:, 0]
        weight = table.examination_probability
        total = np.bincount(table.item, affinity * weight, table.n_items)
        count = np.bincount(table.item, weight, table.n_items)
        mean = total.sum() / count.sum()
        return np.asarray((total + prior * mean) / (count + prior))

    @classmethod
    def _average_of_people(cls, model: Model, table: Interactions) -> np.ndarray:
        """Returns the mean affinity of up to 500 people, in evenly spread rows, to every item."""
        rows = np.linspace(0, len(table) - 1, min(_SAMPLE, len(table))).astype(np.int64)
        size = max(1, _BLOCK_NUMBERS // table.n_items)
        total = np.zeros(table.n_items)
        for block in np.split(rows, np.arange(size, len(rows), size)):
            query = Query.whole_catalogue(table.user[block], table.context[block])
            query = replace(query, recent=table.recent(block, RECENT))
            total += cls.affinity(model, query).sum(axis=0)
        return total / len(rows)
