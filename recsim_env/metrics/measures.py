"""What a measure is: something that is shown what was served, and then says numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from recsim_env.metrics.measurement import Backdrop
from recsim_env.metrics.served import Served, Stage


class Measure(Protocol):
    """Adds up what some metrics need; made anew for each evaluation.

    A class of measures is called with the stage; `suits` says before whether the scenario has what
    they need.
    """

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Returns whether there is anything to measure."""

    def add(self, served: Served) -> None:
        """Adds slates; they come in the order of time, in blocks of any size."""

    def result(self, backdrop: Backdrop | None) -> Mapping[str, float]:
        """Returns metrics by name; NaN, or left out, where they are not defined.

        Args:
          backdrop: how uniform slates and the oracle served the same people; None while these two
            are measured themselves.
        """

    def details(self) -> Mapping[str, np.ndarray]:
        """Returns arrays that another evaluation of the same people is compared with, by name."""


class PartMeasure(Protocol):
    """Says a number of each slate, whose mean is told of the whole and along the session."""

    @classmethod
    def suits(cls, stage: Stage) -> bool:
        """Returns whether there is anything to measure."""

    def of_slates(self, served: Served, backdrop: Backdrop | None) -> Mapping[str, np.ndarray]:
        """Returns metrics by name, (m,) numbers; NaN of a slate that one is not defined of."""
