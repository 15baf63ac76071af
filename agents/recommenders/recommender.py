"""What recommenders share that are fitted to a table: how they learn from a run, and are served."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from recsim_env.agents.core.fitted import FittedAgent, rows_of
from recsim_env.agents.core.restoring import fits, require_range, taken
from recsim_env.agents.core.transition import Observation
from recsim_env.core.scenario import Scenario
from recsim_env.data.interactions import Interactions

Model = Mapping[str, np.ndarray]

#: How many items that were liked in a session are remembered.
RECENT = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Query:
    """For whom to rank, and what.

    Attributes:
      user: (n,), places in the table that was fitted; -1 for somebody who is not in it.
      item: (n, n_candidates) item ids. None: the whole catalogue, in order, or, where the table had
        no item ids, those of `features`.
      features: (n, n_candidates, F), the items as they look now; None: as they looked in the table.
      context: (n, G), the person and the moment; None: unknown.
      recent: (n, RECENT), items that the person liked in this session, the latest last; -1 is none.
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


class Session(NamedTuple):
    """What this session has shown so far.

    Attributes:
      recent: (n, RECENT), items that were clicked, the latest last; -1 is none.
      shown: (n, slate_size), items shown last; -1 is none.
    """

    recent: np.ndarray
    shown: np.ndarray


class Recommender(FittedAgent):
    """A recommender that is a model of a table of interactions: of a run's, or of a real log.

    A subclass gives `fit_table` and `affinity`, which know nothing of environments; that serves the
    candidates of highest affinity in a simulation, and is judged on a real log by `recsim-env
    rank`. See `FittedAgent` for how a run's table comes about.
    """

    #: Whether fitting needs to know who people are; False is enough with what a session shows.
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
        if cls.needs_features and "candidates" not in scenario.schema.spaces:
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

    #: The arrays of `fit_table`, as `restoring.fits` takes them: I items, U people, F features of
    #: items and G numbers of the person and moment.
    layout: ClassVar[Mapping[str, str]] = {}

    def check_model(self, model: Mapping[str, np.ndarray]) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        fits(model, {**self.layout, "user_ids": "i P"}, self.model_sizes(model))
        ids, n_users = model["user_ids"], self.env.scenario.n_users
        require_range("user_ids", ids, low=0, high=n_users - 1)
        if (np.diff(ids) <= 0).any():
            raise ValueError("user_ids are not sorted, each once")

    def model_sizes(self, model: Mapping[str, np.ndarray]) -> dict[str, int]:
        """Returns the sizes that its log and its people give a model."""
        known = {"I": self.log.n_items, **self.log.n_columns}
        if self.env.scenario.n_users:
            known["U"] = known["P"] = len(taken(model, "user_ids"))
        return known | ({} if "U" in known else {"P": 0})

    def memory_bound(self) -> int:
        """Returns how many items there are."""
        return self.log.n_items

    def fitted_scores(self, observation: Observation, state: Session) -> np.ndarray:
        """Returns the affinities of the candidates."""
        return self.affinity(self.model, self.query(observation, state))

    def _batched(self, observation: Observation) -> tuple[Observation, bool]:
        """Refuses also observations that leave out ids: all would be strangers, without a word."""
        seen, is_single = super()._batched(observation)
        space: Any = self.env.single_observation_space
        for name in space.spaces:
            if name not in seen:
                raise ValueError(self._lack_of(name))
        return seen, is_single

    # The session
    # -----------------------------------------------------------------------------------

    def begin_state(self, n: int) -> Session:
        """Returns `n` sessions in which nothing was shown yet."""
        return Session(nothing_recent(n), np.full((n, self.slate_size), -1))

    def next_state(
        self, state: Session, observation: Observation, episode_start: np.ndarray
    ) -> Session:
        """Adds what was clicked since; a new episode starts from nothing."""
        if "response" not in observation or "item_id" not in observation:
            return state
        is_clicked = observation["response"][:, :, 0] > 0
        recent = np.hstack([state.recent, np.where(is_clicked, state.shown, -1)])
        order = np.argsort(recent >= 0, axis=1, kind="stable")  # none first
        recent = np.take_along_axis(recent, order, axis=1)[:, -RECENT:]
        return state._replace(recent=np.where(episode_start[:, None], -1, recent))

    def remember(self, state: Session, observation: Observation, slates: np.ndarray) -> Session:
        """Keeps which items are shown now."""
        if "item_id" not in observation:
            return state
        return state._replace(shown=np.take_along_axis(observation["item_id"], slates, axis=1))

    def query(self, observation: Observation, state: Session) -> Query:
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
