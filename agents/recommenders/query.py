"""What a recommender is asked: to fit a table, and how well items suit people amid sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from recsim_env.agents.core.transition import Observation
from recsim_env.data.interactions import Interactions

#: What was fitted, as named arrays.
Model = Mapping[str, np.ndarray]

#: How many items that were liked in a session are remembered.
RECENT = 20

Settings = TypeVar("Settings")


def _nobody() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit(Generic[Settings]):
    """A table to fit a model to, and how.

    Attributes:
      table: what happened so far; something in it was liked.
      settings: of the recommender.
      seed: of all that is random in the fit.
      user_ids: (n_users,), sorted ids of the people in the table; empty where they have none.
      previous: the model of an earlier, shorter table; a long fit may start from it.
    """

    table: Interactions
    settings: Settings
    seed: int = 0
    user_ids: np.ndarray = field(default_factory=_nobody)
    previous: Model | None = None

    def places_in(self, model: Model) -> np.ndarray:
        """Returns (n_users,), where the people of the table stand in a model, or -1."""
        if not len(self.user_ids):
            return np.full(self.table.n_users, -1)
        return places_of(self.user_ids, model["user_ids"])


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

    @classmethod
    def of_rows(
        cls, table: Interactions, rows: np.ndarray, user: np.ndarray, recent: np.ndarray
    ) -> "Query":
        """Returns the query for the one item that each row of a table shows."""
        return cls(
            user=user,
            item=table.item[rows, None],
            features=table.features[rows, None],
            context=table.context[rows],
            recent=recent,
        )

    def of_users(self, values: np.ndarray, default: np.ndarray) -> np.ndarray:
        """Returns a value for each who asks, (n, ...), `default` for who is not in the table.

        Args:
          values: (n_users, ...), of the people in the table.
          default: (...), or one for each, (n, ...).
        """
        if not len(values):
            return np.broadcast_to(default, (len(self.user), *values.shape[1:]))
        is_known = (self.user >= 0).reshape(-1, *(1,) * (values.ndim - 1))
        return np.where(is_known, values[self.user], default)

    def of_items(self, values: np.ndarray) -> np.ndarray:
        """Returns a value for each item that is asked about, of one for each of the catalogue."""
        return np.asarray(values if self.item is None else values[self.item])

    def products(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns the products of the embeddings of who asks, and of the items asked about.

        Args:
          users: (n, n_factors).
          items: (n_items, n_factors), of the catalogue.

        Returns:
          (n, n_candidates) or (n, n_items).
        """
        if self.item is None:
            return np.asarray(users @ items.T)
        return np.matmul(items[self.item], users[:, :, None])[:, :, 0]


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


class SessionItems:
    """Remembers which items a session showed last, and which were clicked in it."""

    def __init__(self, slate_size: int) -> None:
        self._slate_size = slate_size

    def begin(self, n: int) -> Any:
        """Returns `n` sessions in which nothing was shown yet."""
        return Session(nothing_recent(n), np.full((n, self._slate_size), -1))

    def next(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Adds what was clicked since; a new episode starts from nothing."""
        if "response" not in observation or "item_id" not in observation:
            return state
        is_clicked = observation["response"][:, :, 0] > 0
        recent = np.hstack([state.recent, np.where(is_clicked, state.shown, -1)])
        order = np.argsort(recent >= 0, axis=1, kind="stable")  # none first
        recent = np.take_along_axis(recent, order, axis=1)[:, -RECENT:]
        return state._replace(recent=np.where(episode_start[:, None], -1, recent))

    def showing(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Keeps which items are shown now."""
        if "item_id" not in observation:
            return state
        return state._replace(shown=np.take_along_axis(observation["item_id"], slates, axis=1))


def places_of(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Returns where ids, of any shape, stand in a sorted table of known ids; -1 where unknown."""
    if not len(known):
        return np.full(np.shape(ids), -1)
    place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[place] == ids, place, -1)
