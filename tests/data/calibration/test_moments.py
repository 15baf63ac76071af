"""Contexts are the log's own, and hour and weekday where times tell them."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data.calibration.moments import MOST_LEVELS, in_moments
from recsim_env.data.impressions import Impressions

MONDAY_NOON = 1_764_590_400.0  # 1 December 2025


def test_hour_and_weekday_are_read_off_times(make_log):
    log = make_log([0, 0, 1], [0, 1, 0], [1, 2, 3], MONDAY_NOON + np.array([0, 3600, 2 * 86_400]))
    found = in_moments(log)
    assert list(found.context_labels) == ["hour", "weekday"]
    known = list(found.context_labels.values())
    labels = [[known[c][level] for c, level in enumerate(row)] for row in found.context]
    assert labels == [["12", "Monday"], ["13", "Monday"], ["12", "Wednesday"]]


def test_an_hour_of_the_log_s_own_stands(make_log):
    log = dataclasses.replace(
        make_log([0, 0, 1], [0, 1, 0], [1, 2, 3], MONDAY_NOON + np.array([0, 3600, 2 * 86_400])),
        context=np.array([[0], [1], [0]], np.int32),
        context_labels={"hour": ("7", "8")},
    )
    found = in_moments(log)
    assert {name: tuple(labels) for name, labels in found.context_labels.items()} == {
        "hour": ("7", "8"),
        "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    }
    assert found.context[:, 0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("time", [None, [1.0, 5e4, 9e4], [MONDAY_NOON] * 3])
def test_times_that_tell_no_context_give_none(time, make_log):
    found = in_moments(make_log([0, 0, 1], [0, 1, 0], [1, 2, 3], time))
    assert found.context is None and not found.context_labels


def test_rare_levels_of_a_context_are_put_together(make_log):
    n = 3 * MOST_LEVELS
    level = np.append(np.arange(n), np.repeat([7, 90], 5)).astype(np.int32)
    log = make_log(np.zeros(len(level)), np.zeros(len(level)), np.ones(len(level)))
    log = dataclasses.replace(
        log,
        context=level[:, None],
        context_labels={"device": [f"d{k}" for k in range(n)]},
    )
    found = in_moments(log)
    labels = found.context_labels["device"]
    assert len(labels) == MOST_LEVELS == found.context.max() + 1
    assert labels[:2] == ("d7", "d90") and labels[-1] == "other"
    assert (found.context[[7, 90], 0] == [0, 1]).all()


def test_contexts_of_what_was_shown_go_along(make_log):
    log = dataclasses.replace(
        make_log([0, 0], [0, 1], [1, 1], MONDAY_NOON + np.array([0, 3600]), is_explicit=False),
        context=np.array([[0], [1]], np.int32),
        context_labels={"device": ("phone", "tv")},
        impressions=Impressions(
            user=np.array([0, 0, 0], np.int32),
            item=np.array([0, 1, 1], np.int32),
            row=np.array([0, -1, 1]),
            time=MONDAY_NOON + np.array([0.0, 7200.0, 3600.0]),
            slate=None,
            place=None,
            context=np.array([[0], [1], [1]], np.int32),
        ),
    )
    found = in_moments(log)
    assert list(found.context_labels) == ["device", "hour"]
    assert found.impressions.context.tolist() == [[0, 12], [1, 14], [1, 13]]
    timeless = dataclasses.replace(log.impressions, time=None)
    found = in_moments(dataclasses.replace(log, impressions=timeless))
    assert list(found.context_labels) == ["device"]
    assert found.impressions.context.tolist() == [[0], [1], [1]]
