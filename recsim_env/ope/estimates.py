"""What an estimator returns: a value, how far it can be trusted, and when it should not be.

Every estimator here is a function of sums over the log: the mean of terms is their sum over their
number, a self-normalised one the ratio of two sums. Intervals need no more than those sums for each
user, whose rows stand or fall together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.ope.checks import Floats
from recsim_env.ope.diagnostics import (
    WeightDiagnostics,
    clusters,
    extrapolation_warnings,
    warnings_of,
)
from recsim_env.ope.uncertainty import Formula, Uncertainty, bernstein, bootstrap
from recsim_env.results.intervals import Estimate


@dataclass(frozen=True)
class ValueEstimate:
    """What a policy would have earned, by the log of another.

    Attributes:
      estimator: its name, such as "snips".
      estimate: the value with its interval; `n` is the number of independent units: users, or rows
        where users are not known.
      weights: what the importance weights look like; None where there are none.
      warnings: sentences that say why not to believe it.
      setting: of the estimator, such as "clip=3.2", where one was chosen by the log.
    """

    estimator: str
    estimate: Estimate
    weights: WeightDiagnostics | None = None
    warnings: tuple[str, ...] = ()
    setting: str = ""

    @property
    def value(self) -> float:
        """The estimated value: reward a row, slate or session."""
        return self.estimate.mean

    @property
    def low(self) -> float:
        """Lower end of its interval."""
        return self.estimate.low

    @property
    def high(self) -> float:
        """Upper end of its interval."""
        return self.estimate.high


def mean(sums: Floats) -> Floats:
    """Returns the mean of the one column."""
    return np.asarray(sums[..., 0] / sums[..., -1])


def ratio(sums: Floats) -> Floats:
    """Returns the first column's sum over the second's; 0 where both are."""
    return divided(sums[..., 0], sums[..., 1])


def divided(above: Floats, below: Floats) -> Floats:
    """Returns quotients, 0 where there is nothing to divide by."""
    return np.asarray(np.where(below != 0.0, above / np.where(below != 0.0, below, 1.0), 0.0))


class Log(Protocol):
    """A log whose rows, or sessions, are the terms of estimates."""

    @property
    def unit_user(self) -> NDArray[Any] | None:
        """Who each term is of; None where terms are independent."""

    @property
    def diagnostics(self) -> WeightDiagnostics:
        """What the importance weights look like."""


def estimated_from(
    log: Log,
    estimator: str,
    columns: Sequence[Floats] | sparse.csr_array,
    uncertainty: Uncertainty | None,
    *,
    formula: Formula = mean,
    diagnose: Callable[[], WeightDiagnostics] | None = None,
    is_modelled: bool = False,
) -> ValueEstimate:
    """Returns an estimate of terms of a log; as `estimated`, whose arguments these are.

    The weights are those of the log, unless `diagnose` tells of others.
    """
    return estimated(
        estimator,
        columns,
        formula,
        user=log.unit_user,
        uncertainty=uncertainty,
        diagnose=diagnose or (lambda: log.diagnostics),
        is_modelled=is_modelled,
    )


def named(estimator: str, self_normalised: bool) -> str:
    """Returns the name of an estimator in one of its two forms."""
    return f"sn-{estimator}" if self_normalised else estimator


def estimated(
    estimator: str,
    columns: Sequence[Floats] | sparse.csr_array,
    formula: Formula = mean,
    *,
    user: NDArray[Any] | None = None,
    uncertainty: Uncertainty | None = None,
    diagnose: Callable[[], WeightDiagnostics] | None = None,
    is_modelled: bool = False,
) -> ValueEstimate:
    """Returns an estimate of a value as a formula of sums.

    Args:
      estimator: its name.
      columns: terms of rows, each (n,), or many as a sparse array, (n, n_columns).
      formula: of the columns' sums; `mean` by default.
      user: (n,), whose rows they are; None where rows are independent.
      uncertainty: how its interval is made.
      diagnose: returns what the importance weights look like, if there are any.
      is_modelled: the value is a model's alone; weights only tell whether it extrapolates.

    Raises:
      ValueError: a Bernstein bound of what is no mean.
    """
    uncertainty = uncertainty or Uncertainty()
    totals = _totals(columns)
    group, n_groups = clusters(user, int(totals[-1]))
    value = float(formula(totals))
    if uncertainty.method == "none":
        unasked = Estimate(value, math.nan, math.nan, n_groups, "no interval (not asked for)")
        return ValueEstimate(estimator, unasked)
    if n_groups < 2:
        interval = Estimate(value, math.nan, math.nan, n_groups, "no interval (one user)")
    elif uncertainty.method == "bootstrap":
        interval = bootstrap(value, columns, formula, (group, n_groups), uncertainty)
    elif formula is mean:
        interval = bernstein(value, columns[0], group, n_groups, uncertainty)
    else:
        raise ValueError(
            f"method='bernstein' bounds means, and {estimator} is none; use method='bootstrap'"
        )
    weights = None if diagnose is None else diagnose()
    if is_modelled and weights is not None:
        warnings = extrapolation_warnings(weights) + warnings_of(None, n_groups)
        return ValueEstimate(estimator, interval, None, warnings)
    return ValueEstimate(estimator, interval, weights, warnings_of(weights, n_groups))


def _totals(columns: Sequence[Floats] | sparse.csr_array) -> Floats:
    """Returns the sums of columns, and the number of rows, (n_columns + 1,)."""
    if isinstance(columns, sparse.csr_array):
        return np.append(columns.sum(axis=0), float(columns.shape[0]))
    return np.array([*(float(column.sum()) for column in columns), float(len(columns[0]))])
