"""What was measured in an evaluation, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from recsim_env.results.metrics import PARTS

__all__ = ["PARTS", "Backdrop", "Measurement"]


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was measured in an evaluation.

    Attributes:
      values: metrics by name; what a scenario lacks is left out.
      parts: likewise of each of `PARTS`, of the metrics that are told along the session.
      n_slates: how many were measured, of the whole and of each part.
      details: arrays that evaluations of the same people are compared by.
    """

    values: Mapping[str, float]
    parts: tuple[Mapping[str, float], ...]
    n_slates: tuple[int, ...]
    details: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Backdrop:
    """How the same people, with common random numbers, are served otherwise.

    Attributes:
      uniform: by uniform slates.
      oracle: by the oracle; None where there is none.
      people: seed, number of slots, and episodes of each, which say who they are; None where
        nobody noted it.
    """

    uniform: Measurement
    oracle: Measurement | None
    people: tuple[int, int, int] | None = None
