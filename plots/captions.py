"""What a figure or a table must say about its numbers: seeds, interactions, kind of interval."""

from __future__ import annotations

import math
from collections.abc import Iterable

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
    """
    half = (found.high - found.low) / 2
    if not (math.isfinite(half) and half):
        decimals = _decimals(found.mean, 4) if found.mean else 0
    else:
        decimals = _decimals(half, 2)
    mean = number(found.mean, decimals)
    if not found.has_interval or found.low == found.high:
        return mean
    return f"{mean} [{number(found.low, decimals)}, {number(found.high, decimals)}]"


def _decimals(value: float, digits: int) -> int:
    """Returns the decimals that show so many significant digits."""
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 6)


def interactions(counts: Iterable[int]) -> str:
    """Returns how many interactions the runs had, as one number or a range.

    Beside others, those of agents that were made elsewhere, which have none, do not count.

    >>> interactions([0, 20_000, 20_000]), interactions([5_000, 20_000])
    ('20,000 interactions', '5,000 to 20,000 interactions')
    """
    found = sorted(set(counts))
    found = [count for count in found if count] or found
    return f"{_range(found, ',')} interactions"


def seeds_and_intervals(estimates: Iterable[Estimate], drawn: str = "intervals") -> str:
    """Returns how many seeds are behind the estimates and which intervals go with them.

    Args:
      estimates: all that were drawn or printed.
      drawn: what shows the intervals, such as bands.

    >>> seeds_and_intervals([Estimate(1.0, 0.5, 1.5, 3, "95 % Student t")], "bands")
    'mean of 3 seeds, bands: 95 % Student t'
    """
    found = list(estimates)
    methods = sorted({each.method for each in found if each.has_interval})
    shown = f"{drawn}: {', '.join(methods)}" if methods else "which gives no interval"
    return f"mean of {seeds(found)}, {shown}"


def seeds(estimates: Iterable[Estimate]) -> str:
    """Returns how many seeds are behind the estimates.

    >>> seeds([Estimate(1.0, 0.5, 1.5, 3, "95 % Student t")])
    '3 seeds'
    """
    counts = sorted({each.n for each in estimates})
    return f"{_range(counts)} {'seed' if counts == [1] else 'seeds'}"


def _range(counts: list[int], grouping: str = "") -> str:
    ends = dict.fromkeys((counts[0], counts[-1]))
    return " to ".join(format(count, grouping) for count in ends)
