"""Logged sessions as plain arrays, checked once: steps in order, one session after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.ope.checks import (
    Floats,
    check_probabilities,
    check_propensities,
    check_shapes,
    set_floats,
    set_labels,
)
from recsim_env.ope.diagnostics import WeightDiagnostics, weight_diagnostics


@dataclass(frozen=True, eq=False, kw_only=True)
class LoggedSessions:
    """One step a row, in sessions that stand one after the other, each in the order of its steps.

    Attributes:
      session: (n,), integers; equal numbers stand together.
      reward: (n,), what the step earned.
      propensity: (n,), probability of what was shown under the logging policy, in (0, 1].
      target: (n,), the same under the target policy, in [0, 1].
      gamma: discount of a step, in [0, 1].
      model_reward: (n,), a model's expected return from this step on, given what was shown (Q).
      model_value: (n,), the same with what is shown drawn by the target policy (V).
      user: (n,), who it was; sessions of one user are resampled together. None: sessions are
        independent.
      context: as for `LoggedActions`; that of its first step counts for the session.

    Raises:
      ValueError: an array of another length, not finite, or out of its range; a session that is
        interrupted by another.
    """

    session: NDArray[np.integer]
    reward: Floats
    propensity: Floats
    target: Floats
    gamma: float = 1.0
    model_reward: Floats | None = None
    model_value: Floats | None = None
    user: NDArray[Any] | None = None
    context: NDArray[np.integer] | None = None

    def __post_init__(self) -> None:
        set_floats(self, "reward", "propensity", "target", "model_reward", "model_value")
        set_labels(self, "session", "user", "context")
        check_shapes(self, (len(self.reward),))
        check_propensities(self.propensity, "propensity")
        check_probabilities(self.target, "target")
        if not 0.0 <= self.gamma <= 1.0:
            raise ValueError(f"gamma={self.gamma} is not in [0, 1]; 1 adds rewards up")
        if len(np.unique(self.session[self.starts])) < len(self.starts):
            raise ValueError(
                "session holds a number twice with another between; sort rows by session and step"
            )

    def __len__(self) -> int:
        return len(self.reward)

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """The row of each session's first step, (n_sessions,)."""
        changes = self.session[1:] != self.session[:-1]
        return np.concatenate([[0], np.flatnonzero(changes) + 1])

    @cached_property
    def lengths(self) -> NDArray[np.intp]:
        """How many steps each session has, (n_sessions,)."""
        return np.diff(self.starts, append=len(self))

    @cached_property
    def step(self) -> NDArray[np.intp]:
        """The number of each row's step in its session, from 0, (n,)."""
        return np.arange(len(self)) - np.repeat(self.starts, self.lengths)

    @cached_property
    def weights(self) -> Floats:
        """The product of target over logging probability from the first step to each, (n,)."""
        product = self.target / self.propensity
        longest = int(self.lengths.max())
        for step in range(1, longest):
            rows = self.starts[self.lengths > step] + step
            product[rows] *= product[rows - 1]
        return product

    @cached_property
    def rest_earned(self) -> tuple[float, float]:
        """The least and the most that any session earned from any of its steps on, discounted."""
        earned = np.append(self.reward, 0.0)
        for step in reversed(range(int(self.lengths.max()) - 1)):
            rows = self.starts[self.lengths > step + 1] + step
            earned[rows] += self.gamma * earned[rows + 1]
        return float(earned.min()), float(earned.max())

    @property
    def unit_user(self) -> NDArray[Any] | None:
        """Who each session is of, (n_sessions,)."""
        return None if self.user is None else self.user[self.starts]

    @property
    def session_context(self) -> NDArray[np.integer] | None:
        """The context in which each session begins, (n_sessions,)."""
        return None if self.context is None else self.context[self.starts]

    @property
    def session_weights(self) -> Floats:
        """The weight of each whole session, (n_sessions,)."""
        return self.weights[self.starts + self.lengths - 1]

    @cached_property
    def diagnostics(self) -> WeightDiagnostics:
        """What the weights of whole sessions look like."""
        return weight_diagnostics(
            self.session_weights, user=self.unit_user, context=self.session_context
        )
