"""Sessions of each person, as a log has them: when, in which contexts, how long, how far apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.log import InteractionLog

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# So many of each person's sessions stand for all.
_VISITS = 8

_HOUR, _DAY = 3600.0, 86_400.0

# Hours to the next session where a log has nobody's second one.
_USUAL_GAP = 24.0


def visits_of_users(log: InteractionLog, gap_seconds: float, seed: int) -> Integers:
    """Returns the first rows of sessions in which people came, (n_users, 8).

    Of everybody 8 sessions are drawn, with repetition; who has none comes as others do.
    """
    rng = np.random.default_rng([seed, 3])
    order = np.arange(len(log)) if log.time is None else np.argsort(log.time, kind="stable")
    session = log.sessions(gap_seconds)[order]
    first = order[np.unique(session, return_index=True)[1]]
    first = first[np.argsort(log.user[first], kind="stable")]
    count = np.bincount(log.user[first], minlength=log.n_users)[:, None]
    start = np.cumsum(count)[:, None] - count
    draw = rng.random((log.n_users, _VISITS))
    place = np.where(count > 0, start + (draw * count).astype(np.int64), draw * len(first))
    return np.asarray(first[place.astype(np.int64)])


def moments_of_visits(log: InteractionLog, visits: Integers) -> Integers:
    """Returns the contexts of sessions by their first rows, (..., n_contexts), numbered on."""
    assert log.context is not None
    sizes = [len(labels) for labels in log.context_labels.values()]
    offset = np.asarray(np.cumsum(sizes) - sizes, np.int64)
    return np.asarray(log.context[visits] + offset)


def lengths_of_visits(
    log: InteractionLog, visits: Integers, gap_seconds: float, seed: int
) -> dict[str, Any]:
    """Returns the items of sessions, their days, and the hours from one's end to the person's next.

    After somebody's last session the hours are those after any other session, drawn at random.
    """
    session = log.sessions(gap_seconds)
    size = np.bincount(session).astype(np.float64)
    found = {"user_visit_items": size[session[visits]]}
    if log.time is None:
        return found | {"user_visit_gap": np.full(visits.shape, _USUAL_GAP)}
    found["user_visit_day"] = (log.time[visits] - log.time.min()) / _DAY
    begin, end = np.full(len(size), np.inf), np.full(len(size), -np.inf)
    np.minimum.at(begin, session, log.time)
    np.maximum.at(end, session, log.time)
    owner = np.empty(len(size), np.int64)
    owner[session] = log.user
    gap = np.append((begin[1:] - end[:-1]) / _HOUR, np.nan)
    gap[np.append(owner[1:] != owner[:-1], True)] = np.nan
    known = gap[~np.isnan(gap)]
    gaps = gap[session[visits]]
    is_last = np.isnan(gaps)
    some = np.random.default_rng([seed, 5]).choice(
        known if len(known) else np.array([_USUAL_GAP]), int(is_last.sum())
    )
    gaps[is_last] = some
    return found | {"user_visit_gap": np.minimum(gaps, 1e6)}
