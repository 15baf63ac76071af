"""The contexts that people come in: what a log says of them, and what its times do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.log import InteractionLog

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOUR, _DAY, _FIRST_MONDAY = 3600.0, 86_400.0, 4 * 86_400.0  # 1970 began on a Thursday

# Times below are no seconds since 1970, but numbers of days, rows or something else.
_FIRST_REAL_TIME = 1e8

# A name, and labels.
_Context = tuple[str, tuple[str, ...]]

#: Rarer levels of a context are one, and so are those beyond so many.
MOST_LEVELS = 50


def in_moments(log: InteractionLog) -> InteractionLog:
    """Returns a log whose contexts are its own and, where times tell them, hour and weekday in UTC.

    Times tell the hour if they are seconds since 1970 that fall into more than one hour of a day,
    and the weekday if into more than one; an hour or weekday of the log's own stands. A context of
    one level is left out. Of one with more than 50, the rarest are put together as "other".
    """
    shown = log.impressions
    own = [(name, tuple(labels)) for name, labels in log.context_labels.items()]
    known, levels = _levels(own, log.context, log.time)
    if shown is not None:
        of_time, of_shown = _levels(own, shown.context if own else None, shown.time)
        known = known[: len(of_time)]  # where moments of impressions are unknown, none is asked for
    kept = [
        (k, name, *_common(labels, levels[k]))
        for k, (name, labels) in enumerate(known)
        if levels[k].min() < levels[k].max()
    ]
    if shown is not None:
        renamed = _joined([number[of_shown[k]] for k, _, _, number in kept])
        none = np.zeros((len(shown), 0), np.int32)
        shown = replace(shown, context=none if renamed is None else renamed)
    return replace(
        log,
        context=_joined([number[levels[k]] for k, _, _, number in kept]),
        context_labels={name: labels for _, name, labels, _ in kept},
        impressions=shown,
    )


def _levels(
    own: list[_Context], context: NDArray[np.int32] | None, time: NDArray[np.float64] | None
) -> tuple[list[_Context], list[NDArray[np.int32]]]:
    """Returns names and labels of contexts, those of times behind those given, and their levels."""
    columns = [] if context is None else list(context.T)
    if time is None or not len(time) or time.min() < _FIRST_REAL_TIME:
        return own, columns
    hours = tuple(f"{each:02d}" for each in range(24))
    of_time = (
        ("hour", hours, time % _DAY // _HOUR),
        ("weekday", _DAYS, (time - _FIRST_MONDAY) // _DAY % 7),
    )
    named = {name for name, _ in own}  # the log may have an hour of its own, in local time say
    new = [each for each in of_time if each[0] not in named]
    columns += [level.astype(np.int32) for _, _, level in new]
    return [*own, *((name, labels) for name, labels, _ in new)], columns


def _joined(columns: list[NDArray[np.int32]]) -> NDArray[np.int32] | None:
    return np.column_stack(columns) if columns else None


def _common(
    labels: tuple[str, ...], level: NDArray[np.int32]
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Returns the levels, of which the rarest beyond the limit are one, and which each becomes."""
    if len(labels) <= MOST_LEVELS:
        return labels, np.arange(len(labels), dtype=np.int32)
    order = np.argsort(-np.bincount(level, minlength=len(labels)), kind="stable")
    number = np.full(len(labels), MOST_LEVELS - 1, np.int32)
    number[order[: MOST_LEVELS - 1]] = np.arange(MOST_LEVELS - 1)
    return (*(labels[k] for k in order[: MOST_LEVELS - 1]), "other"), number
