"""People drawn from a large log, where some tell as much as all."""

from __future__ import annotations

import numpy as np

from recsim_env.data.log import InteractionLog


def some_people(log: InteractionLog, n_rows: int, seed: int) -> InteractionLog:
    """Returns all rows of people drawn at random who have about so many, or a shorter log as it is.

    The ids of people and items stay as they are.

    Args:
      log: whose rows.
      n_rows: the last person drawn exceeds it.
      seed: of who is drawn.
    """
    if len(log) <= n_rows:
        return log
    order = np.random.default_rng(seed).permutation(log.n_users)
    counts = np.bincount(log.user, minlength=log.n_users)[order]
    is_drawn = np.zeros(log.n_users, bool)
    is_drawn[order[: int(np.searchsorted(np.cumsum(counts), n_rows)) + 1]] = True
    return log.select(is_drawn[log.user])
