"""Fields and records are what was asked for, and mistakes are named."""

import numpy as np
import pytest

from recsim_env.core.fields import record_dtype, shown, within


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


@pytest.mark.parametrize(
    "wrong", [{"shape": (2, 2)}, {"one_hot": True}, {"one_hot": True, "low": 1, "high": 3}]
)
def test_what_cannot_be_shown_is_refused(wrong):
    with pytest.raises(ValueError, match="what is shown is a number or has one axis"):
        shown(int, **wrong)


@pytest.mark.parametrize(("low", "high"), [(0, "x"), (None, 1), ([0], 1), (2, 1)])
def test_ends_that_are_no_numbers_are_refused(low, high):
    with pytest.raises(ValueError, match=r"low=.* are no ends of a field; use numbers"):
        within(float, low, high)
