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
    def next_places(self, slates: np.ndarray) -> np.ndarray:
        """Returns how likely the places above each are filled so, and it shows each candidate.

        Args:
          slates: (n, slate_size).

        Returns:
          (n, slate_size, n_candidates).
        """

    @abstractmethod
    def places(self) -> np.ndarray:
        """Returns how likely each place shows each candidate, (n, slate_size, n_candidates)."""

    def prefix(self, slates: np.ndarray) -> np.ndarray:
        """Returns how likely the places of slates, down to each, are filled so, (n, slate_size)."""
        return shown_of(self.next_places(slates), slates)

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

    def next_places(self, slates: np.ndarray) -> np.ndarray:
        """Returns the product, over the places, of the shares among the best that are left."""
        left = self._scores.astype(float)
        rows = np.arange(len(left))
        chances = np.empty((*slates.shape, left.shape[1]))
        chance = np.ones(len(left))
        for k, place in enumerate(slates.T):
            best = left == left.max(axis=1, keepdims=True)
            chances[:, k] = chance[:, None] * (best / best.sum(axis=1, keepdims=True))
            chance = chances[rows, k, place]
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

    def next_places(self, slates: np.ndarray) -> np.ndarray:
        """Returns the share of the slates that begin so and go on with each candidate."""
        n, m = self._n, self._slates.shape[1]
        begins_so, found = np.ones((n, m)), np.empty((*slates.shape, self._n_candidates))
        for k, place in enumerate(slates.T):
            goes_on = self._slates[:, :, k, None] == np.arange(self._n_candidates)
            found[:, k] = (begins_so[:, None] @ goes_on.astype(np.float64))[:, 0] / m
            begins_so *= self._slates[:, :, k] == place[:, None]
        return found

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

    def next_places(self, slates: np.ndarray) -> np.ndarray:
        """Returns the mean of both."""
        first, second = self._first.next_places(slates), self._second.next_places(slates)
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

    def next_places(self, slates: np.ndarray) -> np.ndarray:
        """Returns the product over the places."""
        return after_prefix(shown_of(self._chances, slates), self._chances)

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
      next_places: likewise, with the places above it filled as they were; see
        `SlateDistribution.next_places`.
      error: the largest standard error among these; 0 where they are exact.
    """

    slate: np.ndarray
    prefix: np.ndarray
    places: np.ndarray
    next_places: np.ndarray
    error: float

    def select(self, rows: np.ndarray) -> "Propensities":
        """Returns those of some rows."""
        return Propensities(
            self.slate[rows],
            self.prefix[rows],
            self.places[rows],
            self.next_places[rows],
            self.error,
        )

    def shown(self, slates: np.ndarray) -> np.ndarray:
        """Returns how likely each place shows the item that it showed, (n, slate_size)."""
        return shown_of(self.places, slates)


def shown_of(chances: np.ndarray, slates: np.ndarray) -> np.ndarray:
    """Returns the chances of what slates show, (n, slate_size), of those of all candidates."""
    return np.take_along_axis(chances, slates[:, :, None], axis=2)[:, :, 0]


def after_prefix(shown: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Returns `next_places` of chances that are given the places above.

    Args:
      shown: (n, slate_size), those of what slates show.
      chances: (n, slate_size, n_candidates), of all candidates.
    """
    above = np.ones_like(shown)
    above[:, 1:] = np.cumprod(shown[:, :-1], axis=1)
    return above[:, :, None] * chances


def propensities_of(distribution: SlateDistribution, slates: np.ndarray) -> Propensities:
    """Returns how likely a policy shows slates, (n, slate_size), by what it may show."""
    following = distribution.next_places(slates)
    return Propensities(
        distribution.slate(slates),
        shown_of(following, slates),
        distribution.places(),
        following,
        distribution.error,
    )


def mean_propensities(
    draw: Callable[[], SlateDistribution], slates: np.ndarray, n_draws: int
) -> Propensities:
    """Returns the mean over distributions, each drawn with equal chance.

    Args:
      draw: returns one of them; the same every time where nothing is drawn, and `n_draws` is 1.
      slates: (n, slate_size) that were shown.
      n_draws: how many to draw.
    """
    found = propensities_of(draw(), slates)
    if n_draws == 1:
        return found
    slate, places, following = found.slate, found.places, found.next_places
    squares = places**2
    for _ in range(n_draws - 1):
        more = propensities_of(draw(), slates)
        slate, following = slate + more.slate, following + more.next_places
        places, squares = places + more.places, squares + more.places**2
    places, following = places / n_draws, following / n_draws
    variance = np.maximum(squares / n_draws - places**2, 0.0) / n_draws
    error = float(np.sqrt(variance.max(initial=0.0)))
    return Propensities(slate / n_draws, shown_of(following, slates), places, following, error)
