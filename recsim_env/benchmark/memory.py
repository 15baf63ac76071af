"""How much memory a process had at most: since it began, or since it was asked to count anew."""

import math
import re
import sys
from pathlib import Path

_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def peak_mebibytes() -> float:
    """Returns the most memory that this process has had; NaN where the system does not tell.

    Where `count_anew` worked, it is that since then.
    """
    try:
        import resource
    except ImportError:  # Windows
        return math.nan
    if _STATUS.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text(encoding="ascii"))
        if found:
            return int(found[1]) / 2**10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most) / (2**20 if sys.platform == "darwin" else 2**10)


def count_anew() -> bool:
    """Lets `peak_mebibytes` count from now on, and returns whether that is possible: on Linux."""
    try:
        _RESET.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True
