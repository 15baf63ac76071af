"""Contexts are the log's own, and hour and weekday where times tell them."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data.calibration.moments import MOST_LEVELS, moments_of

MONDAY_NOON = 1_764_590_400.0  # 1 December 2025


def test_hour_and_weekday_are_read_off_times(make_log):
    log = make_log([0, 0, 1], [0, 1, 0], [1, 2, 3], MONDAY_NOON + np.array([0, 3600, 2 * 86_400]))
    moments = moments_of(log)
    assert moments.names == ("hour", "weekday")
    labels = [[moments.labels[c][level] for c, level in enumerate(row)] for row in moments.level]
    assert labels == [["12", "Monday"], ["13", "Monday"], ["12", "Wednesday"]]


@pytest.mark.parametrize("time", [None, [1.0, 5e4, 9e4], [MONDAY_NOON] * 3])
def test_times_that_tell_no_context_give_none(time, make_log):
    moments = moments_of(make_log([0, 0, 1], [0, 1, 0], [1, 2, 3], time))
    assert moments.names == () and moments.level.shape == (3, 0)


def test_rare_levels_of_a_context_are_put_together(make_log):
    n = 3 * MOST_LEVELS
    level = np.append(np.arange(n), np.repeat([7, 90], 5)).astype(np.int32)
    log = make_log(np.zeros(len(level)), np.zeros(len(level)), np.ones(len(level)))
    log = dataclasses.replace(
        log,
        context=level[:, None],
        context_labels={"device": [f"d{k}" for k in range(n)]},
    )
    moments = moments_of(log)
    assert len(moments.labels[0]) == MOST_LEVELS == moments.level.max() + 1
    assert moments.labels[0][:2] == ("d7", "d90") and moments.labels[0][-1] == "other"
    assert (moments.level[[7, 90], 0] == [0, 1]).all()
