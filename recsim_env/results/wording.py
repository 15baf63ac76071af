"""Numbers and tables as people read them: no more digits than an interval makes sense of."""

from __future__ import annotations

import math
from collections.abc import Sequence

from recsim_env.results.intervals import Estimate


def number(value: float, decimals: int | None = None) -> str:
    """Returns a number with four significant digits, and a dash for an unknown one.

    Args:
      value: any number.
      decimals: digits after the point instead.

    >>> number(1234.5), number(0.123456), number(-2, 1), number(-1e-9, 2), number(float("nan"))
    ('1,234', '0.1235', '−2.0', '0.00', '–')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is None:
        decimals = _decimals(value, 4) if value else 0
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "−")  # + 0.0: no −0.00


def with_interval(found: Estimate) -> str:
    """Returns a mean and its interval, with no more digits than the interval makes sense of.

    >>> with_interval(Estimate(60.7912, 60.3814, 61.211, 3, "95 % Student t"))
    '60.79 [60.38, 61.21]'
    >>> with_interval(Estimate(0.5, -math.inf, math.inf, 2, "95 % Fieller"))
    '0.5000 [unbounded]'
    """
    half = (found.high - found.low) / 2
    if not (math.isfinite(half) and half):
        decimals = _decimals(found.mean, 4) if found.mean else 0
    else:
        decimals = _decimals(half, 2)
    mean = number(found.mean, decimals)
    if found.low == found.high:
        return mean
    return found.text(lambda value: number(value, decimals))


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Returns rows of text, the head first, as a table of Markdown."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _decimals(value: float, digits: int) -> int:
    """Returns the decimals that show so many significant digits."""
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 6)
