"""Large arrays are used again once nobody has them, and never before."""

import numpy as np
import pytest

from recsim_env.engine.memory import Memory

N = 1 << 18
RECORD = np.dtype([("a", "f4"), ("b", "f4")])


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize(
    "part",
    [
        lambda records: records,
        lambda records: records["b"],
        lambda records: records.view(np.float32).reshape(N, 2)[5:, 1],
        lambda records: memoryview(records.view(np.float32)),
        lambda records: {"of": [records[::2]]},
    ],
    ids=["whole", "field", "view", "buffer", "nested"],
)
def test_what_somebody_has_a_part_of_is_not_given_again(part):
    memory = Memory()
    given = memory.empty(N, RECORD)
    where, held = address(given), part(given)
    del given
    assert address(memory.empty(N, RECORD)) != where
    del held
    again = [memory.empty(N, RECORD) for _ in range(2)]
    assert where in map(address, again)


def test_tensors_hold_what_they_share():
    torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    memory = Memory()
    held = torch.from_numpy(memory.empty(N, np.float64))[3:]
    others = [memory.empty(N, np.float64) for _ in range(6)]
    assert held.untyped_storage().data_ptr() not in map(address, others)


def test_sizes_are_kept_apart_and_types_are_not():
    memory = Memory()
    where = address(memory.empty(N, np.float64))
    assert address(memory.empty(2 * N, np.float64)) != where
    assert address(memory.empty(2 * N, np.float32)) == where
    assert memory.empty(N, RECORD).dtype == RECORD


def test_many_that_are_held_are_all_apart():
    memory = Memory()
    held = [memory.empty(N, np.int64) for _ in range(12)]
    for number, array in enumerate(held):
        array[:] = number
    assert [array.min() for array in held] == [array.max() for array in held] == list(range(12))
