"""A table of scores that a model made elsewhere gives, served as it is."""

from typing import Any, Self

import numpy as np
from scipy import sparse

from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.restoring import LARGEST, State, split, taken
from recsim_env.agents.core.settings import ConstantExploration
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.foreign.frozen import Frozen
from recsim_env.agents.foreign.numbering import LAST, Numbering
from recsim_env.envs import RecommendationVectorEnv


class ScoreTable(Frozen, OnlineAgent):
    """Shows the candidates with the highest scores in a table that another program made.

    Idea: whatever a model computes, what it recommends is a score for each person and item.
    Update: none. A person without a row is served as the average of all rows; an item without a
      column is shown where nothing else is left. Equal scores come in random order.
    Cost: one look-up a candidate, or of factors as many products; the table's own memory.
    Source: any library: see docs/how-to/own-model.md.

    Args:
      env: where it serves; people and items with ids.
      scores: (n_users, n_items), higher is better: an array; a sparse matrix of SciPy, where what
        is absent counts as 0; or a pair of arrays, (n_users, n_factors) and (n_items, n_factors),
        whose products are the scores.
      user_ids: (n_users,), the `user_id` of each row, as numbers or as texts of them; by default
        row i is that of person i, and everybody has one.
      item_ids: (n_items,), the `item_id` of each column, likewise.
      seed: of the order of equal scores.
      **settings: of `ConstantExploration`.

    Raises:
      ValueError: the scores have another shape, or are not all finite; ids that do not fit.
      UnsuitableScenario: people or items have no ids.
    """

    requires = ("user and item ids",)
    needs_every_field = True
    Settings = ConstantExploration

    def __init__(
        self,
        env: RecommendationVectorEnv,
        scores: Any,
        *,
        user_ids: Any = None,
        item_ids: Any = None,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__(env, seed=seed, **settings)
        self._take_table(_tables(scores), user_ids, item_ids)

    def _take_table(
        self, tables: tuple[np.ndarray | sparse.csr_array, ...], user_ids: Any, item_ids: Any
    ) -> None:
        """Serves tables from now on: (n_users, n_items), or factors of both."""
        scenario = self.env.scenario
        n_rows = tables[0].shape[0]
        n_columns = tables[-1].shape[0] if len(tables) == 2 else tables[0].shape[1]
        self._users = Numbering("user", user_ids, n_rows=n_rows, n_ids=scenario.n_users)
        self._items = Numbering("item", item_ids, n_rows=n_columns, n_ids=scenario.n_items)
        self._tables = tables
        self._stranger = np.asarray(tables[0].mean(axis=0)).ravel()

    @property
    def knows_its_world(self) -> bool:
        """True: ids mean somebody in one world only."""
        return True

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the scores of the candidates, (n, n_candidates)."""
        user = self._users.places(observation["user_id"])
        item = self._items.places(observation["item_id"])
        found = (
            self._looked_up(user, item) if len(self._tables) == 1 else self._products(user, item)
        )
        return np.where(item >= 0, found.astype(np.float64), LAST)

    def _looked_up(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        (table,) = self._tables
        rows = np.broadcast_to(user[:, None], item.shape)
        if isinstance(table, sparse.csr_array):
            found = np.asarray(table[rows.ravel(), item.ravel()]).reshape(item.shape)
        else:
            found = table[rows, item]
        return np.where(rows >= 0, found, self._stranger[item])

    def _products(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        people, items = self._tables
        own = np.where(user[:, None] >= 0, people[user], self._stranger)
        return np.asarray(np.matmul(items[item], own[:, :, None])[:, :, 0])

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns the table and its ids."""
        first, *others = self._tables
        held = {"items": others[0]} if others else {}
        if isinstance(first, sparse.csr_array):
            held |= {"start": first.indptr, "column": first.indices, "shape": first.shape}
            first = first.data
        ids = {"user_ids": self._users.ids, "item_ids": self._items.ids}
        held |= {name: value for name, value in ids.items() if value is not None}
        return super().state_dict() | {"table": {"scores": first, **held}}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        own, rest = split(state, "table")
        super().load_state_dict(rest)
        held = {name: taken(own["table"], name) for name in own["table"]}
        scores: Any = held["scores"]
        if "items" in held:
            scores = (scores, held["items"])
        elif "start" in held:
            parts = (scores, held["column"], held["start"])
            scores = sparse.csr_array(parts, shape=tuple(held["shape"].tolist()))
            scores.check_format()
        self._take_table(_tables(scores), held.get("user_ids"), held.get("item_ids"))

    @classmethod
    def blank(cls, env: RecommendationVectorEnv, *, seed: int, **settings: Any) -> Self:
        """Returns one that knows of one person and item; a subclass need not find its table."""
        agent = cls.__new__(cls)
        one = {"user_ids": [0], "item_ids": [0]}
        ScoreTable.__init__(agent, env, np.zeros((1, 1)), seed=seed, **one, **settings)
        return agent


def _tables(scores: Any) -> tuple[np.ndarray | sparse.csr_array, ...]:
    """Returns a table of scores, or those of factors, as such.

    Raises:
      ValueError: another shape, or numbers that are not finite.
    """
    if isinstance(scores, tuple):
        if len(scores) != 2:
            raise ValueError(
                f"scores is a tuple of {len(scores)}; give an array, or a pair of the factors of "
                "users and of items"
            )
        people, items = (_checked(np.asarray(part), "factors") for part in scores)
        if people.shape[1] != items.shape[1]:
            raise ValueError(
                f"users have {people.shape[1]} factors and items {items.shape[1]}; give "
                "(n_users, n_factors) and (n_items, n_factors)"
            )
        return people, items
    if sparse.issparse(scores):
        table = sparse.csr_array(scores)
        table.sum_duplicates()
        _checked(table.data[:, None], "scores")
        return (table,)
    try:
        table = np.asarray(scores)
    except ValueError as error:  # rows of several lengths
        raise ValueError(
            f"scores are a {type(scores).__name__} of parts of several shapes; give an array "
            "(n_users, n_items), or factors as a pair, which is a tuple: (users, items)"
        ) from error
    return (_checked(table, "scores"),)


def _checked(array: np.ndarray, what: str) -> np.ndarray:
    """Returns numbers in two dimensions, in float32 or float64."""
    if array.ndim != 2 or not array.size or array.dtype.kind not in "fiub":
        raise ValueError(
            f"{what} of shape {array.shape} and type {array.dtype} do not fit; give numbers, "
            f"(n_users, {'n_items' if what == 'scores' else 'n_factors'})"
        )
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    wrong = ~(np.abs(array) <= min(LARGEST, float(np.finfo(array.dtype).max)))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"{what} hold {int(wrong.sum()):,} numbers that are not finite, the first "
            f"({array[row, column]}) in row {row}, column {column}: the model failed, or does not "
            "score everything; where that is meant, np.nan_to_num(scores, nan=-1e9) puts it last"
        )
    return array
