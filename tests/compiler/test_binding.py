"""Binding: functions in the place of others, flags that choose what is compiled, calls apart."""

import numpy as np
import pytest

from recsim_env.compiler.binding import Binder, noinline

HAS_MOOD = True


def mood_of(person):
    if HAS_MOOD:
        return person.mood
    return 0.0


def judge(person):
    return 1.0


def strict_judge(person):
    return mood_of(person) - 5.0


@noinline
def rare(person):
    return mood_of(person)


def first(people):
    return rare(people[0]) + judge(people[0])


def bind(*, has_mood, compiled, functions=None):
    binder = Binder(functions or {}, {"HAS_MOOD": has_mood}, compiled=compiled)
    return binder, binder.bind_root(first)


def people(field, *, compiled):
    records = np.full(1, 3.0, [(field, float)])
    return records if compiled else records.view(np.recarray)


@pytest.mark.parametrize("compiled", [False, True])
def test_what_stands_under_a_false_flag_may_name_fields_that_are_not_there(compiled):
    _, with_mood = bind(has_mood=True, compiled=compiled)
    _, without = bind(has_mood=False, compiled=compiled)
    assert with_mood(people("mood", compiled=compiled)) == 4.0
    assert without(people("size", compiled=compiled)) == 1.0
    with pytest.raises(Exception, match="mood"):
        with_mood(people("size", compiled=compiled))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_function_stands_in_the_place_of_another_wherever_that_is_called(compiled):
    _, bound = bind(has_mood=True, compiled=compiled, functions={judge: strict_judge})
    assert bound(people("mood", compiled=compiled)) == 3.0 - 2.0


def test_flags_and_functions_in_the_place_of_others_are_part_of_what_a_kernel_is():
    digests = {
        bind(has_mood=has_mood, compiled=False, functions=functions)[0].digest.hexdigest()
        for has_mood in (False, True)
        for functions in ({}, {judge: strict_judge})
    }
    assert len(digests) == 4


def test_all_is_inlined_but_what_is_marked():
    _, bound = bind(has_mood=True, compiled=True)
    names = bound.py_func.__globals__
    assert not names["rare"].targetoptions["forceinline"]
    assert names["judge"].targetoptions["forceinline"]
