"""Pairs of items that say what somebody likes more, drawn from a table."""

import numpy as np

from recsim_env.data.interactions import Interactions


class Pairs:
    """What was liked, and what it is compared with.

    Args:
      table: in which something was liked.
      passed_share: of comparisons with what was passed over in the same session.
    """

    def __init__(self, table: Interactions, passed_share: float) -> None:
        self._table, self._passed_share = table, passed_share
        self._liked = np.flatnonzero(table.liking > 0)
        liked_item = table.item[self._liked]
        self._likes = np.unique(
            table.user[self._liked].astype(np.int64) * table.n_items + liked_item
        )
        liking = table.liking[self._liked]
        self._liked_until = np.append(0.0, np.cumsum(liking / liking.mean()))
        passed = np.flatnonzero(table.liking <= 0)
        passed = passed[np.argsort(table.session[passed], kind="stable")]
        self._passed_item = np.append(table.item[passed], -1)
        looked_at = np.append(
            0.0, np.cumsum(table.examination_probability[passed], dtype=np.float64)
        )
        session, of_passed = table.session[self._liked], table.session[passed]
        self._looked_until = looked_at
        self._looked_first = looked_at[np.searchsorted(of_passed, session, "left")]
        self._looked_last = looked_at[np.searchsorted(of_passed, session, "right")]

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns people, items they liked, and one each that they did not, in random order."""
        until = np.floor(self._liked_until + rng.random()).astype(np.int64)
        place = rng.permutation(np.repeat(np.arange(len(self._liked)), until[1:] - until[:-1]))
        rows, n = self._liked[place], len(place)
        other = rng.integers(self._table.n_items, size=n)
        first, last = self._looked_first[place], self._looked_last[place]
        mark = np.minimum(first + rng.random(n) * (last - first), np.nextafter(last, first))
        passed = self._passed_item[np.searchsorted(self._looked_until, mark, "right") - 1]
        is_passed = (rng.random(n) < self._passed_share) & (last > first)
        other = np.where(is_passed, passed, other)
        user, item = self._table.user[rows], self._table.item[rows]
        is_pair = ~self._is_liked(user, other)
        return user[is_pair], item[is_pair], other[is_pair]

    def _is_liked(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Returns which of these people liked that item, anywhere in the table."""
        key = user.astype(np.int64) * self._table.n_items + item
        place = np.minimum(np.searchsorted(self._likes, key), len(self._likes) - 1)
        return np.asarray(self._likes[place] == key)
