"""What everybody likes, and how each person differs from everybody, as far as that helps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recsim_env.agents.core.restoring import fits, require_range, taken, whole
from recsim_env.agents.recommenders.query import RECENT, Fit, Model, Query, nothing_recent
from recsim_env.data.interactions import Interactions

# How many people stand for all where an average is taken, and numbers in a block of their scores.
_SAMPLE, _BLOCK_NUMBERS = 500, 4_000_000

# How many rows of a table are asked about at once.
_BLOCK_ROWS = 50_000

# The arrays that serving needs, beside the model; see `Recommender.layout`.
_LAYOUT = {
    "served_outcome": "f I",
    "served_met": "i U",
    "served_average": "f I",
    "served_moments": "f 2",
    "served_weight": "f",
}

FitTable = Callable[[Fit[Any]], dict[str, np.ndarray]]
Affinity = Callable[[Model, Query], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Personalization:
    """Serves what an item earns from anybody, plus how this person differs, as far as that helps.

    Models of who likes what are good at differences between people and slow to learn which items
    are good for all; simple means are the opposite.

    An item's outcome is its reward per showing that was looked at, smoothed by prior_showings of
    the mean. The taste of u for i is the model's affinity less that of the average person, times
    m / (m + prior_showings), m being how often u was shown anything; of a model that knows items by
    features, less the affinity that i had on average when it was shown. Served is
    outcome_i + w taste_ui. The weight w is the one that would have predicted best, by least
    squares, the rewards that came after each earlier fit (at the first: after a fit to four fifths
    of the log); older evidence fades by half. A fit takes as long as that of the model, the first
    twice as long.

    Source: stacking (Wolpert 1992, "Stacked generalization"), with the order of time.

    Args:
      fit_table, affinity: of the recommender.
      prior_showings: how many showings the mean outcome and the average taste are worth.
      compared_with: the average of "people" or of "showings"; see `Recommender.compared_with`.
    """

    fit_table: FitTable
    affinity: Affinity
    prior_showings: float
    compared_with: str

    def fit(self, fit: Fit[Any]) -> dict[str, np.ndarray]:
        """Returns the model of a table, what items earn, and how far taste is to be believed."""
        table, n_rows = fit.table, len(fit.table)
        earlier = fit.previous or self._fitted(
            replace(fit, table=table.select(slice(n_rows * 4 // 5)))
        )
        model = self._fitted(fit)
        if earlier:
            since = np.arange(int(earlier["served_rows"]), n_rows)
            user = fit.places_in(earlier)[table.user[since]]
            moments = self._moments(earlier, table, since, user)
            taste_reward, taste_square = moments
            weight = np.maximum(taste_reward, 0.0) / max(taste_square, np.finfo(float).tiny)
            model |= {"served_moments": moments, "served_weight": weight}
        return model

    def _fitted(self, fit: Fit[Any]) -> dict[str, np.ndarray]:
        """Returns the model of a table and what serving needs; empty where nothing was liked."""
        table, prior = fit.table, self.prior_showings
        if not (table.liking > 0).any():
            return {}
        model = self.fit_table(fit)
        if not isinstance(model, Mapping):
            raise TypeError(
                f"{self.fit_table.__qualname__}() returned {model!r:.80}; return a dict of arrays"
            )
        is_people = self.compared_with == "people"
        average = self._average_of_people if is_people else self._average_of_showings
        earned = np.bincount(table.item, table.reward, table.n_items)
        looked_at = np.bincount(table.item, table.examination_probability, table.n_items)
        mean = earned.sum() / looked_at.sum()
        return {
            **model,
            "user_ids": fit.user_ids,
            "served_outcome": (earned + prior * mean) / (looked_at + prior),
            "served_met": np.bincount(table.user, minlength=table.n_users),
            "served_average": average(model, table),
            "served_rows": np.array(len(table)),
            "served_moments": np.zeros(2),
            "served_weight": np.array(1.0),
        }

    def _moments(
        self, earlier: Model, table: Interactions, rows: np.ndarray, user: np.ndarray
    ) -> np.ndarray:
        """Returns sums of taste times surplus reward, and of taste squared, in the given rows."""
        query = Query.of_rows(table, rows, user, table.recent(rows, RECENT))
        taste = self._taste(earlier, query)[:, 0]
        surplus = table.reward[rows] - earlier["served_outcome"][table.item[rows]]
        # What nobody looked at proves nothing.
        looked_at = taste * table.examination_probability[rows]
        moments = [looked_at @ surplus, looked_at @ taste]
        return np.asarray(0.5 * earlier["served_moments"] + moments)

    def scores(self, model: Model, query: Query) -> np.ndarray:
        """Returns the outcome of each item for anybody, plus what taste adds."""
        taste = model["served_weight"] * self._taste(model, query)
        return np.asarray(query.of_items(model["served_outcome"]) + taste)

    def _taste(self, model: Model, query: Query) -> np.ndarray:
        """Returns how people differ from the average person, or showing, in each item."""
        taste = self._affinity(model, query) - query.of_items(model["served_average"])
        if self.compared_with == "showings":
            return taste
        met = query.of_users(model["served_met"], np.array(0))
        met = met + np.count_nonzero(query.recent >= 0, axis=1)
        return np.asarray(taste * (met / (met + self.prior_showings))[:, None])

    def _affinity(self, model: Model, query: Query, n_items: int | None = None) -> np.ndarray:
        """Returns the affinity of a query, of all `n_items` maybe; raises where it is none."""
        affinity = self.affinity(model, query)
        n_asked = n_items if query.item is None else query.item.shape[1]
        shape = np.shape(affinity)
        if len(shape) != 2 or shape[0] != len(query.user) or n_asked not in (None, shape[1]):
            raise ValueError(
                f"{self.affinity.__qualname__}() returned an array of shape {shape}; return "
                f"({len(query.user)}, {n_asked or 'n_items'}), a number for each person and item"
            )
        return affinity

    def _average_of_showings(self, model: Model, table: Interactions) -> np.ndarray:
        """Returns the mean affinity of each item as it was shown, smoothed like its outcome.

        What features tell of an item is then all in its affinity, and its outcome adds only what
        they do not: new items, of which nothing else is known, count by their features in full.
        """
        affinity, prior = np.empty(len(table)), self.prior_showings
        for rows in np.array_split(np.arange(len(table)), 1 + len(table) // _BLOCK_ROWS):
            query = Query.of_rows(table, rows, table.user[rows], nothing_recent(len(rows)))
            affinity[rows] = self._affinity(model, query)[:, 0]
        weight = table.examination_probability
        total = np.bincount(table.item, affinity * weight, table.n_items)
        count = np.bincount(table.item, weight, table.n_items)
        mean = total.sum() / count.sum()
        return np.asarray((total + prior * mean) / (count + prior))

    def _average_of_people(self, model: Model, table: Interactions) -> np.ndarray:
        """Returns the mean affinity of up to 500 people, in evenly spread rows, to every item."""
        rows = np.linspace(0, len(table) - 1, min(_SAMPLE, len(table))).astype(np.int64)
        size = max(1, _BLOCK_NUMBERS // table.n_items)
        total = np.zeros(table.n_items)
        for block in np.split(rows, np.arange(size, len(rows), size)):
            query = Query.whole_catalogue(table.user[block], table.context[block])
            query = replace(query, recent=table.recent(block, RECENT))
            total += self._affinity(model, query, table.n_items).sum(axis=0)
        return total / len(rows)


def check_served(model: Model, sizes: Mapping[str, int], *, n_rows: int) -> None:
    """Raises ValueError unless what serving needs could be of a log of `n_rows` rows."""
    fits(model, _LAYOUT, {"U": len(taken(model, "served_met"))} | dict(sizes))
    require_range("served_met", model["served_met"], low=0)
    whole(model, "served_rows", high=n_rows)
