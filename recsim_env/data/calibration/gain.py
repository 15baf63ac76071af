"""What an effect adds on held-out rows, with intervals over people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Half the width of 99 % intervals, in standard errors; with a few effects, chance finds none in
#: most logs.
WIDTH = 2.576

# What grows by less for each row is no effect, however surely: reports print it as 0.0000.
_LEAST = 5e-5


@dataclass(frozen=True)
class Gain:
    """What an effect adds on held-out rows, with 99 % intervals over people.

    `log_likelihood` is per row; `auc` is within people.
    """

    log_likelihood: float
    log_likelihood_low: float
    log_likelihood_high: float
    auc: float
    auc_low: float
    auc_high: float

    @property
    def is_real(self) -> bool:
        """Whether likelihood surely grows, and people's items are ordered better."""
        return self.log_likelihood_low > _LEAST and self.auc > 0.0


@dataclass(frozen=True)
class Effect:
    """Something that a log may show of its people.

    Attributes:
      name: what.
      size: how large, in words.
      gain: on held-out rows.
      detail: numbers behind the size (JSON values).
    """

    name: str
    size: str
    gain: Gain
    detail: dict[str, Any] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        """Returns what was found, in JSON values."""
        about = {"effect": self.name, "size": self.size, "is_kept": self.gain.is_real}
        return about | {"gain": asdict(self.gain)} | self.detail


class Found(NamedTuple):
    """What was looked for in a log, and what of it a world has.

    Attributes:
      effects: found or not.
      world: fields of a `RatedWorld`, of what is real.
    """

    effects: list[Effect]
    world: dict[str, Any]


def gain_over_people(log_likelihood: Floats, user: NDArray[np.integer], areas: Floats) -> Gain:
    """Returns what an effect adds, from what it adds to the log-likelihood of each row.

    Args:
      log_likelihood: (n,), how much the row's grows.
      user: (n,), whose row it is.
      areas: (n_people,), how much the AUC within each person grows.
    """
    n_rows = np.bincount(user)
    mean = float(log_likelihood.mean()) if len(user) else 0.0
    apart = np.bincount(user, log_likelihood) - mean * n_rows
    spread = float(np.sqrt((apart**2).sum()) / max(len(user), 1))
    area = float(areas.mean()) if len(areas) else 0.0
    wide = float(areas.std() / np.sqrt(len(areas))) if len(areas) else 0.0
    return Gain(
        mean,
        mean - WIDTH * spread,
        mean + WIDTH * spread,
        area,
        area - WIDTH * wide,
        area + WIDTH * wide,
    )


def mean_by_person(value: Floats, user: NDArray[np.integer]) -> Floats:
    """Returns the mean value of each person who has rows."""
    count = np.bincount(user)
    return np.asarray((np.bincount(user, value) / np.maximum(count, 1))[count > 0])
