"""Results in order, few in flight, steps that overlap."""

import threading
import time

import pytest

from mien.runtime.threads import Threads


def test_results_come_in_order_though_calls_end_in_any():
    def late_first(number):
        time.sleep(0.02 if number % 4 == 0 else 0)
        return number

    with Threads(4) as threads:
        assert list(threads.map(late_first, range(30), 8)) == list(range(30))
        assert list(threads.map(late_first, [], 8)) == []


def test_one_item_needs_no_thread():
    with Threads(2) as threads:
        assert list(threads.map(lambda item: threading.current_thread(), ["alone"], 2)) == [threading.main_thread()]
        assert threading.main_thread() not in list(threads.map(lambda item: threading.current_thread(), "ab", 2))


def test_two_steps_run_at_the_same_time_in_the_same_threads():
    """A call of each step waits for one of the other."""
    both = threading.Barrier(2, timeout=10)
    seen = set()

    def first(number):
        seen.add(threading.current_thread())
        if number == 5:
            both.wait()
        return number

    def second(number):
        seen.add(threading.current_thread())
        if number == 0:
            both.wait()
        return number

    with Threads(2) as threads:
        assert list(threads.map(second, threads.map(first, range(9), 4), 3)) == list(range(9))
    assert len(seen) == 2


@pytest.mark.parametrize("ahead", [1, 6])
def test_only_so_many_are_taken_ahead(ahead):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    with Threads(3) as threads:
        for number in threads.map(lambda item: item, endless(), ahead):
            assert taken == max(2, number + ahead - 1)
            if number == 100:
                break


def test_a_reader_that_stops_early_leaves_no_call_behind():
    gate, begun = threading.Event(), []

    def wait(number):
        begun.append(number)
        if number:
            gate.wait(10)
        return number

    with Threads(1) as threads:
        assert next(threads.map(wait, range(9), 5)) == 0
        gate.set()
    assert len(begun) <= 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mien-work")]


def test_an_error_of_a_call_comes_out_where_its_result_would():
    with Threads(2) as threads:
        results = threads.map(lambda number: 6 // number, [1, 2, 0, 3], 3)
        assert [next(results), next(results)] == [6, 3]
        with pytest.raises(ZeroDivisionError):
            next(results)
