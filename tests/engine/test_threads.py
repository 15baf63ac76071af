"""Threads that share a loop: every slot once, faults told, and shared only where that is faster."""

import os
import threading
import time

import pytest

from recsim_env.engine.threads import MIN_SLOTS_PER_THREAD, Threads, splitting_always

N_SLOTS = 3 * MIN_SLOTS_PER_THREAD


@pytest.fixture
def threads():
    made = Threads(3)
    yield made
    made.close()


def test_every_slot_is_visited_once(threads):
    visits = []
    with splitting_always():
        for _ in range(3):
            visits.clear()
            threads.run(lambda seen, a, b: seen.append((a, b)), (visits,), N_SLOTS)
            assert sorted(visits) == [(k * 512, (k + 1) * 512) for k in range(3)]


def test_a_few_slots_stay_with_the_caller(threads):
    visits = []
    with splitting_always():
        threads.run(lambda seen, a, b: seen.append((a, b)), (visits,), 2 * MIN_SLOTS_PER_THREAD - 1)
    assert visits == [(0, 2 * MIN_SLOTS_PER_THREAD - 1)]


@pytest.mark.parametrize("faulty", [0, 512, 1024])
def test_a_fault_is_raised_once_all_parts_have_ended(threads, faulty):
    ended = []

    def loop(start, stop):
        if start == faulty:
            raise ZeroDivisionError
        time.sleep(0.02)
        ended.append(start)

    with splitting_always():
        for _ in range(2):  # and the threads go on
            ended.clear()
            with pytest.raises(ZeroDivisionError):
                threads.run(loop, (), N_SLOTS)
            assert len(ended) == 2


@pytest.mark.parametrize("pays", [True, False])
def test_threads_share_what_they_do_faster(threads, pays):
    parts = []

    def loop(start, stop):
        parts.append(stop - start)
        time.sleep(0.03 * (stop - start) / N_SLOTS if pays else 0.002 + 0.03 * (start > 0))

    for _ in range(40):
        threads.run(loop, (), N_SLOTS)
    n_alone = parts.count(N_SLOTS)
    assert n_alone <= 5 if pays else n_alone >= 35


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_starts_threads_of_its_own(threads):
    with splitting_always():
        threads.run(lambda a, b: None, (), N_SLOTS)
        if (child := os.fork()) == 0:
            threads.run(lambda a, b: None, (), N_SLOTS)
            os._exit(7)
    deadline = time.monotonic() + 20
    while (found := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(found[1]) == 7


def test_threads_end_with_who_has_them():
    def alive():
        return {each for each in threading.enumerate() if each.name == "recsim-env"}

    others = alive()  # of tests before, which may end at any time
    made = Threads(3)
    with splitting_always():
        made.run(lambda a, b: None, (), N_SLOTS)
    own = alive() - others
    assert len(own) == 2
    del made
    deadline = time.monotonic() + 20
    while own & alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not own & alive()
