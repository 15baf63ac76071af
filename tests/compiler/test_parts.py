"""Parts of loops: compiled once, whoever calls them with which constants, and private to a loop."""

import numba
import numpy as np
import pytest
from numba import literally

from recsim_env.compiler.binding import Binder, noinline


@pytest.fixture(autouse=True)
def _no_earlier_run(tmp_path, monkeypatch):
    """What an earlier run has compiled would be loaded, and show nothing of how it is compiled."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))


def scaled(value, scale):
    return value * scale


@noinline
def far(value, scale):
    return scaled(value, scale)


def by_constants(values):
    return scaled(values[0], 2) + scaled(values[0], 3) + far(values[0], 5)


def by_another(values):
    return far(values[0], 7) + scaled(values[0], 11)


def bind(root, *, layout=""):
    return Binder({}, {}, compiled=True, layout=layout).bind_root(root)


def test_a_part_is_compiled_once_whatever_constants_it_is_called_with():
    bound = bind(by_constants)
    assert bound(np.full(1, 10.0)) == 100.0
    part = bound.py_func.__globals__["scaled"]
    assert part.signatures == [(numba.float64, numba.int64)]


def first_of(record):
    return scaled(record.first, 2)


def by_record(records):
    return first_of(records[0])


def test_a_part_for_records_takes_those_that_begin_alike_without_a_warning():
    # people without and with ids, whose observations differ by a last entry
    for names in (["first"], ["first", "second"]):
        records = np.ones(1, [(name, float) for name in names])
        assert bind(by_record, layout=f"{names}")(records) == 2.0


def test_loops_share_their_parts_and_have_names_of_their_own():
    first, second = bind(by_constants, layout="a"), bind(by_another, layout="b")
    assert first.py_func.__globals__["far"] is second.py_func.__globals__["far"]
    assert second(np.full(1, 1.0)) == 18.0
    assert bind(by_another, layout="c").py_func.__qualname__ != second.py_func.__qualname__


def test_parts_are_private_to_their_loop():
    bound = bind(by_constants, layout="private")
    bound(np.full(1, 1.0))
    (compiled,) = bound.overloads.values()
    seen = [
        each.name
        for each in compiled._asdict()["library"].get_defined_functions()
        if each.linkage.name != "internal" and "NRT" not in each.name
    ]
    assert len(seen) == 2, seen  # the loop, and the way in from Python
    assert all("by_constants_" in name for name in seen), seen


def chosen(value, index):
    return (value, 2 * value)[literally(index)]


def by_a_constant_that_must_be_known(values):
    return chosen(values[0], 1)


def test_a_part_may_ask_which_constant_it_is_called_with():
    assert bind(by_a_constant_that_must_be_known)(np.full(1, 3.0)) == 6.0


@noinline
def told(value):
    print("a person of", value)
    return sum([value * each for each in range(3)])


def by_printing(values):
    return told(values[0])


def test_parts_may_print_and_comprehend(capfd):
    assert bind(by_printing)(np.full(1, 2.0)) == 6.0
    assert capfd.readouterr().out == "a person of 2.0\n"


def misspelt(values):
    return values.lenght


def by_a_mistake(values):
    return misspelt(values)


def test_a_mistake_in_a_part_is_told_as_numba_tells_it():
    with pytest.raises(numba.TypingError, match=r"(?s)nopython frontend.*attribute 'lenght'"):
        bind(by_a_mistake)(np.full(1, 1.0))
