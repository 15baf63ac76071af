"""Where simulated people are not like real ones: distances beside those between halves of a log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from recsim_env.data.log import InteractionLog
from recsim_env.progress import progress

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# As many people tell enough of a distribution; of more, a sample is taken.
_MOST_PEOPLE = 5_000

# Pairs that repeat more often count as this.
_MOST_REPEATS = 20

_HOURS, _SECONDS = 24, 3_600


@dataclass(frozen=True)
class Distance:
    """How far the simulated people are from the real ones in one distribution.

    Attributes:
      measure: what is distributed.
      simulated: between half of the real people and half of the simulated ones, mean over splits;
        None where the world knows nothing of it.
      halves: between two halves of the real people, likewise.
      halves_high: what that exceeds in 2.5 % of the splits.
    """

    measure: str
    simulated: float | None
    halves: float
    halves_high: float

    @property
    def is_like(self) -> bool:
        """Whether simulated people are as near to real ones as those are to each other."""
        return self.simulated is not None and self.simulated <= self.halves_high


@dataclass(frozen=True)
class _Values:
    """A distribution: a value for each of several people, of whom halves are taken.

    `is_label` says that values are labels, compared by total variation; others are sizes, compared
    by the largest distance of their cumulative shares (Kolmogorov–Smirnov).
    """

    measure: str
    value: Integers
    person: Integers
    is_label: bool


def distances(
    real: InteractionLog,
    simulated: InteractionLog,
    *,
    activity_log: InteractionLog | None = None,
    session_gap_seconds: float = 3600.0,
    n_splits: int = 20,
    seed: int = 0,
) -> list[Distance]:
    """Returns how far simulated people are from real ones, in every distribution of the real log.

    Ratings and items are compared by total variation, of equally many rows; rows and sessions of a
    person, and rows of a session, by the Kolmogorov–Smirnov distance. The same distance between two
    halves of the real people, drawn at random again and again, says what is as good as it gets.

    Args:
      real: real behaviour, if possible held out from the fit: ratings and items.
      simulated: what simulated people did, with the same ids.
      activity_log: the real log to take people's sessions, hours and repetitions from; `real` where
        that holds all that they did.
      session_gap_seconds: a longer pause starts a new session.
      n_splits: into halves.
      seed: of the splits.
    """
    rng = np.random.default_rng(seed)
    active = _sample(activity_log or real, rng)
    of_real = [*_rows(_sample(real, rng)), *_habits(active, session_gap_seconds)]
    some = _sample(simulated, rng)
    of_simulated = {
        each.measure: each
        for each in (*_rows(some), *_habits(some, session_gap_seconds, is_made_up=True))
    }
    shown = progress(iterable=of_real, desc="comparing distributions", leave=False)
    return [_distance(each, of_simulated.get(each.measure), n_splits, rng) for each in shown]


def _sample(log: InteractionLog, rng: np.random.Generator) -> InteractionLog:
    """Returns what some of the people did, where they are very many."""
    people = np.unique(log.user)
    if len(people) <= _MOST_PEOPLE:
        return log
    return log.select(np.isin(log.user, rng.choice(people, _MOST_PEOPLE, replace=False)))


def _rows(log: InteractionLog) -> Iterator[_Values]:
    """Yields what rows are of: ratings, in a log that has them, and items."""
    person = log.user.astype(np.int64)
    if log.is_explicit:
        yield _Values("rating", np.rint(1e3 * log.rating).astype(np.int64), person, True)
    yield _Values("item", log.item.astype(np.int64), person, True)


def _habits(
    log: InteractionLog, gap_seconds: float, *, is_made_up: bool = False
) -> Iterator[_Values]:
    """Yields how much people do, how often, how long at a time, when, and what they repeat.

    Args:
      log: what they did.
      gap_seconds: a longer pause starts a new session.
      is_made_up: whether times only order what people do, and tell sessions apart.
    """
    people, person = np.unique(log.user, return_inverse=True)
    everybody = np.arange(len(people))
    yield _Values("rows of a person", np.bincount(person), everybody, False)
    pair, first, count = np.unique(
        log.user.astype(np.int64) * log.n_items + log.item, return_index=True, return_counts=True
    )
    if len(pair) < len(log) or is_made_up:
        yield _Values(
            "times that a person consumes an item",
            np.minimum(count, _MOST_REPEATS),
            person[first],
            True,
        )
    shown = log.impressions
    if shown is not None and shown.place is not None and shown.place.any():
        clicked = shown.select(shown.is_clicked)
        _, whose = np.unique(np.append(people, clicked.user), return_inverse=True)
        assert clicked.place is not None
        yield _Values("place of a click", clicked.place, whose[len(people) :], True)
    if log.time is None:
        return
    session = log.sessions(gap_seconds)
    owner = np.empty(int(session.max()) + 1, np.int64)
    owner[session] = person
    yield _Values("sessions of a person", np.bincount(owner), everybody, False)
    yield _Values("rows of a session", np.bincount(session), owner, False)
    hour = (log.time // _SECONDS % _HOURS).astype(np.int64)
    if not is_made_up and (log.time % (_HOURS * _SECONDS)).any():
        yield _Values("hour of the day", hour, person, True)


def _distance(
    real: _Values, simulated: _Values | None, n_splits: int, rng: np.random.Generator
) -> Distance:
    """Returns distances of one distribution, over random halves of people."""
    apart, beside = [], []
    for _ in range(n_splits):
        first, second = _halves(real, rng)
        apart.append(_between(first, second, real.is_label, rng))
        if simulated is not None:
            beside.append(_between(first, _halves(simulated, rng)[0], real.is_label, rng))
    return Distance(
        real.measure,
        float(np.mean(beside)) if beside else None,
        float(np.mean(apart)),
        float(np.quantile(apart, 0.975)),
    )


def _halves(values: _Values, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Returns the values of two random halves of the people."""
    people, person = np.unique(values.person, return_inverse=True)
    is_first = rng.permutation(len(people)) < (len(people) + 1) // 2
    return values.value[is_first[person]], values.value[~is_first[person]]


def _between(a: Integers, b: Integers, is_label: bool, rng: np.random.Generator) -> float:
    """Returns the distance of two samples, of labels of equal size."""
    if not len(a) or not len(b):
        return float("nan")
    if not is_label:
        return float(ks_2samp(a, b, method="asymp").statistic)
    n = min(len(a), len(b))
    _, code = np.unique(
        np.concatenate([rng.permutation(a)[:n], rng.permutation(b)[:n]]), return_inverse=True
    )
    counts = np.bincount(code[:n], minlength=code.max() + 1) - np.bincount(
        code[n:], minlength=code.max() + 1
    )
    return 0.5 * float(np.abs(counts).sum()) / n
