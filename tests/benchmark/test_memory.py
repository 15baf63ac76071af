"""The memory of a process is what it had, and may be counted anew."""

import gc

import numpy as np
import pytest

from recsim_env.benchmark.memory import count_anew, peak_mebibytes


def test_a_large_array_is_counted_until_it_is_counted_anew() -> None:
    gc.collect()  # what earlier tests left is not to be given back while this one counts
    if not count_anew():
        pytest.skip("this system does not count anew")
    before = peak_mebibytes()
    array = np.ones(2**24)  # 128 MiB
    assert peak_mebibytes() - before > 100
    del array
    assert peak_mebibytes() - before > 100
    assert count_anew()
    assert peak_mebibytes() - before < 100
