"""How likely a policy shows which slates: as a whole, down to each place, and at each place."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


class SlateDistribution(ABC):
    """The slates that a policy may show, for each of n people; exact, but for `error`.

    Attributes:
      error: the largest standard error among `places`, where these had to be drawn.
    """

    error: float = 0.0

    @abstractmethod
    def prefix(self, slates: np.ndarray) -> np.ndarray:
        """Returns how likely the places of slates, down to each, are filled so, (n, slate_size)."""

    @abstractmethod
    def places(self) -> np.ndarray:
        """Returns how likely each place shows each candidate, (n, slate_size, n_candidates)."""

    def slate(self, slates: np.ndarray) -> np.ndarray:
        """Returns how likely slates, (n, slate_size), are shown in their order, (n,)."""
        chance: np.ndarray = self.prefix(slates)[:, -1]
        return chance


class Ranked(SlateDistribution):
    """The best candidates, best first, ties in random order: what `online.top_slates` returns.

    Args:
      scores: (n, n_candidates).
      slate_size: at most n_candidates.
    """

    def __init__(self, scores: np.ndarray, slate_size: int) -> None:
        self._scores, self._slate_size = scores, slate_size

    def prefix(self, slates: np.ndarray) -> np.ndarray:
        """Returns the product, over the places, of the shares among the best that are left."""
        left = self._scores.astype(float)
        rows = np.arange(len(left))
        chances = np.empty(slates.shape)
        chance = np.ones(len(left))
        for k, place in enumerate(slates.T):
            best = left == left.max(axis=1, keepdims=True)
            chance = chance * (best[rows, place] / best.sum(axis=1))
            chances[:, k] = chance
            left[rows, place] = -np.inf
        return chances

    def places(self) -> np.ndarray:
        """Returns for each candidate 1 / (how many tie with it) at the places that these take."""
        n_better = (self._scores[:, None, :] > self._scores[:, :, None]).sum(axis=2)
        n_equal = (self._scores[:, None, :] == self._scores[:, :, None]).sum(axis=2)
        place = np.arange(self._slate_size)[None, :, None]
        first, count = n_better[:, None], n_equal[:, None]
        return ((place >= first) & (place < first + count)) / count


class Listed(SlateDistribution):
    """One of several slates, all equally likely.

    Args:
      slates: (n, m, slate_size), m for each person; (1, m, slate_size) the same for all.
      n: how many people.
      n_candidates: that slates choose among.
    """

    def __init__(self, slates: np.ndarray, n: int, n_candidates: int) -> None:
        self._slates, self._n, self._n_candidates = slates, n, n_candidates

    def prefix(self, slates: np.ndarray) -> np.ndarray:
        """Returns the share of the slates that begin so."""
        is_same = self._slates == slates[:, None]
        return np.asarray(np.logical_and.accumulate(is_same, axis=2).mean(axis=1))

    def places(self) -> np.ndarray:
        """Returns the shares of the slates that show each candidate there."""
        candidates = np.arange(self._n_candidates)
        shares = (self._slates[..., None] == candidates).mean(axis=1)
        return np.broadcast_to(shares, (self._n, *shares.shape[1:])).copy()


class Mixture(SlateDistribution):
    """One distribution with a probability, another one otherwise.

    Args:
      share: how often it is the first.
      first, second: of the same people.
    """

    def __init__(self, share: float, first: SlateDistribution, second: SlateDistribution) -> None:
        self._share, self._first, self._second = share, first, second
        self.error = share * first.error + (1.0 - share) * second.error

    def slate(self, slates: np.ndarray) -> np.ndarray:
        """Returns the mean of both."""
        first, second = self._first.slate(slates), self._second.slate(slates)
        return self._share * first + (1.0 - self._share) * second

    def prefix(self, slates: np.ndarray) -> np.ndarray:
        """Returns the mean of both."""
        first, second = self._first.prefix(slates), self._second.prefix(slates)
        return self._share * first + (1.0 - self._share) * second

    def places(self) -> np.ndarray:
        """Returns the mean of both."""
        return self._share * self._first.places() + (1.0 - self._share) * self._second.places()


class Independent(SlateDistribution):
    """Places that are filled without regard to each other, so that items may repeat.

    Args:
      chances: (n, slate_size, n_candidates), how likely each place shows each candidate.
    """

    def __init__(self, chances: np.ndarray) -> None:
        self._chances = chances

    def prefix(self, slates: np.ndarray) -> np.ndarray:
        """Returns the product over the places."""
        shown = np.take_along_axis(self._chances, slates[:, :, None], axis=2)[:, :, 0]
        return np.asarray(np.cumprod(shown, axis=1))

    def places(self) -> np.ndarray:
        """Returns the chances."""
        return self._chances


@dataclass(frozen=True, eq=False)
class Propensities:
    """How likely slates were shown, and whatever else could have been.

    Attributes:
      slate: (n,), of the slate in its order.
      prefix: (n, slate_size), of its places down to each.
      places: (n, slate_size, n_candidates), of every candidate at each place (marginal).
      error: the largest standard error among these; 0 where they are exact.
    """

    slate: np.ndarray
    prefix: np.ndarray
    places: np.ndarray
    error: float

    def select(self, rows: np.ndarray) -> "Propensities":
        """Returns those of some rows."""
        return Propensities(self.slate[rows], self.prefix[rows], self.places[rows], self.error)

    def shown(self, slates: np.ndarray) -> np.ndarray:
        """Returns how likely each place shows the item that it showed, (n, slate_size)."""
        return np.take_along_axis(self.places, slates[:, :, None], axis=2)[:, :, 0]


def mean_propensities(
    draw: Callable[[], SlateDistribution], slates: np.ndarray, n_draws: int
) -> Propensities:
    """Returns the mean over distributions, each drawn with equal chance.

    Args:
      draw: returns one of them; the same every time where nothing is drawn, and `n_draws` is 1.
      slates: (n, slate_size) that were shown.
      n_draws: how many to draw.
    """
    found = draw()
    prefix, places, error = found.prefix(slates), found.places(), found.error
    if n_draws == 1:
        return Propensities(found.slate(slates), prefix, places, error)
    slate, squares = found.slate(slates), places**2
    for _ in range(n_draws - 1):
        found = draw()
        more = found.places()
        slate, prefix = slate + found.slate(slates), prefix + found.prefix(slates)
        places, squares = places + more, squares + more**2
    places = places / n_draws
    variance = np.maximum(squares / n_draws - places**2, 0.0) / n_draws
    return Propensities(
        slate / n_draws, prefix / n_draws, places, float(np.sqrt(variance.max(initial=0.0)))
    )
