"""A time budget: no call begins after it is spent, and what took the time is said."""

import threading

import pytest

from runtime import time_budget
from runtime.bulkhead import Bulkhead, guard
from runtime.deadline import within
from runtime.time_budget import BudgetSpentError, TimeBudget
from tests.support.world.clock import ManualClock


class SlowUpstream:
    """An upstream whose calls take time."""

    def __init__(self, clock: ManualClock) -> None:
        self.calls = 0
        self._clock = clock

    def quick(self) -> None:
        self.calls += 1

    def slow(self) -> None:
        self.calls += 1
        self._clock.now += 50


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def a_budget(clock: ManualClock) -> TimeBudget:
    return TimeBudget("the pass", seconds=120, monotonic=clock)


def test_once_it_is_spent_no_call_begins_and_the_longest_is_named(clock: ManualClock) -> None:
    upstream = SlowUpstream(clock)
    guarded = guard(Bulkhead("S3", at_most=1), upstream)
    with time_budget.limited(a_budget(clock)):
        guarded.quick()
        for _ in range(3):
            guarded.slow()
        with pytest.raises(BudgetSpentError, match=r"the pass took longer than 120 s: 150 s in S3 slow"):
            guarded.quick()
    assert upstream.calls == 4
    guarded.quick()


def test_no_exchange_begins_inside_of_a_long_call_either(clock: ManualClock) -> None:
    with time_budget.limited(a_budget(clock)):
        with within(1):
            clock.now += 121
        with pytest.raises(BudgetSpentError), within(1):
            pytest.fail("an exchange began")


def test_uncounted_time_takes_nothing_from_the_budget(clock: ManualClock) -> None:
    with time_budget.limited(a_budget(clock)):
        with time_budget.uncounted():
            clock.now += 300
            time_budget.check()
        time_budget.check()
        clock.now += 121
        with pytest.raises(BudgetSpentError):
            time_budget.check()


def test_a_full_bulkhead_of_long_calls_leaves_slots_to_the_others() -> None:
    class SlowCopies:
        entered, free = threading.Event(), threading.Event()

        def copy(self) -> None:
            self.entered.set()
            assert self.free.wait(10)

        def head(self) -> str:
            return "found"

    storage = SlowCopies()
    copies = Bulkhead("copies in S3", at_most=1, patience_seconds=0)
    guarded = guard(Bulkhead("S3", at_most=2, patience_seconds=0), storage, inner={"copy": copies})
    thread = threading.Thread(target=guarded.copy)
    thread.start()
    try:
        assert storage.entered.wait(10)
        with pytest.raises(Exception, match="too many calls to copies in S3 are under way"):
            guarded.copy()
        assert guarded.head() == "found"
    finally:
        storage.free.set()
        thread.join()
