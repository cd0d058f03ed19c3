"""The total deadline of an exchange, without an exchange. With sockets: the trickle tests of integration."""

import math
import threading
from contextlib import ExitStack

import pytest

from runtime import deadline
from runtime.deadline import within
from tests.support.eventually import eventually

LONG = 60.0
SHORT = 0.01


def test_no_thread_is_started_for_an_exchange() -> None:
    with within(LONG):
        before = threading.active_count()
        with ExitStack() as exchanges:
            for _ in range(20):
                exchanges.enter_context(within(LONG))

            assert threading.active_count() == before


def test_a_short_deadline_ends_although_a_longer_one_was_set_first() -> None:
    with within(LONG) as longer, within(SHORT) as shorter:
        eventually(lambda: shorter.is_over)

        assert not longer.is_over


def test_deadlines_end_one_after_the_other() -> None:
    with within(2 * SHORT) as second, within(SHORT) as first:
        eventually(lambda: first.is_over and second.is_over)


def test_an_exchange_that_is_over_is_not_ended_later() -> None:
    with within(SHORT) as over:
        pass
    with within(2 * SHORT) as next_one:
        eventually(lambda: next_one.is_over)

    assert not over.is_over


def test_deadlines_that_are_cancelled_in_time_do_not_wake_the_thread_that_ends_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alarms, woken = deadline._Alarms(), list[None]()
    monkeypatch.setattr(deadline, "_alarms", alarms)
    monkeypatch.setattr(alarms._changed, "notify", lambda: woken.append(None))
    with within(LONG):
        eventually(lambda: alarms._looks_at < math.inf)  # the thread has begun
    for _ in range(50):
        with within(2 * LONG):
            pass
    assert woken == []
    with within(LONG / 2):
        assert woken == [None]
