"""Heartbeats: which part is late, and when."""

import threading

import pytest
from structlog.testing import capture_logs

from runtime import heartbeats
from runtime.heartbeats import Heartbeats
from tests.support.world.clock import ManualClock

PATIENCE_SECONDS = 10


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(100.0)


@pytest.fixture
def beats(clock: ManualClock) -> Heartbeats:
    return Heartbeats(clock)


def test_a_part_is_late_once_its_round_takes_longer_than_the_limit(beats: Heartbeats, clock: ManualClock) -> None:
    with beats.during("part", at_most_seconds=10) as beat:
        clock.now += 10
        assert beats.late() == []
        clock.now += 0.5
        assert [str(late) for late in beats.late()] == ["part: no beat for 10 s, at most 10 s are usual"]
        beat.record()
        assert beats.late() == []


def test_a_part_that_has_ended_is_not_missed(beats: Heartbeats, clock: ManualClock) -> None:
    with beats.during("part", at_most_seconds=10):
        pass
    clock.now += 1000
    assert beats.late() == []


def test_a_long_call_may_take_longer_and_the_next_round_may_not(beats: Heartbeats, clock: ManualClock) -> None:
    with beats.during("part", at_most_seconds=10):
        with heartbeats.allowing(300):
            clock.now += 305
            assert beats.late() == []
        assert beats.late() == []
        clock.now += 11
        assert [late.part for late in beats.late()] == ["part"]


def test_waiting_for_long_counts_as_beating(beats: Heartbeats, clock: ManualClock) -> None:
    class ClockedEvent(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            clock.now += timeout
            assert beats.late() == []
            return False

    with beats.during("part", at_most_seconds=heartbeats.ROUND_SECONDS):
        began = clock.now
        assert not heartbeats.wait(ClockedEvent(), 6 * 3600)
    assert clock.now - began == 6 * 3600


def test_a_thread_that_has_died_becomes_late_and_says_so(
    beats: Heartbeats, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    thread = beats.thread("part", die, at_most_seconds=10)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    clock.now += 11
    with capture_logs() as logs:
        assert [late.part for late in beats.late()] == ["part"]
    assert logs[0]["stack"] == "the thread has ended"


def test_a_stuck_part_is_logged_once_with_its_stack(beats: Heartbeats, clock: ManualClock) -> None:
    with beats.during("part", at_most_seconds=10) as beat, capture_logs() as logs:
        beat.record()
        clock.now += 11
        for _ in range(3):
            beats.late()
        assert [(line["event"], line["part"], line["seconds"]) for line in logs] == [("part_stuck", "part", 11)]
        assert "test_a_stuck_part_is_logged_once_with_its_stack" in logs[0]["stack"]


def test_of_several_parts_with_one_name_the_one_nearest_to_its_limit_is_exported(
    beats: Heartbeats, clock: ManualClock
) -> None:
    with beats.during("worker", at_most_seconds=10):
        clock.now += 5
        with beats.during("worker", at_most_seconds=10):
            clock.now += 1
            assert beats.ages() == {"worker": (6, 10)}


def test_outside_of_any_part_a_beat_is_nothing() -> None:
    heartbeats.record()
    with heartbeats.allowing(1):
        assert not heartbeats.wait(threading.Event(), 0)
