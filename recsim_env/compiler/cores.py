"""How many threads compiled loops may use."""

import os


def n_threads() -> int:
    """Returns the number of this process's cores, or OMP_NUM_THREADS where that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    most = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores or 1, int(most)) if most.isdecimal() and int(most) else cores or 1
