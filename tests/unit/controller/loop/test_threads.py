"""The background threads continue after errors, keep their intervals, and end with the stop event."""

import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from controller.loop.threads import listen, repeat_until, resync_until, wait_for_cache_sync
from database import wakeups
from database.wakeups import Wakeup
from domain.errors import RefusedError, UnavailableError
from domain.records import Cause

URL = "postgresql://nobody@nowhere/nothing"
NUDGE = Wakeup("a", Cause.CLAIM)
ERRORS = [
    pytest.param(lambda: UnavailableError("no answer"), id="away"),
    pytest.param(lambda: RefusedError("HTTP 403"), id="refused"),
    pytest.param(lambda: KeyError("a bug"), id="a-bug"),
]


class FakeStop(threading.Event):
    """An event that never blocks: it records each wait, and is set at the last of ``waits``."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.pauses: list[float | None] = []
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        if len(self.pauses) == self._waits:
            self.set()
        return self.is_set()


class FakeListen:
    """Plays `wakeups.listen`: each connection yields its events, and ends with its error or sets ``stop``."""

    def __init__(self, stop: threading.Event, *connections: list[Wakeup | Exception | None]) -> None:
        self._stop = stop
        self._connections = list(connections)
        self.was_read_after_stop = False

    def __call__(self, url: str, *, quiet_seconds: float) -> Iterator[Wakeup | None]:
        assert url == URL
        assert quiet_seconds <= 1
        for event in self._connections.pop(0) if self._connections else []:
            if isinstance(event, Exception):
                raise event
            yield event
        self._stop.set()
        yield None
        self.was_read_after_stop = True


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue(lambda: 0.0)


def test_a_nudge_queues_a_pass_with_its_cause(queue: WorkQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    connection = FakeListen(stop, [None, NUDGE, None])
    monkeypatch.setattr(wakeups, "listen", connection)
    listen(stop, URL, queue)
    assert queue.state().depth == 1
    assert queue.take() == ("a", Cause.CLAIM)
    assert not connection.was_read_after_stop


@pytest.mark.parametrize("error", ERRORS)
def test_a_lost_connection_is_opened_again_after_a_pause(
    queue: WorkQueue, error: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = FakeStop(9)
    monkeypatch.setattr(wakeups, "listen", FakeListen(stop, [None, error()], [error()], [None, NUDGE]))
    listen(stop, URL, queue)
    assert queue.state().depth == 1
    assert stop.pauses == [1, 1]


def test_listening_without_a_connection_ends_with_stop(queue: WorkQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = FakeStop(1)
    monkeypatch.setattr(wakeups, "listen", FakeListen(stop, [UnavailableError("no answer")]))
    listen(stop, URL, queue)
    assert stop.pauses == [1]


class FakeResync:
    """Records the comparisons requested of it. The one named ``fails_until[0]`` succeeds from call ``[1]`` on."""

    def __init__(
        self, error: Callable[[], Exception] | None = None, *, fails_until: tuple[str, int] | None = None
    ) -> None:
        self.calls: list[str] = []
        self._error = error
        self._fails_until = fails_until

    def resources(self) -> int:
        return self._call("resources")

    def all_pending(self) -> int:
        return self._call("all_pending")

    def rows(self) -> int:
        return self._call("rows")

    def _call(self, name: str) -> int:
        self.calls.append(name)
        if self._fails_until is not None and (name, len(self.calls)) == self._fails_until:
            self._error = None
        if self._error is not None:
            raise self._error()
        return 1


def resynced(stop: threading.Event, resync: FakeResync, *, resync_seconds: float = 90) -> list[str]:
    """Sweep every 30 seconds until ``stop``; return the comparisons that were made."""
    resync_until(stop, cast("Resync", resync), ResourceCache(), sweep_seconds=30, resync_seconds=resync_seconds)
    return resync.calls


def test_all_pending_rows_come_first_and_the_list_is_repeated_at_its_interval() -> None:
    stop = FakeStop(5)
    assert resynced(stop, FakeResync()) == ["all_pending", "rows", "rows", "resources", "rows", "rows"]
    assert stop.pauses == [30] * 5


def test_a_list_interval_below_the_sweep_interval_lists_at_every_sweep() -> None:
    assert resynced(FakeStop(2), FakeResync(), resync_seconds=1) == ["all_pending", "resources", "rows"]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_in_one_comparison_ends_neither_the_other_nor_the_thread(error: Callable[[], Exception]) -> None:
    calls = resynced(FakeStop(4), FakeResync(error))
    assert calls == ["all_pending", "all_pending", "all_pending", "resources", "all_pending"]


@pytest.mark.parametrize("error", ERRORS)
def test_all_pending_rows_are_requested_until_that_succeeds_once(error: Callable[[], Exception]) -> None:
    """No other comparison finds an upload that is on its way and shown as it is: it would never be polled again."""
    resync = FakeResync(error, fails_until=("all_pending", 3))
    assert resynced(FakeStop(5), resync, resync_seconds=300) == ["all_pending"] * 3 + ["rows"] * 2


def test_the_first_list_is_read_once() -> None:
    stop, resync = FakeStop(1), FakeResync()
    assert wait_for_cache_sync(stop, cast("Resync", resync))
    assert (resync.calls, stop.pauses) == (["resources"], [])


@pytest.mark.parametrize("error", ERRORS)
def test_the_first_list_is_retried_with_growing_pauses_until_it_succeeds(error: Callable[[], Exception]) -> None:
    stop, resync = FakeStop(99), FakeResync(error, fails_until=("resources", 8))
    assert wait_for_cache_sync(stop, cast("Resync", resync))
    assert resync.calls == ["resources"] * 8
    assert stop.pauses == [0.5, 1, 2, 4, 8, 15, 15]


def test_waiting_for_a_first_list_that_never_succeeds_ends_with_stop() -> None:
    resync = FakeResync(lambda: UnavailableError("no answer"))
    assert not wait_for_cache_sync(FakeStop(3), cast("Resync", resync))
    assert resync.calls == ["resources"] * 3


def test_a_resync_that_was_stopped_before_it_began_does_nothing() -> None:
    stop = threading.Event()
    stop.set()
    assert resynced(stop, FakeResync()) == []


@pytest.mark.parametrize("error", ERRORS)
def test_a_task_is_repeated_after_errors_until_stop(error: Callable[[], Exception]) -> None:
    stop, calls = FakeStop(4), list[int]()

    def task() -> int:
        calls.append(1)
        raise error()

    repeat_until(stop, "abandoned_uploads", task, every_seconds=7)
    assert (len(calls), stop.pauses) == (3, [7, 7, 7, 7])
