"""Binding: functions in the place of others, flags that choose what is compiled, calls apart."""

import enum

import numpy as np
import pytest

from recsim_env.compiler.binding import Binder, called_by, noinline

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


class Liking:
    """A class whose static methods others call."""

    MOST = 10.0

    @staticmethod
    def judge(person):
        return min(mood_of(person), Liking.MOST)

    def of_an_object(self):
        return 1.0


class Doubled(Liking):
    @staticmethod
    def judge(person):
        return 2.0 * Liking.judge(person)


class Quadrupled(Doubled):
    @staticmethod
    def judge(person):
        return 2.0 * Doubled.judge(person)


def first_by_class(people):
    return Quadrupled.judge(people[0])


@pytest.mark.parametrize("compiled", [False, True])
def test_static_methods_of_classes_are_called_by_the_name_of_the_class(compiled):
    binder = Binder({}, {"HAS_MOOD": True}, compiled=compiled)
    assert binder.bind_root(first_by_class)(people("mood", compiled=compiled)) == 12.0


def test_flags_and_functions_in_the_place_of_others_reach_them():
    binder = Binder({mood_of: strict_judge, judge: strict_judge}, {}, compiled=False)
    with pytest.raises(TypeError, match="strict_judge calls itself"):
        binder.bind_root(first_by_class)
    without = Binder({}, {"HAS_MOOD": False}, compiled=False).bind_root(first_by_class)
    assert without(people("size", compiled=False)) == 0.0


def test_static_methods_and_constants_of_classes_are_part_of_what_a_kernel_is(monkeypatch):
    digests = set()
    for most in (10.0, 1.0):
        monkeypatch.setattr(Liking, "MOST", most)
        binder = Binder({}, {}, compiled=False)
        assert binder.bind_root(first_by_class)(people("mood", compiled=False)) == 4 * min(3, most)
        digests.add(binder.digest.hexdigest())
    monkeypatch.setattr(Liking, "judge", staticmethod(judge))
    binder = Binder({}, {}, compiled=False)
    assert binder.bind_root(first_by_class)(people("mood", compiled=False)) == 4.0
    assert len(digests | {binder.digest.hexdigest()}) == 3


def by_an_object(people):
    return Liking.of_an_object(people)


def test_other_members_of_a_class_are_refused_by_name():
    with pytest.raises(TypeError, match=r"by_an_object uses Liking\.of_an_object, .*no static"):
        Binder({}, {}, compiled=False).bind_root(by_an_object)


def test_super_is_refused_and_the_parent_named():
    class Tripled(Liking):
        @staticmethod
        def judge(person):
            return 3.0 * super().judge(person)

    with pytest.raises(TypeError, match=r"Tripled\.judge uses super\(\), .* Liking\.judge\("):
        Binder({}, {}, compiled=False).bind_root(Tripled.judge)


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


def is_large(person):
    return Size.LARGE == Size.SMALL or person.mood > Size.LARGE.value


@pytest.mark.parametrize("compiled", [False, True])
def test_enumerations_are_left_to_numba(compiled):
    def first_is_large(people):
        return is_large(people[0])

    bound = Binder({}, {}, compiled=compiled).bind_root(first_is_large)
    assert bound(people("mood", compiled=compiled))


def test_what_a_function_calls_is_found_through_classes():
    assert Liking.judge in called_by(Doubled.judge)
    assert mood_of in called_by(Liking.judge)
