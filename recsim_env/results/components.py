"""Where the variance of a reported mean comes from: the learning seed, the people, or chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Components:
    """The variances of one session's return, by what it depends on.

    Attributes:
      mean: of all returns.
      learning: between learning seeds: the weights that an agent began with, and whom it met.
      people: between people, and in how much better one seed's agent suits one person than another.
      chance: between meetings of one person with one agent.
    """

    mean: float
    learning: float
    people: float
    chance: float

    def of_mean(self, n_people: int, n_seeds: int = 1) -> dict[str, float]:
        """Returns the parts of the variance of a mean over seeds, each judged on people of its own.

        Args:
          n_people: how many people each seed's agent is judged on, each met once.
          n_seeds: how many seeds are averaged.
        """
        return {
            "learning": self.learning / n_seeds,
            "people": self.people / n_people / n_seeds,
            "chance": self.chance / n_people / n_seeds,
        }


def components(returns: ArrayLike) -> Components:
    """Returns the components of variance of crossed returns.

    Agents of all learning seeds meet all people, repeatedly, on common random numbers. The model
    has random effects, which add up:

        return = mean + seed + person + seed x person + (chance in person) + rest

    The mean squares of the analysis of variance, set equal to what they are on average, give the
    components; what comes out below 0 is 0. `people` is the person's and their interaction with
    the seed, `chance` what happens in a meeting whoever serves, and the rest.

    Args:
      returns: (n_seeds, n_people, n_meetings), each at least 2.

    Raises:
      ValueError: there are fewer, or a value is not finite.

    Source: Searle, Casella and McCulloch 1992, "Variance components" (balanced data).
    """
    y = np.asarray(returns, dtype=np.float64)
    if y.ndim != 3 or min(y.shape) < 2:
        raise ValueError(
            f"returns has shape {y.shape}; give (n_seeds, n_people, n_meetings), each at least 2"
        )
    if not np.isfinite(y).all():
        raise ValueError("returns hold values that are not finite; leave failed runs out")
    n_seeds, n_people, n_meetings = y.shape
    mean = float(y.mean())
    of_seed = y.mean(axis=(1, 2), keepdims=True)
    of_person = y.mean(axis=(0, 2), keepdims=True)
    of_both = y.mean(axis=2, keepdims=True)
    of_meeting = y.mean(axis=0, keepdims=True)
    rest = y - of_both - of_meeting + of_person

    def mean_square(effects: np.ndarray, n_each: int, freedom: int) -> float:
        return float(n_each * np.square(effects).sum() / freedom)

    ms_seed = mean_square(of_seed - mean, n_people * n_meetings, n_seeds - 1)
    ms_person = mean_square(of_person - mean, n_seeds * n_meetings, n_people - 1)
    ms_both = mean_square(
        of_both - of_seed - of_person + mean, n_meetings, (n_seeds - 1) * (n_people - 1)
    )
    ms_meeting = mean_square(of_meeting - of_person, n_seeds, n_people * (n_meetings - 1))
    ms_rest = mean_square(rest, 1, n_people * (n_seeds - 1) * (n_meetings - 1))
    seed = (ms_seed - ms_both) / (n_people * n_meetings)
    person = (ms_person - ms_both - ms_meeting + ms_rest) / (n_seeds * n_meetings)
    both = (ms_both - ms_rest) / n_meetings
    meeting = (ms_meeting - ms_rest) / n_seeds
    return Components(
        mean=mean,
        learning=max(seed, 0.0),
        people=max(person, 0.0) + max(both, 0.0),
        chance=max(meeting, 0.0) + ms_rest,
    )
