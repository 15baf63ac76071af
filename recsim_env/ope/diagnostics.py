"""What importance weights look like, and why an estimate should not be believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.ope.checks import Floats

#: Below so many effective rows, or with so few users, intervals are too narrow.
_FEW_EFFECTIVE, _FEW_UNITS = 50, 20

#: Above such a shape of the tail a mean of weights converges too slowly to be trusted.
_HEAVY_TAIL = 0.7

#: A greater share of a model's values at the limit of what a log has seen makes its mean doubtful.
_MOST_AT_LIMIT = 0.05


@dataclass(frozen=True)
class WeightDiagnostics:
    """What importance weights look like.

    Attributes:
      n: how many there are.
      mean: of the weights; 1 in expectation where the logging policy shows all that the target
        shows, and lower by the share that it never shows.
      mean_error: the standard error of that mean, users being independent.
      effective_sample_size: as many equal weights would spread a mean as much.
      effective_by_context: the same by context, as a share of the context's rows; None without.
      largest: the largest weight.
      top_share: what the heaviest 1 % of rows carry of all weight.
      tail: shape of the generalised Pareto distribution of the largest weights; from 0.5 on they
        have no finite variance, from 1 on no finite mean. NaN where they do not vary.
      unsupported: how often the target chooses what the logging policy never does, in the mean;
        NaN where it is not known.
    """

    n: int
    mean: float
    mean_error: float
    effective_sample_size: float
    effective_by_context: Mapping[int, float] | None
    largest: float
    top_share: float
    tail: float
    unsupported: float = math.nan


def weight_diagnostics(
    weights: Floats,
    *,
    user: NDArray[Any] | None = None,
    context: NDArray[np.integer] | None = None,
    unsupported: Floats | None = None,
) -> WeightDiagnostics:
    """Returns what weights look like.

    Args:
      weights: (n,).
      user, context, unsupported: (n,), as of `LoggedActions`.

    Source: Kish 1965, "Survey sampling" (effective sample size).

    >>> weight_diagnostics(np.ones(5)).effective_sample_size
    5.0
    """
    n = len(weights)
    top = max(n // 100, 1)
    heaviest = np.partition(weights, n - top)[n - top :]
    total = float(weights.sum())
    return WeightDiagnostics(
        n=n,
        mean=total / n,
        mean_error=_error_of_mean(weights, user),
        effective_sample_size=_effective(total, float(weights @ weights)),
        effective_by_context=None if context is None else _effective_by(weights, context),
        largest=float(heaviest.max()),
        top_share=float(heaviest.sum()) / total if total else 0.0,
        tail=pareto_shape(weights),
        unsupported=math.nan if unsupported is None else float(unsupported.mean()),
    )


def warnings_of(weights: WeightDiagnostics | None, n_units: int) -> tuple[str, ...]:
    """Returns sentences that say why not to believe an estimate, the gravest first.

    Args:
      weights: what it rests on; None for what uses no weights.
      n_units: how many users, or independent rows, it rests on.
    """
    found = []
    if weights is not None:
        found += _support_warnings(weights)
        if weights.effective_sample_size < min(_FEW_EFFECTIVE, weights.n / 2):
            found.append(
                f"The weights leave {weights.effective_sample_size:.1f} effective rows of "
                f"{weights.n:,}: the target policy is too far from the logging policy."
            )
        if weights.tail > _HEAVY_TAIL:
            found.append(
                f"The largest weights have a tail of shape {weights.tail:.2f} (above "
                f"{_HEAVY_TAIL}): a few rows decide, and the interval is too narrow."
            )
    if n_units < _FEW_UNITS:
        found.append(f"Only {n_units} independent users or rows: the interval is too narrow.")
    return tuple(found)


def extrapolation_warnings(weights: WeightDiagnostics) -> tuple[str, ...]:
    """Returns what to say of a model's value where the log hardly shows what the target does.

    Args:
      weights: of the log's rows, though the model uses none.
    """
    is_shown = weights.effective_sample_size >= min(_FEW_EFFECTIVE, weights.n / 2)
    if is_shown and not _support_warnings(weights):
        return ()
    return (
        "The log shows little or nothing of what the target policy does: the value is what a model "
        "makes of it.",
    )


def limit_warnings(values: Floats, limits: tuple[float, float]) -> tuple[str, ...]:
    """Returns what to say of a model's values that lie at the ends of what the log has seen.

    Args:
      values: (n,), of the model.
      limits: the least and the most that was earned.
    """
    low, high = limits
    at_limit = float(((values <= low) | (values >= high)).mean())
    if low == high or at_limit <= _MOST_AT_LIMIT:
        return ()
    return (
        f"In {at_limit:.0%} of sessions the model's value is the least or the most that the log "
        f"has seen earned ({low:.4g} to {high:.4g}): what the policy earns may lie beyond.",
    )


def _support_warnings(weights: WeightDiagnostics) -> list[str]:
    if weights.unsupported > 0.001:
        return [
            f"The target policy chooses what the logging policy never does in "
            f"{weights.unsupported:.1%} of cases: what that earns is not in the log."
        ]
    if abs(weights.mean - 1.0) > max(3.0 * weights.mean_error, 1e-6):
        why = (
            "it shows what the logging policy never does, or propensities are wrong"
            if weights.mean < 1.0
            else "propensities are wrong, or the log is not of this policy"
        )
        return [
            f"The weights of the target policy have mean {weights.mean:.3f} ± "
            f"{weights.mean_error:.3f} instead of 1: {why}."
        ]
    return []


def clusters(user: NDArray[Any] | None, n: int) -> tuple[NDArray[np.intp] | None, int]:
    """Returns the number of each row's user, from 0, and how many users there are.

    Args:
      user: (n,); None where each row is its own, and no numbers are returned.
      n: how many rows.
    """
    if user is None:
        return None, n
    is_dense = user.dtype.kind in "iu" and user.min() >= 0 and user.max() < 4 * n
    if not is_dense:
        labels, numbers = np.unique(user, return_inverse=True)
        return numbers, len(labels)
    is_there = np.zeros(int(user.max()) + 1, bool)
    is_there[user] = True
    numbers = np.cumsum(is_there) - 1
    return numbers[user], int(numbers[-1]) + 1


def pareto_shape(weights: Floats) -> float:
    """Returns the shape of a generalised Pareto distribution fitted to the largest weights.

    Fitted are the largest of n, min(n / 5, 3 sqrt(n)), above the next; NaN where fewer than 5 of
    these differ from it.

    Source: Vehtari et al. 2024, "Pareto smoothed importance sampling"; Zhang and Stephens 2009, "A
      new and efficient estimation method for the generalized Pareto distribution" (the fit).
    Differs: the estimate is not shrunk.
    """
    n = len(weights)
    most = int(min(n / 5, 3 * math.sqrt(n)))
    if most < 5:
        return math.nan
    largest = np.sort(np.partition(weights, n - most - 1)[n - most - 1 :])
    excess = largest[1:] - largest[0]
    excess = excess[excess > 1e-12 * abs(largest[-1])]
    if len(excess) < 5:
        return math.nan
    m = len(excess)
    grid = np.arange(1, 31 + int(math.sqrt(m))) - 0.5
    quarter = excess[int(m / 4 + 0.5) - 1]
    b = 1 / excess[-1] + (1 - np.sqrt(len(grid) / grid)) / (3 * quarter)
    b = b[np.abs(b) * excess[-1] > 1e-12]  # at 0 the distribution is another, the exponential one
    shape = np.log1p(-b[:, None] * excess).mean(axis=1)
    likelihood = m * (np.log(-b / shape) - shape - 1)
    chances = np.exp(likelihood - likelihood.max())
    best = float(b @ chances / chances.sum())
    return float(np.log1p(-best * excess).mean())


def _error_of_mean(weights: Floats, user: NDArray[Any] | None) -> float:
    """Returns the standard error of the mean weight, rows of a user standing together."""
    group, n = clusters(user, len(weights))
    if n < 2:
        return math.nan
    centred = weights - weights.mean()
    sums = centred if group is None else np.bincount(group, centred)
    return math.sqrt(float(sums @ sums) * n / (n - 1)) / len(weights)


def _effective(total: float, squares: float) -> float:
    return total * total / squares if squares else 0.0


def _effective_by(weights: Floats, context: NDArray[np.integer]) -> dict[int, float]:
    labels, numbers = np.unique(context, return_inverse=True)
    totals = np.bincount(numbers, weights)
    squares, sizes = np.bincount(numbers, weights * weights), np.bincount(numbers)
    return {
        int(label): _effective(float(total), float(square)) / int(size)
        for label, total, square, size in zip(labels, totals, squares, sizes, strict=True)
    }
