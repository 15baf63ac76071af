"""Whether sessions are longer, and people come back sooner, where they liked what they had."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.factorization import FactorModel
from recsim_env.data.calibration.gain import WIDTH
from recsim_env.data.log import InteractionLog

Floats = NDArray[np.float64]

_HOUR = 3600.0


def session_associations(
    log: InteractionLog, model: FactorModel, gap_seconds: float
) -> list[dict[str, Any]]:
    """Returns slopes of the logarithms of sessions' lengths and pauses on how much was liked.

    Within people, by least squares, with 99 % intervals over people; liking is the rating, or in a
    log of clicks the predicted liking, in its standard deviations. It is an association: people in
    the mood for a long session may also be in the mood to like things, and the recommender of the
    log may have shown better items to those who stay. No world has it.

    Args:
      log: by time.
      model: of likings.
      gap_seconds: a longer pause starts a new session.
    """
    liking = log.rating if log.is_explicit else model.liking(log.user, log.item)
    session = log.sessions(gap_seconds)
    size = np.bincount(session).astype(np.float64)
    owner = np.empty(len(size), np.int64)
    owner[session] = log.user
    liked = np.bincount(session, liking) / size
    found = [_slope("session length", liked, np.log(size), owner)]
    if log.time is not None:
        begin, end = np.full(len(size), np.inf), np.full(len(size), -np.inf)
        np.minimum.at(begin, session, log.time)
        np.maximum.at(end, session, log.time)
        is_followed = owner[1:] == owner[:-1]
        pause = np.log((begin[1:] - end[:-1])[is_followed] / _HOUR)
        before = np.flatnonzero(is_followed)
        found.append(_slope("hours to the next session", liked[before], pause, owner[before]))
    return [each for each in found if each]


def _slope(of: str, liked: Floats, outcome: Floats, owner: NDArray[np.int64]) -> dict[str, Any]:
    """Returns the slope within people and its interval; nothing where nobody differs."""
    count = np.maximum(np.bincount(owner), 1)
    x, y = (v - (np.bincount(owner, v) / count)[owner] for v in (liked, outcome))
    if len(x) < 2 or float(x.std()) < 1e-9:
        return {}
    x = x / x.std()
    total = float((x**2).sum())
    slope = float((x * y).sum()) / total
    error = float(np.sqrt((np.bincount(owner, x * (y - slope * x)) ** 2).sum())) / total
    low, high = slope - WIDTH * error, slope + WIDTH * error
    return {"of": of, "slope": slope, "low": low, "high": high, "n_sessions": len(x)}
