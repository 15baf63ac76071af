"""What agents save is nested, has one name each in files, and is checked on its way back."""

import numpy as np
import pytest

from recsim_env.agents.core.restoring import flattened, nested, part, require_finite, split

STATE = {
    "model": {"mean": np.arange(3.0), "common": {"cross": np.ones((2, 2))}},
    "learning": {"n_due": 4, "sessions": {"is_over": np.array([True, False])}},
}


def test_names_of_files_are_joined_by_dots_and_taken_apart_again():
    arrays = flattened(STATE)
    assert list(arrays) == [
        "model.mean",
        "model.common.cross",
        "learning.n_due",
        "learning.sessions.is_over",
    ]
    again = nested(arrays)
    assert again["learning"]["n_due"] == 4
    assert again["model"]["common"]["cross"] is STATE["model"]["common"]["cross"]
    assert flattened(again).keys() == arrays.keys()


@pytest.mark.parametrize("names", [("log", "log.reward"), ("log.reward", "log")])
def test_what_is_an_array_holds_no_others(names):
    with pytest.raises(ValueError, match="array"):
        nested({name: np.zeros(2) for name in names})


def test_what_nobody_takes_is_left_over_and_what_is_missing_is_named():
    own, rest = split(STATE, "model")
    assert own == {"model": STATE["model"]}
    assert rest == {"learning": STATE["learning"]}
    with pytest.raises(ValueError, match="^tally is missing$"):
        split(STATE, "model", "tally")


def test_a_dict_that_was_empty_is_not_in_the_file_and_an_array_is_none():
    assert part(nested(flattened({"optimizer": {}})), "optimizer") == {}
    with pytest.raises(ValueError, match="mean is an array"):
        part(STATE["model"], "mean")


@pytest.mark.parametrize("number", [1e300, -1e101])
def test_absurd_numbers_are_refused_though_they_are_finite(number):
    with pytest.raises(ValueError, match="moment holds numbers beyond 1e\\+100"):
        require_finite("moment", np.array([1.0, number]))
    require_finite("moment", np.array([1e99, -1e30]))
    require_finite("weight", np.array([3e38], np.float32))
