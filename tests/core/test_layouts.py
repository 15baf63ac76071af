"""Layouts: records are what was asked for, and mistakes are named."""

import numpy as np
import pytest
from gymnasium import spaces

from recsim_env.core.layouts import float_count, observation_dtype, record_dtype


def test_record_has_the_fields_asked_for():
    dtype = record_dtype(
        {"interest": (float, 3), "is_new": bool, "counts": (int, (2, 2))}, of="user"
    )
    assert dtype["interest"].shape == (3,)
    assert dtype["counts"].shape == (2, 2)
    assert dtype["is_new"] == np.bool_
    assert dtype.isalignedstruct


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"size": float}, "field name 'size' cannot be used"),
        ({"_secret": float}, "field name '_secret' cannot be used"),
        ({"two words": float}, "field name 'two words' cannot be used"),
        ({"interest": (float, 0)}, "every size must be at least 1"),
        ({"is_bored": (bool, 3)}, "is_bored is an array of bool, .*use np.int8"),
        ({"name": str}, "is not a number"),
    ],
)
def test_unusable_fields_are_named(layout, message):
    with pytest.raises(ValueError, match=message):
        record_dtype(layout, of="user")


def test_floats_lead_the_observation():
    fields = {
        "user": spaces.Box(0, 1, (3,), np.float32),
        "candidates": spaces.Box(0, 1, (2, 2), np.float32),
        "user_id": spaces.Discrete(10),
        "item_id": spaces.MultiDiscrete([5, 5]),
    }
    dtype = observation_dtype(fields)
    records = np.zeros(2, dtype)
    records["user"], records["candidates"] = 1, 2
    floats = records.view(np.float32).reshape(2, -1)[:, : float_count(fields)]
    assert np.array_equal(floats, [[1, 1, 1, 2, 2, 2, 2]] * 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"user": spaces.Box(0, 1, (3,), np.float64)},
        {"user": spaces.Box(0, 1, (), np.float32)},
        {"user": spaces.Text(5)},
        {"user_id": spaces.Discrete(3), "user": spaces.Box(0, 1, (3,), np.float32)},
    ],
)
def test_unusable_spaces_are_named(fields):
    with pytest.raises(ValueError, match="observation 'user'"):
        observation_dtype(fields)
