"""The contexts that people come in: what a log says of them, and what its times do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.log import InteractionLog

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOUR, _DAY, _FIRST_MONDAY = 3600.0, 86_400.0, 4 * 86_400.0  # 1970 began on a Thursday

# Times below are no seconds since 1970, but numbers of days, rows or something else.
_FIRST_REAL_TIME = 1e8

#: Rarer levels of a context are one, and so are those beyond so many.
MOST_LEVELS = 50


@dataclass(frozen=True)
class Moments:
    """In which contexts the rows of a log happened.

    Attributes:
      names: of the contexts.
      labels: of each context its levels.
      level: (n_rows, n_contexts) int32.
    """

    names: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    level: NDArray[np.int32]


def moments_of(log: InteractionLog) -> Moments:
    """Returns the log's own contexts, and after them hour and weekday, in UTC, where times tell.

    Times tell the hour if they are seconds since 1970 that fall into more than one hour of a day,
    and the weekday if into more than one. A context of one level is left out. Of one with more than
    50, the rarest are put together as "other".
    """
    given = [(name, tuple(labels)) for name, labels in log.context_labels.items()]
    columns = [] if log.context is None else list(log.context.T)
    if log.time is not None and log.time.min() >= _FIRST_REAL_TIME:
        given += [("hour", tuple(f"{hour:02d}" for hour in range(24))), ("weekday", _DAYS)]
        columns.append((log.time % _DAY // _HOUR).astype(np.int32))
        columns.append(((log.time - _FIRST_MONDAY) // _DAY % 7).astype(np.int32))
    kept = [
        (name, *_common(labels, level))
        for (name, labels), level in zip(given, columns, strict=True)
        if level.min() < level.max()
    ]
    levels = [level for _, _, level in kept]
    return Moments(
        tuple(name for name, _, _ in kept),
        tuple(labels for _, labels, _ in kept),
        np.column_stack(levels) if levels else np.zeros((len(log), 0), np.int32),
    )


def _common(
    labels: tuple[str, ...], level: NDArray[np.int32]
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Returns the levels, of which the rarest beyond the limit are one."""
    if len(labels) <= MOST_LEVELS:
        return labels, level.astype(np.int32)
    order = np.argsort(-np.bincount(level, minlength=len(labels)), kind="stable")
    number = np.full(len(labels), MOST_LEVELS - 1, np.int32)
    number[order[: MOST_LEVELS - 1]] = np.arange(MOST_LEVELS - 1)
    names = (*(labels[k] for k in order[: MOST_LEVELS - 1]), "other")
    return names, number[level]
