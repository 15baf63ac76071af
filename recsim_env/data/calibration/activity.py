"""How often people come and how much they consume each time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.log import InteractionLog

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Activity:
    """Sessions of a population.

    Attributes:
      visit_weight: (n_users,), each user's share of all sessions.
      session_mean: (n_users,), expected number of items per session.
      session_log_sd: spread of the logarithm of a session's size around its user's.
      n_sessions: observed.
    """

    visit_weight: Floats
    session_mean: Floats
    session_log_sd: float
    n_sessions: int


def fit_activity(log: InteractionLog, gap_seconds: float) -> Activity:
    """Returns how often each user comes, and how long their sessions are.

    The logarithm of a session's size is a population mean, plus what is the user's own, plus what
    is the session's. Most people have few sessions, so a user's own part is the mean of theirs
    drawn towards the population's, by the ratio of the two variances (from one-way analysis of
    variance). Users' means are scaled, and the spread within a user is set, so that session sizes
    have the observed mean and variance. A log-normal has one mode: where real sessions are either
    very short or long, as in many logs, short ones are too rare in the world.

    Source: Searle, Casella and McCulloch 1992, "Variance components", chapters 3 and 7.
    """
    session = log.sessions(gap_seconds)
    size = np.bincount(session).astype(np.float64)
    owner = np.empty(len(size), np.int64)
    owner[session] = log.user
    n_sessions = np.bincount(owner, minlength=log.n_users).astype(np.float64)
    log_size = np.log(size)
    centre = log_size.mean()
    own = np.bincount(owner, log_size - centre, minlength=log.n_users) / np.maximum(n_sessions, 1.0)
    within, between = _variance_components(log_size - centre, owner, own, n_sessions)
    trust = between / (between + within / np.maximum(n_sessions, 1.0)) if between > 0 else 0.0
    log_mean = centre + trust * own
    session_mean = np.exp(log_mean)
    session_mean *= size.mean() / session_mean[owner].mean()
    spread = np.sqrt(max(np.log(np.mean(size**2) / np.mean(session_mean[owner] ** 2)), 0.0))
    return Activity(n_sessions / n_sessions.sum(), session_mean, float(spread), len(size))


def _variance_components(
    log_size: Floats, owner: NDArray[np.int64], own: Floats, n_sessions: Floats
) -> tuple[float, float]:
    """Returns the variances within and between users, by the method of moments.

    Where nobody came twice the two cannot be told apart, and half is given to each.
    """
    n, n_active = len(log_size), int((n_sessions > 0).sum())
    if n == n_active or n_active == 1:
        return 0.5 * float(log_size.var()), 0.5 * float(log_size.var()) * (n_active > 1)
    within = float(((log_size - own[owner]) ** 2).sum()) / (n - n_active)
    mean_square = float((n_sessions * own**2).sum()) / (n_active - 1)
    typical_sessions = (n - float((n_sessions**2).sum()) / n) / (n_active - 1)
    return within, max((mean_square - within) / typical_sessions, 0.0)
