"""Which row or column of a model made elsewhere belongs to which person or item."""

from typing import Any

import numpy as np

from recsim_env.agents.core.restoring import LARGEST

#: Below all scores: that of an item which has none.
LAST = -LARGEST


class Numbering:
    """The ids of the rows, or columns, of a table.

    Args:
      what: "user" or "item", for messages.
      ids: (n_rows,) the id in the environment of each row: whole numbers, or texts of such. None:
        row i is id i, and there is a row for each.
      n_rows: how many rows there are; None: as many as `ids`.
      n_ids: how many ids the scenario has.

    Raises:
      ValueError: the ids are no numbers, one stands twice, one is not the scenario's, or there is
        not one for each row.
    """

    def __init__(self, what: str, ids: Any, *, n_rows: int | None, n_ids: int) -> None:
        self.ids: np.ndarray | None = None
        if ids is None:
            if n_rows not in (None, n_ids):
                raise ValueError(
                    f"there are scores of {n_rows:,} {what}s, and the scenario has {n_ids:,}; say "
                    f"which is which by {what}_ids=, the {what}_id of each"
                )
            return
        found = _whole_numbers(what, ids)
        if n_rows is not None and len(found) != n_rows:
            raise ValueError(
                f"{what}_ids has {len(found):,} ids for scores of {n_rows:,} {what}s; give one for "
                "each"
            )
        self._order = np.argsort(found, kind="stable")
        self._sorted = found[self._order]
        repeated = self._sorted[1:][np.diff(self._sorted) == 0]
        if len(repeated):
            raise ValueError(f"{what}_ids has {repeated[0]} twice; give each id once")
        unknown = found[(found < 0) | (found >= n_ids)]
        if len(unknown):
            raise ValueError(
                f"{what}_ids has {len(unknown):,} id{'s' * (len(unknown) > 1)}, the first "
                f"{unknown[0]}, that no {what} here has: ids count from 0 to {n_ids - 1:,}; number "
                f"yours so, and leave out {what}s that the scenario lacks"
            )
        self.ids = found

    def places(self, ids: np.ndarray) -> np.ndarray:
        """Returns the row of each id, of any shape; -1 where it has none."""
        if self.ids is None:
            return np.asarray(ids)
        place = np.minimum(np.searchsorted(self._sorted, ids), len(self._sorted) - 1)
        return np.where(self._sorted[place] == ids, self._order[place], -1)


def _whole_numbers(what: str, ids: Any) -> np.ndarray:
    array = np.asarray(ids)
    try:
        found = array.astype(np.int64)
    except (ValueError, TypeError, OverflowError):
        found = np.empty(0, np.int64)
    is_same = found.shape == array.shape and (array.dtype.kind in "US" or (found == array).all())
    if found.ndim != 1 or not len(found) or not is_same:
        raise ValueError(
            f"{what}_ids={ids!r:.60} are no ids; give a list of whole numbers, the {what}_id of "
            "each row of the model"
        )
    return found
