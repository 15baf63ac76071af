"""Commas in numbers: before decimals, and not between thousands or codes."""

from __future__ import annotations

import re
from collections.abc import Iterable

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,(\d+)")


def decimal_commas(values: Iterable[str]) -> bool:
    """Returns whether all texts are numbers with a comma before equally many decimals: 2,5 and 3,0.

    Lists of codes, such as 5 and 1,12, are none; nor are thousands, such as 1,250, unless one of
    the numbers begins with a single 0.
    """
    found = [_DECIMAL_COMMA.fullmatch(value.strip()) for value in values]
    n_decimals = {len(each[1]) if each else 0 for each in found}
    if n_decimals == {3}:
        return any(each and each[0].lstrip("+-").startswith("0,") for each in found)
    return len(n_decimals) == 1 and 0 not in n_decimals
