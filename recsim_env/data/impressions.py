"""What people were shown, whether they clicked it or not."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Impressions:
    """One row for each item that somebody was shown, in the order of the file.

    Attributes:
      user, item: (m,) int32, dense ids as in the log of clicks.
      row: (m,) int64, the row of the log that is the click; -1 where it was not clicked.
      time: (m,) seconds, or None.
      slate: (m,) int64, rows shown together have the same number; or None where it is unknown.
      place: (m,) int64, where the item stood, from 0; or None.
      context: (m, C) int32, as in the log; C may be 0.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    row: NDArray[np.int64]
    time: NDArray[np.float64] | None
    slate: NDArray[np.int64] | None
    place: NDArray[np.int64] | None
    context: NDArray[np.int32]

    def __post_init__(self) -> None:
        lengths = {len(each) for each in self._columns().values()}
        if len(lengths) > 1:
            raise ValueError(f"the columns of impressions differ in length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.user)

    @property
    def is_clicked(self) -> NDArray[np.bool_]:
        """(m,), whether the item was clicked."""
        return np.asarray(self.row >= 0)

    def select(self, kept: NDArray[np.bool_]) -> Impressions:
        """Returns some rows, by a mask."""
        return replace(self, **{name: values[kept] for name, values in self._columns().items()})

    def of_rows(self, rows: NDArray[Any], n_rows: int) -> Impressions:
        """Returns the impressions of a log that was cut: what was clicked in other rows is gone.

        Args:
          rows: which rows of the log are left, in their new order (a mask or positions).
          n_rows: how many rows the log had.
        """
        place = np.arange(n_rows)[rows]
        new = np.full(n_rows + 1, -1)  # the last one is of what was not clicked
        new[place] = np.arange(len(place))
        row = new[self.row]
        found = replace(self, row=row)
        return found.select((self.row < 0) | (row >= 0))

    def renumbered(
        self, user: NDArray[np.integer[Any]], item: NDArray[np.integer[Any]]
    ) -> Impressions:
        """Returns impressions by new numbers of people and items, (n_users,) and (n_items,).

        Those of people or items whose new number is -1 are left out.
        """
        users, items = user[self.user].astype(np.int32), item[self.item].astype(np.int32)
        return replace(self, user=users, item=items).select((users >= 0) & (items >= 0))

    def _columns(self) -> dict[str, NDArray[Any]]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: column for name, column in values.items() if column is not None}
