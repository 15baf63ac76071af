"""What models of rewards are fitted to: people and moments, items, and both together."""

import math
import warnings
from functools import cached_property

import numpy as np

from recsim_env.benchmark.log_steps import HIDDEN
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.ope.marginalized import learned_states

#: A model has at most so many columns: the fit takes the square of their number.
_MAX_COLUMNS = 200

#: Items without features are told apart by id, where they are at most so many.
_MAX_ITEMS = 2_000

#: Features of all candidates hold at most so many numbers.
_MOST_NUMBERS = 30_000_000

#: More than these take too much memory.
_MOST_OF_ITEMS = 500_000_000

#: As many kinds of moments, at most, are told apart.
_N_KINDS = 10


class SlateFeatures:
    """Features of slates that add up over places, so that a mean over slates needs places alone.

    An item has its features f (or, where it shows none, a column for each id), and f times each
    number that was seen of the person and the moment, u; a slate has the sums over its items, and
    u. Both are centred and scaled over the log. Fields that would take the product of both over 200
    columns are left out of u, in the order of the observation.

    Args:
      log: whose slates they describe.

    Attributes:
      left_out: names of the fields that are left out of u.
    """

    def __init__(self, log: PolicyLog) -> None:
        self._log = log
        self._items = _items(log)
        self._seen, self.left_out = _seen(log, _MAX_COLUMNS // self._items.shape[2])

    def shown(self, slates: np.ndarray) -> np.ndarray:
        """Returns features of slates, (n, d)."""
        rows = np.arange(len(slates))[:, None]
        return self.crossed(self._items[rows, slates].sum(axis=1))

    def expected(self, places: np.ndarray) -> np.ndarray:
        """Returns their mean, (n, d), where places show candidates so often, (n, K, C)."""
        return self.crossed(self._mean_items(places.sum(axis=1)))

    def down_to(self, slates: np.ndarray) -> np.ndarray:
        """Returns features of places and what stands above each, (n, slate_size, d)."""
        rows = np.arange(len(slates))[:, None]
        return self._with_above(slates, self._items[rows, slates])

    def expected_down_to(self, slates: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """Returns their mean where each place shows candidates so often, the ones above it given.

        Args:
          slates: (n, slate_size), what stands above.
          chances: (n, slate_size, n_candidates).
        """
        return self._with_above(slates, np.einsum("nkc,ncf->nkf", chances, self._items))

    def of_candidates(self) -> np.ndarray:
        """Returns features of each candidate in its moment, (n, n_candidates, d)."""
        width = self._items.shape[2]
        if self._items.size > _MOST_OF_ITEMS:
            raise ValueError(
                f"features of {self._items.shape[1]:,} candidates in each of {len(self._items):,} "
                f"rows are more than {_MOST_OF_ITEMS:,} numbers; take fewer rows of the log"
            )
        most = max(0, _MOST_NUMBERS // max(1, self._items.size) - 1)
        seen = self._seen[:, : min(self._seen.shape[1], most, _MAX_COLUMNS // width)]
        product = self._items[..., None] * seen[:, None, None, :]
        return np.concatenate([self._items, product.reshape(*self._items.shape[:2], -1)], axis=2)

    def crossed(self, items: np.ndarray) -> np.ndarray:
        """Returns features of items, (n, f), themselves, times what was seen, and what was seen."""
        seen = self._seen[:, : max(1, _MAX_COLUMNS // max(1, items.shape[1]))]
        product = items[:, :, None] * seen[:, None, :]
        return np.hstack([items, product.reshape(len(items), -1), self._seen])

    @property
    def moments(self) -> np.ndarray:
        """(n, k), what was seen of the person and the moment, scaled."""
        return self._seen

    @cached_property
    def kinds(self) -> np.ndarray:
        """(n,), which of a few kinds each moment is of, by what was seen."""
        return _kinds_of(self._seen)

    @cached_property
    def true_kinds(self) -> np.ndarray | None:
        """(n,), the same by people's true states; None where the log has none."""
        states = [
            values.reshape(len(values), -1).astype(np.float64)
            for name, values in self._log.columns.items()
            if name.startswith(HIDDEN)
        ]
        return _kinds_of(np.hstack(states)) if states else None

    def _mean_items(self, chances: np.ndarray) -> np.ndarray:
        """Returns sums of items' features times numbers, (n, n_candidates)."""
        if self._items.strides[0] == 0:  # the same in every row
            return np.asarray(chances @ self._items[0])
        return np.einsum("nc,ncf->nf", chances, self._items)

    def _with_above(self, slates: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns features of places that show items, (n, slate_size, f), below those of slates."""
        rows = np.arange(len(slates))[:, None]
        above = np.zeros_like(items)
        above[:, 1:] = np.cumsum(self._items[rows, slates[:, :-1]], axis=1)
        places = [self.crossed(items[:, k]) for k in range(slates.shape[1])]
        return np.concatenate([np.stack(places, axis=1), above], axis=2)


def _items(log: PolicyLog) -> np.ndarray:
    """Returns features of the candidates, (n, n_candidates, f)."""
    if "candidates" in log.columns:
        found = log["candidates"].astype(np.float64)
        return _scaled(found.reshape(-1, found.shape[2])).reshape(found.shape)
    ids = log.columns.get("item_id")
    n_items = log.n_candidates if ids is None else int(ids.max()) + 1
    if n_items > _MAX_ITEMS:
        raise ValueError(
            f"a model of rewards needs features of items, and the log tells {n_items:,} items "
            f"apart by ids alone; give features, or have at most {_MAX_ITEMS:,} items"
        )
    if ids is None:
        return np.broadcast_to(np.eye(n_items), (len(log), n_items, n_items))
    return np.eye(n_items)[ids]


def _seen(log: PolicyLog, most: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns what was seen, (n, at most `most` columns), scaled, and names of what is left out."""
    names = log.scenario.schema.boxes if log.scenario else log.about.get("context", ())
    columns, n_columns, left_out = [], 0, []
    for name in names:
        width = math.prod(log[name].shape[1:])
        if name == "candidates":
            continue
        if n_columns + width > most:
            left_out.append(name)
            continue
        columns.append(log[name].reshape(len(log), width).astype(np.float64))
        n_columns += width
    seen = _scaled(np.hstack(columns)) if columns else np.zeros((len(log), 0))
    return seen, tuple(left_out)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Returns columns with mean 0 and variance 1; those that do not vary become 0."""
    deviation = values.std(axis=0)
    centred = values - values.mean(axis=0)
    return np.asarray(np.where(deviation > 1e-9, centred / np.maximum(deviation, 1e-9), 0.0))


def _kinds_of(moments: np.ndarray) -> np.ndarray:
    """Returns which of a few kinds each moment, (n, d), is of; all are alike without numbers."""
    if not moments.shape[1]:
        return np.zeros(len(moments), int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fewer kinds than are asked for
        return learned_states(moments, min(_N_KINDS, len(moments)))
