"""Kernels: edits rename them, equal code shares them, plain Python steps without a compiler."""

import gc
import tracemalloc
from dataclasses import dataclass, replace

import numpy as np
import pytest

from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import uniform
from recsim_env.engine.kernel import Kernel
from recsim_env.engine.simulator import NEXT_STEP, Simulator
from recsim_env.scenarios.interest_evolution import InterestEvolution


def name_of(scenario):
    return Kernel(scenario, compiled=True).step.py_func.__qualname__


def test_settings_share_a_kernel_and_other_records_or_functions_do_not():
    @dataclass(frozen=True, kw_only=True)
    class Stubborn(InterestEvolution):
        @staticmethod
        def expected_reward(config, user, item):
            return 1.0

        @staticmethod
        def sample_user(config, user, rng):
            user.interest[0] = uniform(rng)

    plain = InterestEvolution()
    assert name_of(plain) == name_of(replace(plain, step_penalty=3.0, choice="cascade"))
    assert name_of(plain) != name_of(replace(plain, n_candidates=4))  # other records
    assert name_of(plain) != name_of(Stubborn())


def test_environments_of_one_layout_share_compiled_loops():
    plain = InterestEvolution()
    kernel = Kernel(plain, compiled=True)
    assert Kernel(replace(plain, step_penalty=3.0), compiled=True).step is kernel.step
    assert Kernel(replace(plain, n_candidates=4), compiled=True).step is not kernel.step


def test_making_environments_takes_no_memory_for_ever():
    def make():
        small = InterestEvolution(n_topics=4, n_candidates=5, slate_size=2)
        Simulator(small, 1).reset(np.zeros(1, "u8"), None)

    make()
    gc.collect()
    tracemalloc.start()
    n = 8
    for _ in range(n):
        make()
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / n < 2_000  # bytes; loops bound anew keep 20,000


def test_an_edit_deep_inside_renames_the_kernel():
    def make(number):
        def helper():
            return number

        @dataclass(frozen=True, kw_only=True)
        class Nested(InterestEvolution):
            @staticmethod
            def begin_episode(config, user, items, rng):
                user.budget = helper()

        return Nested()

    assert name_of(make(1.0)) == name_of(make(1.0))
    assert name_of(make(1.0)) != name_of(make(2.0))


def test_defaults_of_functions_are_part_of_what_they_are():
    def make(number):
        def helper(x, scale=number):
            return x * scale

        @dataclass(frozen=True, kw_only=True)
        class Scaled(InterestEvolution):
            @staticmethod
            def begin_episode(config, user, items, rng):
                user.budget = helper(10.0)

        return Scaled()

    assert name_of(make(0.3)) != name_of(make(0.9))


def test_a_module_of_ours_inside_a_function_is_refused_with_the_remedy():
    from recsim_env.core import streams

    @dataclass(frozen=True, kw_only=True)
    class ByModule(InterestEvolution):
        @staticmethod
        def sample_user(config, user, rng):
            user.interest[0] = streams.uniform(rng)

    with pytest.raises(TypeError, match="import the function itself"):
        Kernel(ByModule(), compiled=True)


def drift(config):
    return config.drift


def forever(config):
    return forever(config)


def test_a_function_may_have_the_name_of_a_setting_but_not_call_itself():
    @dataclass(frozen=True, kw_only=True)
    class Named(InterestEvolution):
        @staticmethod
        def begin_episode(config, user, items, rng):
            user.budget = drift(config)

    @dataclass(frozen=True, kw_only=True)
    class Endless(InterestEvolution):
        @staticmethod
        def begin_episode(config, user, items, rng):
            user.budget = forever(config)

    Kernel(Named(), compiled=True)
    with pytest.raises(TypeError, match="forever calls itself"):
        Kernel(Endless(), compiled=True)


class Failing(Scenario):
    @staticmethod
    def respond(config, user, items, slate, response, rng):
        raise ZeroDivisionError("in the scenario")


def test_a_mistake_in_plain_python_is_an_ordinary_traceback():
    simulator = Simulator(Failing(), 1, compiled=False)
    with pytest.raises(ZeroDivisionError, match="in the scenario"):
        simulator.step(np.zeros((1, 1), np.int64), NEXT_STEP)
