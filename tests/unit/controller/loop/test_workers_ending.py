"""The end of the workers: running passes are waited for, for as long as the grace lasts."""

import threading

import pytest

from controller.loop.threads import joined
from domain.records import Cause, VideoRow
from runtime.heartbeats import Heartbeats
from tests.support.world.clock import FakeClock
from tests.support.world.workers import OTHER, WorkerHarness
from tests.support.world.world import VIDEO_ID

# A bound for what takes no time: reached only when something is broken.
LONG = 60


@pytest.fixture
def harness() -> WorkerHarness:
    return WorkerHarness()


def test_an_idle_worker_ends_on_stop(harness: WorkerHarness) -> None:
    harness.workers.start(Heartbeats())
    assert harness.workers.stop(grace_seconds=LONG)


def test_stopping_waits_for_a_running_pass_and_begins_no_other(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end, passes = threading.Event(), threading.Event(), list[str]()
    get = harness.world.records.get

    def slow_get(key: str) -> VideoRow | None:
        passes.append(key)
        begun.set()
        may_end.wait(LONG)
        return get(key)

    monkeypatch.setattr(harness.world.records, "get", slow_get)
    harness.queue.add(VIDEO_ID, Cause.POLL)
    harness.workers.start(Heartbeats())
    assert begun.wait(LONG)
    harness.queue.add(OTHER, Cause.POLL)
    assert not harness.workers.stop(grace_seconds=0)
    may_end.set()
    assert harness.workers.stop(grace_seconds=LONG)
    assert harness.world.resources.by_name[VIDEO_ID].status is not None
    assert passes == [VIDEO_ID]


class Ending(threading.Thread):
    """A thread that ends after so many seconds of a clock that waiting moves."""

    def __init__(self, clock: FakeClock, after_seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._ends_at = after_seconds

    def join(self, timeout: float | None = None) -> None:
        assert timeout is not None
        self._clock.advance(min(timeout, max(0, self._ends_at - self._clock.monotonic())))

    def is_alive(self) -> bool:
        return self._clock.monotonic() < self._ends_at


@pytest.mark.parametrize(
    ("seconds", "all_ended", "waited"),
    [
        pytest.param([0, 0, 0, 19], True, 19, id="one-needs-nearly-all-of-it"),
        pytest.param([15, 12, 19, 15], True, 19, id="all-at-the-same-time"),
        pytest.param([25, 25, 0, 0], False, 20, id="some-need-too-long"),
    ],
)
def test_all_workers_share_one_grace_period(seconds: list[float], all_ended: bool, waited: float) -> None:
    clock = FakeClock()
    threads = [Ending(clock, after_seconds) for after_seconds in seconds]
    assert joined(threads, grace_seconds=20, monotonic=clock.monotonic) is all_ended
    assert clock.monotonic() == waited
