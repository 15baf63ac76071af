"""Numbers and text on their way into the page: short, and never markup."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from recsim_env.results.intervals import Estimate

_DIGITS = 6


def short(value: float) -> float | int | None:
    """Returns a number of six significant digits; None, JSON's null, of one that is not finite.

    >>> short(1234.56789), short(2.0), short(float("nan"))
    (1234.57, 2, None)
    """
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def ends(found: Estimate) -> list[float | int | None]:
    """Returns mean, low and high of an estimate, shortened."""
    return [short(found.mean), short(found.low), short(found.high)]


def embedded(content: Any) -> str:
    """Returns JSON that can stand within a script element: no name in it can end the element.

    >>> embedded({"label": "</script>"})
    '{"label":"\\\\u003c/script>"}'
    """
    text = json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def line_of(x: Sequence[int], estimates: Sequence[Estimate], number: int) -> dict[str, Any]:
    """Returns an agent's line: its number on the page, and columns x, mean, low and high."""
    points = [ends(each) for each in estimates[: len(x)]]
    columns = dict(zip(("mean", "low", "high"), map(list, zip(*points, strict=True)), strict=True))
    return {"agent": number, "x": [short(each) for each in x], **columns}
