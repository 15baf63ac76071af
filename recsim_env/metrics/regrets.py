"""What people lose to the oracle, one by one: who is served worst, and in which session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from recsim_env.metrics.measurement import Backdrop
from recsim_env.metrics.served import Served, Stage

#: Of `Measurement.details`: the return of each visit, and the average taste.
RETURNS, AVERAGE_TASTE = "returns", "average taste"

# The worst-off tenth; groups of fewer people say little; and quarters of a trait that is a number.
_WORST, _SMALLEST_GROUP, _QUARTERS = 0.1, 0.02, (0.25, 0.5, 0.75)


class Regret:
    """What each visit earned less than the oracle did of the same person.

    The oracle's visit is that of the same person with common random numbers, so that regret is a
    number of one visit; chance remains in it, as the two go different ways.

    Quantiles are over visits. The conditional value at risk is the mean of the worst tenth. Groups
    are those of the scenario's `traits`; a group with fewer than 2 % of the visits does not count.
    People of niche taste are the quarter whose taste is least like the average one (cosine).

    Source: regret against the best policy on common random numbers; Rockafellar and Uryasev 2000,
      "Optimization of conditional value-at-risk"; the worst group as in Hashimoto et al. 2018,
      "Fairness without demographics in repeated loss minimization"; niche taste as in
      Abdollahpouri et al. 2019, "The unfairness of popularity bias in recommendation".
    """

    def __init__(self, stage: Stage) -> None:
        self._returns = np.zeros(stage.n_visits)
        is_one_person = stage.scenario.is_one_person
        traits = stage.scenario.traits if is_one_person else ()
        self._traits = {name: np.full(stage.n_visits, np.nan) for name in traits}
        self._knows_tastes = stage.knows_liking and len(stage.taste_fields) > 0
        self._tastes: list[tuple[np.ndarray, np.ndarray]] = []

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Always: returns are always known, and the oracle's where there is one."""
        return True

    def add(self, served: Served) -> None:
        """Adds a block."""
        np.add.at(self._returns, served.visit, served.rewards)
        for name, values in self._traits.items():
            values[served.began.visit] = served.began.users[name]
        if self._knows_tastes:
            self._tastes.append((served.began.visit, served.began.tastes.astype(np.float32)))

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns regrets, and what the worst-off earn."""
        found = {"worst_tenth_return": 0.0 - mean_of_worst(-self._returns, _WORST)}
        if backdrop is None or backdrop.oracle is None:
            return found
        regret = backdrop.oracle.details[RETURNS] - self._returns
        found |= {
            "regret": float(regret.mean()),
            "regret_median": float(np.median(regret)),
            "regret_p90": float(np.quantile(regret, 0.9)),
            "regret_worst_tenth": mean_of_worst(regret, _WORST),
        }
        groups = [regret[rows].mean() for rows in self._groups()]
        if groups:
            found["regret_worst_group"] = float(max(groups))
        if self._knows_tastes:
            niche = self._niche(backdrop.uniform.details[AVERAGE_TASTE])
            found["regret_niche"] = float(regret[niche].mean())
        return found

    def _groups(self) -> Iterator[np.ndarray]:
        """Yields which visits are of each group, by each trait."""
        for values in self._traits.values():
            if not np.all(values == np.rint(values)):
                values = np.searchsorted(np.quantile(values, _QUARTERS), values)
            for group in np.unique(values):
                rows = np.flatnonzero(values == group)
                if len(rows) >= _SMALLEST_GROUP * len(values):
                    yield rows

    def _niche(self, average: np.ndarray) -> np.ndarray:
        """Returns the quarter of the visits by people of the least common taste."""
        likeness = np.full(len(self._returns), np.inf)
        for visit, shares in self._tastes:
            likeness[visit] = shares @ average / np.linalg.norm(shares, axis=1)
        n = max(1, len(likeness) // 4)
        return np.argsort(likeness, kind="stable")[:n]

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns what others are compared with."""
        found = {RETURNS: self._returns}
        if self._knows_tastes:
            shares = np.concatenate([each for _, each in self._tastes])
            found[AVERAGE_TASTE] = np.nanmean(shares, axis=0)
        return found


class Sessions:
    """What the first session of a life earns per slate, and what later ones do."""

    def __init__(self, stage: Stage) -> None:
        self._sums = np.zeros((2, 2))

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Where sessions are counted."""
        return stage.scenario.session_count is not None

    def add(self, served: Served) -> None:
        """Adds a block."""
        is_later = (served.session > 1).astype(np.int64)
        self._sums[0] += np.bincount(is_later, served.rewards, minlength=2)
        self._sums[1] += np.bincount(is_later, minlength=2)

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns rewards per slate, where there is more than one session."""
        if not self._sums[1].all():
            return {}
        first, later = (self._sums[0] / self._sums[1]).tolist()
        return {"first_session_reward": first, "later_session_reward": later}

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns nothing."""
        return {}


def mean_of_worst(losses: np.ndarray, share: float) -> float:
    """Returns the mean of the greatest `share` of losses, at the cut in part.

    >>> mean_of_worst(np.array([1.0, 2.0, 3.0, 4.0]), 0.5)
    3.5
    """
    ordered = np.sort(losses)[::-1]
    n = share * len(ordered)
    weights = np.clip(n - np.arange(len(ordered)), 0.0, 1.0)
    return float(weights @ ordered / weights.sum())
