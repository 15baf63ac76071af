"""What recommenders share that are fitted to a table: how they learn from a run, and are served."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from recsim_env.agents.feedback import Observation
from recsim_env.agents.log_agent import LogAgent, rows_of
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario

Model = Mapping[str, np.ndarray]

#: How many items that were liked in a visit are remembered.
RECENT = 20

# How many people stand for all where an average is taken, and numbers in a block of their scores.
_SAMPLE, _BLOCK_NUMBERS = 500, 4_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Query:
    """For whom to rank, and what.

    Attributes:
      user: (n,), places in the table that was fitted; -1 for somebody who is not in it.
      item: (n, n_candidates) item ids. None: the whole catalogue, in order, or, where the table had
        no item ids, those of `features`.
      features: (n, n_candidates, F), the items as they look now; None: as they looked in the table.
      context: (n, G), the person and the moment; None: unknown.
      recent: (n, RECENT), items that the person liked in this visit, the latest last; -1 is none.
    """

    user: np.ndarray
    item: np.ndarray | None
    features: np.ndarray | None = None
    context: np.ndarray | None = None
    recent: np.ndarray

    @classmethod
    def whole_catalogue(cls, user: np.ndarray, context: np.ndarray | None = None) -> "Query":
        """Returns the query for all items, of people who have just come."""
        return cls(user=user, item=None, context=context, recent=nothing_recent(len(user)))


def nothing_recent(n: int) -> np.ndarray:
    """Returns `recent` of people who have just come, (n, RECENT)."""
    return np.full((n, RECENT), -1)


class Visit(NamedTuple):
    """What this visit has shown so far.

    Attributes:
      recent: (n, RECENT), items that were clicked, the latest last; -1 is none.
      shown: (n, slate_size), items shown last; -1 is none.
    """

    recent: np.ndarray
    shown: np.ndarray


class Recommender(LogAgent):
    """A recommender that is a model of a table of interactions: of a run's, or of a real log.

    A subclass gives `fit_table` and `affinity`, which know nothing of environments; that serves the
    candidates of highest affinity in a simulation, and is judged on a real log by `recsim-env
    rank`. See `LogAgent` for how a run's table comes about.
    """

    #: Whether fitting needs to know who people are; False is enough with what a visit shows.
    needs_users: ClassVar[bool] = True

    #: Whether items are known by their ids; False is enough with their features.
    needs_items: ClassVar[bool] = True

    #: Whether items are known by their features.
    needs_features: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def fit_table(
        cls,
        table: Interactions,
        settings: Mapping[str, Any],
        *,
        seed: int,
        previous: Model | None = None,
    ) -> dict[str, np.ndarray]:
        """Returns a model of the table, as named arrays; something in it was liked.

        Args:
          table: what happened so far.
          settings: `defaults` with what the user changed.
          seed: of all that is random in the fit.
          previous: the model of an earlier, shorter table, whose people may stand in other places;
            a long fit may start from it.

        Raises:
          ValueError: more people or items than this model can hold, and the remedy.
        """

    @classmethod
    @abstractmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns how well each item suits each person, (n, n_candidates), higher is better.

        All numbers are finite, for unknown people and items too.
        """

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items or people lack what they are known by."""
        world = f"{type(scenario).__name__} with these settings"
        if cls.needs_features and "candidates" not in scenario.space_fields():
            return f"{cls.__name__} needs item features, and {world} shows none"
        sizes = {"user": scenario.n_users, "item": scenario.n_items}
        needed = {"user": cls.needs_users, "item": cls.needs_items}
        lacking = [f"n_{kind}s" for kind in ("item", "user") if needed[kind] and not sizes[kind]]
        if lacking:
            kinds = " and ".join(kind for kind in needed if needed[kind])
            return (
                f"{cls.__name__} needs {kinds} ids, and {world} lacks them; "
                f"set {' and '.join(lacking)}"
            )
        return None

    def fit(self) -> dict[str, np.ndarray]:
        """Returns the model of the log, and who is in it."""
        table, previous = self.log.table(), self.model or None
        model = self.fit_table(table, self.settings, seed=self.seed, previous=previous)
        return {**model, "user_ids": self.log.users()}

    def fitted_scores(self, observation: Observation, state: Visit) -> np.ndarray:
        """Returns the affinities of the candidates."""
        return self.affinity(self.model, self.query(observation, state))

    # The visit -----------------------------------------------------------------------------------

    def begin_state(self, n: int) -> Visit:
        """Returns `n` visits in which nothing was shown yet."""
        return Visit(nothing_recent(n), np.full((n, self.slate_size), -1))

    def next_state(
        self, state: Visit, observation: Observation, episode_start: np.ndarray
    ) -> Visit:
        """Adds what was clicked since; a new episode starts from nothing."""
        if "response" not in observation or "item_id" not in observation:
            return state
        is_clicked = observation["response"][:, :, 0] > 0
        recent = np.hstack([state.recent, np.where(is_clicked, state.shown, -1)])
        order = np.argsort(recent >= 0, axis=1, kind="stable")  # none first
        recent = np.take_along_axis(recent, order, axis=1)[:, -RECENT:]
        return state._replace(recent=np.where(episode_start[:, None], -1, recent))

    def remember(self, state: Visit, observation: Observation, slates: np.ndarray) -> Visit:
        """Keeps which items are shown now."""
        if "item_id" not in observation:
            return state
        return state._replace(shown=np.take_along_axis(observation["item_id"], slates, axis=1))

    def query(self, observation: Observation, state: Visit) -> Query:
        """Returns who asks, and for which candidates."""
        n, known = len(state.recent), self.model["user_ids"]
        user = np.full(n, -1)
        if len(known) and "user_id" in observation:
            row, is_known = rows_of(observation["user_id"], known)
            user = np.where(is_known, row, -1)
        fields = [name for name in self.log.fields if name != "candidates"]
        context = [observation[name].reshape(n, -1) for name in fields]
        return Query(
            user=user,
            item=observation.get("item_id"),
            features=observation["candidates"] if "candidates" in self.log.fields else None,
            context=np.hstack(context) if context else None,
            recent=state.recent,
        )


class PersonalRecommender(Recommender):
    """Serves what an item earns from anybody, plus how this person differs, as far as that helps.

    Idea: models of who likes what are good at differences between people and slow to learn which
      items are good for all; simple means are the opposite.
    Update: an item's outcome is its reward per showing that was looked at, smoothed by
      prior_showings of the mean. The taste of u for i is the model's affinity less that of the
      average person, times m / (m + prior_showings), m being how often u was shown anything.
      Served is outcome_i + w taste_ui. The weight w is the one that would have predicted best, by
      least squares, the rewards that came after each earlier fit (at the first: after a fit to four
      fifths of the log); older evidence fades by half. Items without ids have no outcomes of their
      own, and the affinity alone is served.
    Cost: that of the model, twice at the first fit.
    Source: stacking (Wolpert 1992, "Stacked generalization"), with the order of time.

    Settings:
      prior_showings: how many showings the mean outcome and the average taste are worth (5).
      refit_every, exploration: see `LogAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**LogAgent.defaults, "prior_showings": 5.0}

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

    def _fit_rows(
        self, table: Interactions, users: np.ndarray, previous: Model | None
    ) -> dict[str, np.ndarray]:
        """Returns the model of a table and what serving needs; empty where nothing was liked."""
        if not (table.liking > 0).any():
            return {}
        model = self.fit_table(table, self.settings, seed=self.seed, previous=previous)
        earned = np.bincount(table.item, table.reward, table.n_items)
        looked_at = np.bincount(table.item, table.attention, table.n_items)
        prior, mean = self.settings["prior_showings"], earned.sum() / looked_at.sum()
        return {
            **model,
            "user_ids": users,
            "served_outcome": (earned + prior * mean) / (looked_at + prior),
            "served_met": np.bincount(table.user, minlength=table.n_users),
            "served_average": self._average(model, table),
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
        looked_at = taste * table.attention[rows]  # what nobody looked at proves nothing
        moments = [looked_at @ surplus, looked_at @ taste]
        return np.asarray(0.5 * earlier["served_moments"] + moments)

    def fitted_scores(self, observation: Observation, state: Visit) -> np.ndarray:
        """Returns the outcome of each item for anybody, plus what taste adds."""
        if "served_outcome" not in self.model:
            return super().fitted_scores(observation, state)
        query = self.query(observation, state)
        taste = self.model["served_weight"] * self._taste(self.model, query)
        return np.asarray(self.model["served_outcome"][query.item] + taste)

    def _taste(self, model: Model, query: Query) -> np.ndarray:
        """Returns how people differ from the average person in each item."""
        taste = self.affinity(model, query) - self.average_affinity(model, query)
        if not self.knows_by_id:
            return taste
        met = np.where(query.user >= 0, np.append(model["served_met"], 0)[query.user], 0)
        met = met + np.count_nonzero(query.recent >= 0, axis=1)
        return np.asarray(taste * (met / (met + self.settings["prior_showings"]))[:, None])

    @classmethod
    def average_affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns the mean affinity of many people to the items of a query."""
        average = model["served_average"]
        return np.asarray(average if query.item is None else average[query.item])

    @classmethod
    def _average(cls, model: Model, table: Interactions) -> np.ndarray:
        """Returns the mean affinity of up to 500 people, in evenly spread rows, to every item."""
        rows = np.linspace(0, len(table) - 1, min(_SAMPLE, len(table))).astype(np.int64)
        size = max(1, _BLOCK_NUMBERS // table.n_items)
        total = np.zeros(table.n_items)
        for block in np.split(rows, np.arange(size, len(rows), size)):
            query = Query.whole_catalogue(table.user[block], table.context[block])
            query = replace(query, recent=table.recent(block, RECENT))
            total += cls.affinity(model, query).sum(axis=0)
        return total / len(rows)
