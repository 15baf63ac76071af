"""Columns of text become numbers where they are some."""

import numpy as np
import pytest

from recsim_env.data.readers.features import guessed_feature


@pytest.mark.parametrize(
    "values",
    [["5", "1,12", "3,5", "12,3"], ["1,2", "3,45", "7,8"], ["1,250", "2,500"], ["1,2", "3,4", "x"]],
)
def test_lists_of_codes_and_thousands_are_no_decimals(values):
    _, names = guessed_feature("genres", values)
    assert names == [f"genres={value}" for value in sorted(values)]


@pytest.mark.parametrize(
    "values",
    [["1,25", "2,50", "", "3,75"], ["0,125", "1,250", "", "2,375"], ["1.5", "2", "", "2.5"]],
)
def test_commas_before_equally_many_digits_are_decimals(values):
    matrix, names = guessed_feature("price", values)
    assert names == ["price"]
    assert matrix[:, 0] == pytest.approx(np.array([0.0, 0.5, 0.5, 1.0]), abs=0.01)
