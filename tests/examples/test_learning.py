"""The examples that need nothing beyond our own environment run, and learn."""

import pytest

from examples import interop

pytestmark = pytest.mark.processes

SHARED = [example for example in interop.examples() if example.is_shared]

#: The others are played among the slow tests.
QUICKEST = {"sb3_ppo"}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(each, id=each.name, marks=() if each.name in QUICKEST else pytest.mark.slow)
        for each in SHARED
    ],
)
def test_an_example_learns_well_more_than_uniform(example):
    learned, uniform, *_ = interop.row_of(example)
    assert float(learned.replace(",", "")) > 1.1 * float(uniform.replace(",", ""))
